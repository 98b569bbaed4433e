import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { durationSchema, parseDuration } from '../../drill/duration.ts';
import {
  drillPlanSchema,
  drillsAnswerSchema,
  drillViewSchema,
  findingsAnswerSchema,
  historyAnswerSchema,
  runViewSchema,
} from '../../worker/drill/drill-view.ts';
import { Problem } from '../../worker/problems.ts';
import { drillFindingSchema, type PastRun, pastRunSchema } from '../../worker/state/drill-memory.ts';
import { knownWorkers } from '../discovery.ts';
import {
  renderDrillFindings,
  renderDrills,
  renderHistory,
  renderNext,
  renderPast,
  renderPlan,
  runLine,
} from '../drill-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

const actions = [
  'list',
  'next',
  'plan',
  'run',
  'abort',
  'skip',
  'approve',
  'freeze',
  'thaw',
  'history',
  'findings',
  'close',
  'accept',
] as const;
const actionSchema = z.enum(actions, { error: `must be one of ${actions.join(', ')}` });
const optionsSchema = z.looseObject({
  reason: z.string().optional(),
  as: z.string().optional(),
  role: z.string().optional(),
  until: z
    .union([durationSchema('1m', '90d'), z.iso.datetime({ offset: true })], {
      error: 'must be a time such as 2026-12-01T00:00:00Z, or how long from now: 1m to 90d',
    })
    .optional(),
  detach: z.boolean().default(false),
});

const lookMs = 500;

/** Shapes of `umbra drill … --json`. */
export const drillRunReportSchema = z.strictObject({ run: pastRunSchema });
export const drillBegunReportSchema = z.strictObject({ run: runViewSchema });
export const drillReportSchema = z.strictObject({ drill: drillViewSchema });
export const drillFindingReportSchema = z.strictObject({ finding: drillFindingSchema });

interface Asked {
  readonly context: VerbContext;
  readonly name: string | undefined;
  readonly reason: string | undefined;
  readonly by: string;
  readonly role: string | undefined;
  readonly until: string | undefined;
  readonly detach: boolean;
}

/** Drills: what is declared, what runs, what ran, and what came of it. */
export const drill: Verb = {
  name: 'drill',
  summary: 'drills: list, next, plan, run, abort, skip, approve, freeze, thaw, history; findings, accept, close',
  parameters: '[ACTION] [NAME]',
  declare: (command) =>
    command
      .option('--reason <TEXT>', 'abort, skip, freeze, accept, close: why')
      .option('--as <NAME>', 'who asks for it, for the evidence (default: the user of this machine)')
      .option('--role <ROLE>', 'approve: in which role')
      .option('--until <TIME>', 'freeze: when it ends, or how long it lasts from now: 2026-12-01T00:00:00Z, 36h')
      .option('--detach', 'run: do not wait until it is over'),
  run: async (context, [given, name], raw) => {
    const action = parseInput(actionSchema, given ?? 'list', 'ACTION');
    const { reason, as, role, until, detach } = parseInput(optionsSchema, raw, 'option');
    const asked: Asked = {
      context,
      name: typeof name === 'string' ? name : undefined,
      reason,
      by: as ?? whoAsks(),
      role,
      until,
      detach,
    };
    return acts[action](asked);
  },
};

const acts: Readonly<Record<(typeof actions)[number], (asked: Asked) => Promise<number>>> = {
  list: (asked) => showDrills(asked, 'list'),
  next: (asked) => showDrills(asked, 'next'),
  plan,
  run,
  abort,
  skip,
  approve,
  freeze,
  thaw,
  history,
  findings,
  accept: (asked) => decide(asked, 'accepted'),
  close: (asked) => decide(asked, 'closed'),
};

