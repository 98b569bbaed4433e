import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { isProblemCode } from '../../api/problem-json.ts';
import type { SiteId } from '../../pair/site.ts';
import { problems, Problem } from '../../worker/problems.ts';
import { silentRow } from '../ask-workers.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { eventLine, eventsReportSchema, inOrder, type SiteEvent } from '../events-text.ts';
import type { WorkerRow } from '../pair-status.ts';
import { printable, printableJsonLine } from '../printable.ts';
import { workersPart } from '../status-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

const optionsSchema = z.looseObject({
  follow: z.boolean().default(false),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number from 1 to 1000')
    .transform(Number)
    .pipe(z.int().min(1, 'must be a number from 1 to 1000').max(1_000, 'must be a number from 1 to 1000'))
    .default(50),
});

const againMs = 2_000;
/** A site whose workers do not answer is asked again for so long: they may be starting anew. */
const silencesMax = 90;

/** What the workers of one site said. */
interface Told {
  readonly site: SiteId;
  readonly newest: number;
  readonly events: readonly SiteEvent[];
  readonly client: ApiClient;
}

/** What happened, and with `--follow` what happens. */
export const events: Verb = {
  name: 'events',
  summary: 'show what happened: who changed what, and what umbra did and found by itself',
  declare: (command) =>
    command
      .option('--limit <N>', 'the newest N of each site (default: 50)')
      .option('--follow', 'go on with what happens, until Ctrl-C'),
  run: async (context, _args, rawOptions) => {
    const { follow, limit } = parseInput(optionsSchema, rawOptions, 'option');
    const workers = await knownWorkers(context.options, context.io.cwd);
    const answers = await Promise.all(workers.map((worker) => ask(worker, limit, context.signal)));
    const told = answers.flatMap((each) => ('client' in each ? [each] : []));
    const silent = answers.flatMap((each) => ('client' in each ? [] : [each]));
    const past = inOrder(told.flatMap((each) => each.events));
    if (follow) return followAll(context, { past, told, silent });
    answer(context, eventsReportSchema.parse({ events: past, silent }), (colours) =>
      [
        ...(past.length === 0 ? ['Nothing has happened yet.'] : past.map((event) => eventLine(event, colours))),
        ...(silent.length === 0 ? [] : ['', workersPart(silent, colours)]),
      ].join('\n'),
    );
    return silent.length === 0 ? 0 : problems.UNREACHABLE.exit;
  },
};

async function ask(worker: KnownWorker, limit: number, signal: AbortSignal): Promise<Told | WorkerRow> {
  const { client } = worker;
  try {
    const { site, newest, events: found } = await client.events({ limit }, signal);
    return { site, newest, client, events: found.map((event) => ({ ...event, site })) };
  } catch (error) {
    if (error instanceof Problem) return silentRow(worker, error);
    throw error;
  }
}

interface Begin {
  readonly past: readonly SiteEvent[];
  readonly told: readonly Told[];
  readonly silent: readonly WorkerRow[];
}

async function followAll(context: VerbContext, { past, told, silent }: Begin): Promise<number> {
  const { io, colours } = context;
  const [row] = silent;
  if (told.length === 0 && row?.problem !== undefined) throw problemOf(row.problem);
  for (const { url, problem } of silent) io.err(`umbra: ${url} is left out: ${printable(problem?.message ?? '')}`);
  for (const event of past) show(context, event);
  const sites = Map.groupBy(told, ({ site }) => site);
  if (io.progress !== undefined) io.err(colours.dim('… Ctrl-C ends it'));
  await Promise.all([...sites.values()].map((workers) => followSite(context, workers)));
  return 0;
}

/** Until the signal fires, or nobody of the site has answered for too long. */
async function followSite(context: VerbContext, workers: readonly Told[]): Promise<void> {
  const { signal, io } = context;
  const interrupted = (): boolean => signal.aborted;
  let after = Math.max(...workers.map(({ newest }) => newest));
  let silences = 0;
  for (let turn = 0; !interrupted(); turn++) {
    const worker = workers[turn % workers.length];
    if (worker === undefined) return;
    const { client, site } = worker;
    try {
      for await (const followed of client.follow({ after }, signal)) {
        silences = 0;
        if (followed.kind === 'missed') {
          io.err(`umbra: site ${site}: some events were missed: more happened than are kept`);
          continue;
        }
        after = followed.event.id;
        show(context, { ...followed.event, site });
      }
    } catch (error) {
      silences += 1;
      const lasting = error instanceof Problem && problems[error.code].retryable;
      if (interrupted() || !lasting || silences > silencesMax) throw error;
    }
    await sleep(againMs, undefined, { signal });
  }
}

function show({ io, colours, options }: VerbContext, event: SiteEvent): void {
  io.out(options.json === true ? printableJsonLine(event) : eventLine(event, colours));
}

function problemOf({ code, message }: { readonly code: string; readonly message: string }): Problem {
  return new Problem(isProblemCode(code) ? code : 'UNREACHABLE', message);
}
