import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { otherSite, type SiteId, siteIdSchema, sites } from '../../pair/site.ts';
import {
  type MovePlan,
  movePlanSchema,
  type MoveRequestInput,
  type OperationView,
  operationViewSchema,
} from '../../worker/moves/operation-view.ts';
import { Problem, problems } from '../../worker/problems.ts';
import { planHashSchema } from '../../worker/rebuild/rebuild-view.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { operationLine, renderMovePlan, renderOperation } from '../move-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** The shape of `umbra plan --json` and of `umbra failover --json`. */
export const moveReportSchema = z.union([
  z.strictObject({ plan: movePlanSchema }),
  z.strictObject({ operation: operationViewSchema }),
]);

const options = z.looseObject({
  all: z.boolean().default(false),
  to: siteIdSchema.optional(),
  oldSideUnconfirmed: z.boolean().default(false),
  includeUnready: z.boolean().default(false),
  withoutIdBarrier: z.boolean().default(false),
  confirm: planHashSchema.optional(),
  yes: z.boolean().default(false),
});
type MoveOptions = z.output<typeof options>;

const lookMs = 250;
/** A worker that does not answer in between is asked again for so long: it may be starting anew. */
const silencesMax = 240;

export const plan: Verb = {
  name: 'plan',
  summary: 'what a failover would do, what may be missing afterwards, and what stands against it; changes nothing',
  parameters: '<failover> [TOPICS...]',
  declare: declareTopics,
  run: async (context, [kind, names], raw) => {
    const asked = parseInput(options, raw, 'option');
    const { client, request } = await target(context, String(kind), names, asked);
    const made = await client.planMove(request, context.signal);
    answer(context, moveReportSchema.parse({ plan: made }), (colours) => renderMovePlan(made, colours));
    return made.blockers.length === 0 ? 0 : problems.MOVE_REFUSED.exit;
  },
};

export const failover: Verb = {
  name: 'failover',
  summary: 'make copies primary whose source is gone or given up, at what has arrived',
  parameters: '[TOPICS...]',
  declare: (command) =>
    declareTopics(command)
      .option('--confirm <HASH>', 'go on without asking if the plan still has this hash')
      .option('--yes', 'go on without asking, whatever the plan says'),
  run: async (context, [names], raw) => {
    const asked = parseInput(options, raw, 'option');
    if (context.options.json === true && !asked.yes && asked.confirm === undefined) {
      const message = '"--json" asks nobody: give "--confirm HASH" with the hash that "umbra plan" shows, or "--yes"';
      throw new Problem('INVALID_INPUT', message);
    }
    const { client, request } = await target(context, 'failover', names, asked);
    const made = await client.planMove(request, context.signal);
    if (context.options.json !== true) context.io.out(renderMovePlan(made, context.colours));
    const [blocker] = made.blockers;
    if (blocker !== undefined) throw new Problem('MOVE_REFUSED', `${blocker.message}. ${blocker.remedy}`);
    await confirm(context, made, asked);
    const begun = await client.beginMove(request, made.hash, context.signal);
    const ended = await follow(context, client, begun);
    answer(context, moveReportSchema.parse({ operation: ended }), (colours) => renderOperation(ended, colours));
    return ended.step.kind === 'done' ? 0 : problems.NOT_MOVED.exit;
  },
};

function declareTopics(command: Parameters<NonNullable<Verb['declare']>>[0]): typeof command {
  return command
    .option('--all', 'every copy of the link')
    .option('--to <SITE>', 'the site that is to be primary; needed with --all')
    .option(
      '--old-side-unconfirmed',
      'nobody can prove that the old side is fenced: I made sure that its clients are cut off',
    )
    .option('--without-id-barrier', 'do not wait until no producer id can be given out twice (docs/producer-ids.md)')
    .option('--include-unready', 'promote also what is faulted, paused, orphaned or was never level, as it is');
}