async function showDrills({ context }: Asked, what: 'list' | 'next'): Promise<number> {
  const told = await askAll(context, (client) => client.drills.all(context.signal));
  const byName = new Map(
    told.flatMap(({ drills }) => drills).map((each) => [`${each.spec.site}/${each.spec.name}`, each]),
  );
  const runs = new Map(told.flatMap((each) => each.runs).map((each) => [each.id, each]));
  const frozen = told.find((each) => each.frozen !== undefined)?.frozen;
  const all = { drills: [...byName.values()], runs: [...runs.values()] };
  const answered = drillsAnswerSchema.parse({ ...all, ...(frozen && { frozen }) });
  answer(context, answered, (colours) => (what === 'next' ? renderNext(answered) : renderDrills(answered, colours)));
  return 0;
}

async function plan({ context, name }: Asked): Promise<number> {
  const wanted = named(name, 'plan');
  const planned = await askEach(context, (client) => client.drills.plan(wanted, context.signal));
  answer(context, drillPlanSchema.parse(planned), (colours) => renderPlan(planned, colours));
  return planned.blockers.length === 0 ? 0 : 5;
}

async function run({ context, name, by, detach }: Asked): Promise<number> {
  const wanted = named(name, 'run');
  const { client, value } = await askEachFor(context, (each) => each.drills.begin(wanted, by, context.signal));
  if (value.kind === 'over') return told(context, value.run);
  if (detach) {
    answer(context, drillBegunReportSchema.parse({ run: value.run }), () => runLine(value.run));
    return 0;
  }
  return follow(context, client, value.run.id);
}

/** Until it is over; each phase is told on the way. */
async function follow(context: VerbContext, client: ApiClient, id: string): Promise<number> {
  let phase: string | undefined;
  for (;;) {
    const now = await again(() => client.drills.run(id, context.signal));
    if (now?.kind === 'over') return told(context, now.run);
    if (now !== undefined && now.run.phase !== phase) {
      phase = now.run.phase;
      if (context.options.json !== true) context.io.err(`${id}: ${phase ?? 'the end'}`);
    }
    await sleep(lookMs, undefined, { signal: context.signal });
  }
}

/** Another worker may take the lead meanwhile: what passes is waited for. */
async function again<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Problem && (error.code === 'NOT_READY' || error.code === 'UNREACHABLE')) return undefined;
    throw error;
  }
}

function told(context: VerbContext, past: PastRun): number {
  answer(context, drillRunReportSchema.parse({ run: past }), (colours) => renderPast(past, colours));
  return past.verdict === 'PASSED' ? 0 : past.verdict === 'FAILED' ? 1 : 5;
}

async function abort({ context, name, reason = 'somebody asked for it' }: Asked): Promise<number> {
  const id = name ?? (await onlyRun(context));
  const { client, value } = await askEachFor(context, (each) => each.drills.abort(id, reason, context.signal));
  return value.kind === 'over' ? told(context, value.run) : follow(context, client, id);
}

async function skip({ context, name, reason = 'somebody asked for it' }: Asked): Promise<number> {
  const wanted = named(name, 'skip');
  const left = await askEach(context, (client) => client.drills.skip(wanted, reason, context.signal));
  answer(context, drillReportSchema.parse({ drill: left }), () => renderNext({ drills: [left] }));
  return 0;
}

async function approve({ context, name, by, role }: Asked): Promise<number> {
  const wanted = named(name, 'approve');
  if (role === undefined) throw new Problem('INVALID_INPUT', 'say --role: in which role it is approved');
  const left = await askEach(context, (client) => client.drills.approve(wanted, { name: by, role }, context.signal));
  const line = left.approvals.map((each) => `${each.name} (${each.role}) until ${each.until}`).join('\n');
  answer(context, drillReportSchema.parse({ drill: left }), () => line);
  return 0;
}

/** Of each site that answers: the pair is frozen by one, and the other may be away when it is asked. */
async function freeze(asked: Asked): Promise<number> {
  const { context, reason, until, by } = asked;
  if (reason === undefined || until === undefined)
    throw new Problem('INVALID_INPUT', 'say --until and --reason: a freeze without an end is forgotten');
  const length = durationSchema('1m', '90d').safeParse(until);
  const end = length.success ? Date.now() + parseDuration(length.data) : Date.parse(until);
  const wanted = { by, reason, until: new Date(end).toISOString() };
  await askAll(context, (client) => client.drills.freeze(wanted, context.signal));
  return showDrills(asked, 'next');
}

