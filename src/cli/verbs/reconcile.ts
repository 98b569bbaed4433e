import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { type MovedRoleView, rolesAnswerSchema } from '../../worker/moves/operation-view.ts';
import { Problem, problems } from '../../worker/problems.ts';
import { planHashSchema, rebuildViewSchema, type RebuildView } from '../../worker/rebuild/rebuild-view.ts';
import type { TailDecision } from '../../worker/reconcile/tail-decision.ts';
import { knownWorkers } from '../discovery.ts';
import { confirm, follow, howItEnded, order, planOf, type RebuildCalls } from '../follow-rebuild.ts';
import { renderOldSides, renderReconciled, renderTailPlan } from '../reconcile-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** The shape of `umbra reconcile TOPIC --json`, one line for each topic. Without topics it is that of GET /v1/roles. */
export const reconcileReportSchema = z.strictObject({ topic: z.string(), reconciliation: rebuildViewSchema });

const optionsSchema = z
  .looseObject({
    all: z.boolean().default(false),
    plan: z.boolean().default(false),
    yes: z.boolean().default(false),
    confirm: planHashSchema.optional(),
    replay: z.boolean().default(false),
    export: z.boolean().default(false),
    discard: z.string().trim().min(1).max(500).optional(),
  })
  .refine(
    ({ replay, export: exported, discard }) => [replay, exported, discard !== undefined].filter(Boolean).length < 2,
    {
      path: ['replay'],
      error: 'say one of "--replay", "--export" and "--discard REASON"',
    },
  );
type ReconcileOptions = z.output<typeof optionsSchema>;

type Command = Parameters<NonNullable<Verb['declare']>>[0];

/** What becomes of the records that only the old primary holds. */
export function declareDecision(command: Command): Command {
  return command
    .option('--replay', 'append the records that only the old primary holds to the new one')
    .option('--export', 'keep them in files, as lines of JSON too')
    .option('--discard <REASON>', 'leave them in the quarantine’s files; the reason is kept with them');
}

/** Shows what only an old primary holds, asks, and follows what was decided to its end, topic by topic. */
export const reconcile: Verb = {
  name: 'reconcile',
  summary: 'make a copy of what an old primary came back with after a failover; what only it holds is kept in files',
  parameters: '[TOPICS...]',
  declare: (command) =>
    declareDecision(command)
      .option('--all', 'every topic whose old primary came back')
      .option('--plan', 'show what would become of it, and end')
      .option('--confirm <HASH>', 'go on without asking if the plan still has this hash; of one topic')
      .option('--yes', 'go on without asking, whatever the plan says'),
  run: async (context, [names], rawOptions) => {
    const options = parseInput(optionsSchema, rawOptions, 'option');
    const given = z.array(z.string()).parse(names ?? []);
    const waiting = await oldSides(context);
    if (given.length === 0 && !options.all) {
      const roles = waiting.map(({ role }) => role);
      answer(context, rolesAnswerSchema.parse({ roles }), () => renderOldSides(roles));
      return 0;
    }
    const asked = given.length === 0 ? waiting : given.map((topic) => waitingOf(waiting, topic));
    refuseUnclear(context, asked.length, options);
    let exit = 0;
    for (const { client, role } of asked)
      exit = Math.max(exit, await one(context, callsOf(client, role.topic, options), options));
    return exit;
  },
};

function refuseUnclear({ options: { json } }: VerbContext, topics: number, options: ReconcileOptions): void {
  if (options.confirm !== undefined && topics !== 1) {
    throw new Problem('INVALID_INPUT', '"--confirm HASH" is of one topic: name it, or give "--yes"');
  }
  if (json === true && !options.plan && !options.yes && options.confirm === undefined) {
    const message = '"--json" asks nobody: give "--confirm HASH" with the hash that "--plan" shows, or "--yes"';
    throw new Problem('INVALID_INPUT', message);
  }
}

async function one(context: VerbContext, calls: RebuildCalls, options: ReconcileOptions): Promise<number> {
  const { topic } = calls;
  const plan = await planOf(context, calls);
  if (options.plan) {
    const reconciliation: RebuildView = { step: 'planned', plan };
    answer(context, reconcileReportSchema.parse({ topic, reconciliation }), (colours) => renderTailPlan(plan, colours));
    return 0;
  }
  if (context.options.json !== true) context.io.out(renderTailPlan(plan, context.colours));
  await confirm(context, plan, options);
  await order(context, calls, plan.hash);
  const ended = await follow(context, calls, ['done', 'stopped', 'interrupted', 'none']);
  if (ended.step !== 'done') throw new Problem('NOT_REBUILT', `the reconciliation of ${topic} ${howItEnded(ended)}`);
  answer(context, reconcileReportSchema.parse({ topic, reconciliation: ended }), (colours) =>
    renderReconciled(topic, ended, colours),
  );
  return ended.copy === 'level' ? 0 : problems.NOT_REBUILT.exit;
}

function decisionOf({ replay, export: exported, discard }: ReconcileOptions): TailDecision | undefined {
  if (replay) return { kind: 'replay' };
  if (exported) return { kind: 'export' };
  return discard === undefined ? undefined : { kind: 'discard', reason: discard };
}

function callsOf(client: ApiClient, topic: string, options: ReconcileOptions): RebuildCalls {
  return {
    topic,
    view: (signal) => client.reconciliation(topic, signal),
    plan: (signal) => client.planReconciliation(topic, decisionOf(options), signal),
    execute: (hash, signal) => client.executeReconciliation(topic, hash, signal),
  };
}

interface OldSide {
  /** Of the site that lost the topic. */
  readonly client: ApiClient;
  readonly role: MovedRoleView;
}

async function oldSides({ options, io, signal }: VerbContext): Promise<readonly OldSide[]> {
  const found = new Map<string, OldSide>();
  let refusal: Problem | undefined;
  for (const { client } of await knownWorkers(options, io.cwd)) {
    try {
      const { site } = await client.pair(signal);
      for (const role of await client.roles(signal)) {
        if (role.oldSide !== undefined && role.primary !== site) found.set(role.topic, { client, role });
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refusal = error;
    }
  }
  if (found.size === 0 && refusal !== undefined) throw refusal;
  return [...found.values()].toSorted((left, right) => left.role.topic.localeCompare(right.role.topic));
}

function waitingOf(waiting: readonly OldSide[], topic: string): OldSide {
  const found = waiting.find(({ role }) => role.topic === topic);
  if (found !== undefined) return found;
  throw new Problem(
    'NOT_FOUND',
    `no old primary of ${topic} waits for a decision, as far as the workers that answer know`,
  );
}
