import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import {
  type MovePlan,
  movePlanSchema,
  type OperationView,
  operationViewSchema,
} from '../../worker/moves/operation-view.ts';
import { Problem, problems } from '../../worker/problems.ts';
import { planHashSchema } from '../../worker/rebuild/rebuild-view.ts';
import { operationLine, renderMovePlan, renderOperation } from '../move-text.ts';
import { moveOptionsSchema, moveTarget, moveWord, type MoveWord } from '../move-target.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';
import { declareDecision, reconcile } from './reconcile.ts';

/** The shape of `umbra plan --json` and of `umbra failover --json`. */
export const moveReportSchema = z.union([
  z.strictObject({ plan: movePlanSchema }),
  z.strictObject({ operation: operationViewSchema }),
]);

const options = moveOptionsSchema.extend({
  confirm: planHashSchema.optional(),
  yes: z.boolean().default(false),
});

const lookMs = 250;
/** A worker that does not answer in between is asked again for so long: it may be starting anew. */
const silencesMax = 240;

export const plan: Verb = {
  name: 'plan',
  summary: 'what moving roles would do, what may be missing afterwards, and what stands against it; changes nothing',
  parameters: '<failover|switchover|failback|reconcile> [TOPICS...]',
  declare: (command) => declareDecision(declareFailover(declareTopics(command))),
  run: async (context, [kind, names], raw) => {
    refuseForeign(kind, raw);
    if (kind === 'reconcile') return reconcile.run(context, [names], { ...raw, plan: true });
    const asked = parseInput(options, raw, 'option');
    const { client, request } = await moveTarget(context, moveWord(kind), names, asked);
    const made = await client.planMove(request, context.signal);
    answer(context, moveReportSchema.parse({ plan: made }), (colours) => renderMovePlan(made, colours));
    return made.blockers.length === 0 ? 0 : problems.MOVE_REFUSED.exit;
  },
};

const ofMoves = ['to', 'oldSideUnconfirmed', 'includeUnready', 'withoutIdBarrier'] as const;
const ofReconciling = ['replay', 'export', 'discard'] as const;

/** What is said of one kind of plan must not be passed over in another one. */
function refuseForeign(kind: unknown, given: Readonly<Record<string, unknown>>): void {
  const others = kind === 'reconcile' ? ofMoves : ofReconciling;
  const foreign = others.find((option) => given[option] !== undefined);
  if (foreign === undefined) return;
  const word = foreign.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new Problem('INVALID_INPUT', `"--${word}" says nothing of a plan to ${String(kind)}`);
}

export const failover: Verb = {
  name: 'failover',
  summary: 'make copies primary whose source is gone or given up, at what has arrived',
  parameters: '[TOPICS...]',
  declare: (command) => declareConfirm(declareFailover(declareTopics(command))),
  run: (context, [names], raw) => move(context, 'failover', { names, raw }),
};

export const switchover: Verb = {
  name: 'switchover',
  summary: 'make the other site primary while both are well: nothing is lost, and the link leads back afterwards',
  parameters: '[TOPICS...]',
  declare: (command) => declareConfirm(declareTopics(command)),
  run: (context, [names], raw) => move(context, 'switchover', { names, raw }),
};

export const failback: Verb = {
  name: 'failback',
  summary: 'a switchover that brings topics home',
  parameters: '[TOPICS...]',
  declare: (command) => declareConfirm(declareTopics(command)),
  run: (context, [names], raw) => move(context, 'failback', { names, raw }),
};

async function move(
  context: VerbContext,
  word: MoveWord,
  { names, raw }: { readonly names: unknown; readonly raw: unknown },
): Promise<number> {
  const asked = parseInput(options, raw, 'option');
  if (context.options.json === true && !asked.yes && asked.confirm === undefined) {
    const message = '"--json" asks nobody: give "--confirm HASH" with the hash that "umbra plan" shows, or "--yes"';
    throw new Problem('INVALID_INPUT', message);
  }
  const { client, request } = await moveTarget(context, word, names, asked);
  const made = await client.planMove(request, context.signal);
  if (context.options.json !== true) context.io.out(renderMovePlan(made, context.colours));
  const [blocker] = made.blockers;
  if (blocker !== undefined) throw new Problem('MOVE_REFUSED', `${blocker.message}. ${blocker.remedy}`);
  await confirm(context, made, asked);
  const begun = await client.beginMove(request, made.hash, context.signal);
  const ended = await follow(context, client, begun);
  answer(context, moveReportSchema.parse({ operation: ended }), (colours) => renderOperation(ended, colours));
  return ended.step.kind === 'done' ? 0 : problems.NOT_MOVED.exit;
}

type Command = Parameters<NonNullable<Verb['declare']>>[0];

function declareTopics(command: Command): Command {
  return command
    .option('--all', 'every copy of the link; of a failback every topic that is away from home')
    .option('--to <SITE>', 'the site that is to be primary; needed with --all where it cannot be told')
    .option('--without-id-barrier', 'do not wait until no producer id can be given out twice (docs/producer-ids.md)');
}

function declareFailover(command: Command): Command {
  return command
    .option(
      '--old-side-unconfirmed',
      'failover: nobody can prove that the old side is fenced: I made sure that its clients are cut off',
    )
    .option(
      '--include-unready',
      'failover: promote also what is faulted, paused, orphaned or was never level, as it is',
    );
}

function declareConfirm(command: Command): Command {
  return command
    .option('--confirm <HASH>', 'go on without asking if the plan still has this hash')
    .option('--yes', 'go on without asking, whatever the plan says');
}

async function confirm(
  { io, signal }: VerbContext,
  made: MovePlan,
  { confirm: hash, yes }: Pick<z.output<typeof options>, 'confirm' | 'yes'>,
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