async function thaw(asked: Asked): Promise<number> {
  await askAll(asked.context, (client) => client.drills.thaw(asked.context.signal));
  return showDrills(asked, 'next');
}

async function history({ context, name }: Asked): Promise<number> {
  const all = (await askAll(context, (client) => client.drills.history(context.signal))).flat();
  const runs = [...new Map(all.map((each) => [each.id, each])).values()]
    .filter(({ drill: of }) => name === undefined || of === name)
    .toSorted((left, right) => right.startedAt.localeCompare(left.startedAt));
  answer(context, historyAnswerSchema.parse({ runs }), (colours) => renderHistory(runs, colours));
  return 0;
}

async function findings({ context }: Asked): Promise<number> {
  const all = (await askAll(context, (client) => client.drills.findings(context.signal))).flat();
  const found = [...new Map(all.map((each) => [each.id, each])).values()];
  answer(context, findingsAnswerSchema.parse({ findings: found }), (colours) => renderDrillFindings(found, colours));
  return found.some(({ severity, status }) => severity === 'critical' && status === 'open') ? 1 : 0;
}

async function decide({ context, name, reason, by }: Asked, status: 'accepted' | 'closed'): Promise<number> {
  const id = named(name, status);
  if (reason === undefined) throw new Problem('INVALID_INPUT', 'say --reason: why it is no matter any more');
  const note = `${by}: ${reason}`;
  const finding = await askEach(context, (client) => client.drills.decide(id, { status, note }, context.signal));
  answer(context, drillFindingReportSchema.parse({ finding }), (colours) => renderDrillFindings([finding], colours));
  return 0;
}

async function onlyRun(context: VerbContext): Promise<string> {
  const told = await askAll(context, (client) => client.drills.all(context.signal));
  const ids = [...new Set(told.flatMap(({ runs }) => runs.map(({ id }) => id)))];
  const [id] = ids;
  if (id === undefined) throw new Problem('NOT_FOUND', 'no drill runs');
  if (ids.length > 1) throw new Problem('INVALID_INPUT', `several runs go on: name one of ${ids.join(', ')}`);
  return id;
}

function named(name: string | undefined, action: string): string {
  if (name === undefined)
    throw new Problem('INVALID_INPUT', `"umbra drill ${action}" needs a name: "umbra drill" lists them`);
  return name;
}

/** For the evidence; a machine without users has nobody to name. */
function whoAsks(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

/** Every site that answers; rejects where none does. */
async function askAll<T>(context: VerbContext, ask: (client: ApiClient) => Promise<T>): Promise<readonly T[]> {
  const told: T[] = [];
  let refusal: Problem | undefined;
  for (const { client } of await knownWorkers(context.options, context.io.cwd)) {
    try {
      told.push(await ask(client));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refusal = error;
    }
  }
  if (told.length === 0 && refusal !== undefined) throw refusal;
  return told;
}

async function askEach<T>(context: VerbContext, ask: (client: ApiClient) => Promise<T>): Promise<T> {
  return (await askEachFor(context, ask)).value;
}

/** The site that has it answers; the other one says that it does not. */
async function askEachFor<T>(
  context: VerbContext,
  ask: (client: ApiClient) => Promise<T>,
): Promise<{ readonly client: ApiClient; readonly value: T }> {
  let refusal: Problem | undefined;
  for (const { client } of await knownWorkers(context.options, context.io.cwd)) {
    try {
      return { client, value: await ask(client) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (refusal === undefined || error.code !== 'NOT_FOUND') refusal = error;
    }
  }
  throw refusal ?? new Problem('NOT_FOUND', 'no site knows of it');
}