interface Target {
  readonly client: ApiClient;
  readonly request: MoveRequestInput;
}

/** The worker of the site that is to be primary: names tell it by their prefix. */
async function target(context: VerbContext, kind: string, given: unknown, asked: MoveOptions): Promise<Target> {
  if (kind !== 'failover') throw new Problem('INVALID_INPUT', `argument 1: must be "failover", not "${kind}"`);
  const names = z.array(z.string()).parse(given ?? []);
  if (asked.all === names.length > 0) {
    throw new Problem(
      'INVALID_INPUT',
      asked.all ? 'name topics or give "--all", not both' : 'name topics, or give "--all"',
    );
  }
  const workers = await knownWorkers(context.options, context.io.cwd);
  const { clients, prefixes } = await bySite(workers, context.signal);
  const to = asked.to ?? destinationOf(names, prefixes);
  const client = clients.get(to);
  if (client === undefined) throw new Problem('UNREACHABLE', `no worker of site ${to} answers`);
  const { oldSideUnconfirmed, includeUnready, withoutIdBarrier } = asked;
  return {
    client,
    request: { kind, topics: asked.all ? 'all' : names, oldSideUnconfirmed, includeUnready, withoutIdBarrier },
  };
}

interface SitesFound {
  readonly clients: ReadonlyMap<SiteId, ApiClient>;
  readonly prefixes: Readonly<Record<SiteId, string>> | undefined;
}

async function bySite(workers: readonly KnownWorker[], signal: AbortSignal): Promise<SitesFound> {
  const clients = new Map<SiteId, ApiClient>();
  let prefixes: SitesFound['prefixes'];
  await Promise.all(
    workers.map(async ({ client }) => {
      try {
        const pair = await client.pair(signal);
        clients.set(pair.site, client);
        prefixes ??= pair.prefixes;
      } catch (error) {
        // The other side may be gone: that is what failovers are for.
        if (!(error instanceof Problem)) throw error;
      }
    }),
  );
  return { clients, prefixes };
}

function destinationOf(names: readonly string[], prefixes: SitesFound['prefixes']): SiteId {
  const homes = new Set(
    names.map((name) => sites.find((site) => prefixes !== undefined && name.startsWith(prefixes[site]))),
  );
  const [home] = homes;
  if (homes.size !== 1 || home === undefined) {
    throw new Problem(
      'INVALID_INPUT',
      'which site is to be primary cannot be told from these names: give "--to a" or "--to b"',
    );
  }
  return otherSite(home);
}

async function confirm(
  { io, signal }: VerbContext,
  made: MovePlan,
  { confirm: hash, yes }: MoveOptions,
): Promise<void> {
  if (hash !== undefined) {
    if (hash === made.hash) return;
    throw new Problem('PLAN_CHANGED', `the plan is ${made.hash} now, not ${hash}; nothing was touched`);
  }
  if (yes) return;
  if (io.ask === undefined) throw new Problem('NOT_CONFIRMED', 'nobody is there to confirm it; nothing was touched');
  const wanted = `${made.kind} ${made.topics.length}`;
  const typed = await io.ask(`Type "${wanted}" to go on, anything else to leave it: `, signal);
  if (typed.trim() !== wanted) throw new Problem('NOT_CONFIRMED', 'not confirmed; nothing was touched');
}

/** Looks again and again until it is over. The operation itself does not depend on who looks. */
async function follow({ io, signal }: VerbContext, client: ApiClient, begun: OperationView): Promise<OperationView> {
  let silences = 0;
  try {
    for (let view = begun; ;) {
      if (view.step.kind === 'done' || view.step.kind === 'aborted') return view;
      io.progress?.(operationLine(view));
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      try {
        view = await client.operation(begun.id, signal);
        silences = 0;
      } catch (error) {
        silences += 1;
        if (!(error instanceof Problem) || silences > silencesMax) throw error;
      }
    }
  } finally {
    io.progress?.('');
  }
}
