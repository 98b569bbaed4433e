import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { Problem, type ProblemCode, problems } from '../../worker/problems.ts';
import {
  planHashSchema,
  rebuildViewSchema,
  type RebuildPlan,
  type RebuildView,
} from '../../worker/rebuild/rebuild-view.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { printable } from '../printable.ts';
import { rebuildLine, renderDone, renderPlan } from '../rebuild-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

/** The shape of `umbra rebuild --json`: the plan with `--plan`, else how it ended. */
export const rebuildReportSchema = z.strictObject({ topic: z.string(), rebuild: rebuildViewSchema });

const optionsSchema = z.looseObject({
  plan: z.boolean().default(false),
  yes: z.boolean().default(false),
  confirm: planHashSchema.optional(),
});
type RebuildOptions = z.output<typeof optionsSchema>;

const lookMs = 500;
/** A worker that does not answer in between is asked again for so long: it may be starting anew. */
const silencesMax = 60;

/** Shows what goes, asks, and follows the rebuild to its end. */
export const rebuild: Verb = {
  name: 'rebuild',
  summary: 'replace a faulted copy by a new one; what only the old one holds is moved to quarantine files first',
  parameters: '<TOPIC>',
  declare: (command) =>
    command
      .option('--plan', 'show what would go, and end')
      .option('--confirm <HASH>', 'go on without asking if the plan still has this hash')
      .option('--yes', 'go on without asking, whatever the plan says'),
  run: async (context, [given], rawOptions) => {
    const topic = String(given);
    const options = parseInput(optionsSchema, rawOptions, 'option');
    const asked = !options.plan && !options.yes && options.confirm === undefined;
    if (context.options.json === true && asked) {
      const message = '"--json" asks nobody: give "--confirm HASH" with the hash that "--plan" shows, or "--yes"';
      throw new Problem('INVALID_INPUT', message);
    }
    const client = await carrierOf(await knownWorkers(context.options, context.io.cwd), topic, context.signal);
    const plan = await planOf(context, client, topic);
    if (options.plan) {
      const view: RebuildView = { step: 'planned', plan };
      answer(context, rebuildReportSchema.parse({ topic, rebuild: view }), (colours) => renderPlan(plan, colours));
      return 0;
    }
    if (context.options.json !== true) context.io.out(renderPlan(plan, context.colours));
    await confirm(context, plan, options);
    await order(context, client, plan);
    const ended = await follow(context, client, { topic, until: ['done', 'stopped', 'interrupted', 'none'] });
    if (ended.step !== 'done') {
      throw new Problem('NOT_REBUILT', `the rebuild of ${topic} ${howItEnded(ended)}`);
    }
    answer(context, rebuildReportSchema.parse({ topic, rebuild: ended }), (colours) =>
      renderDone(topic, ended, colours),
    );
    return ended.copy === 'level' ? 0 : problems.NOT_REBUILT.exit;
  },
};

function howItEnded(view: RebuildView): string {
  if (view.step === 'interrupted') return `is interrupted at its step ${view.at}: ${view.reason}`;
  if (view.step !== 'stopped') return `is not known to the worker any more: nothing was touched`;
  const copy =
    view.copy === 'kept'
      ? 'its copy is as it was'
      : 'the deletion of its copy had been sent, and whether it is gone is not known';
  return `stopped, ${copy}: ${view.reason}`;
}

/** The worker that copies the topic. Only if all answered is one that nobody knows not found. */
async function carrierOf(workers: readonly KnownWorker[], topic: string, signal: AbortSignal): Promise<ApiClient> {
  let refusal: Problem | undefined;
  for (const { client } of workers) {
    try {
      await client.topic(topic, signal);
      return client;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code !== 'NOT_FOUND') refusal = error;
    }
  }
  throw refusal ?? new Problem('NOT_FOUND', `no link copies a topic named ${topic}`);
}

async function planOf(context: VerbContext, client: ApiClient, topic: string): Promise<RebuildPlan> {
  const begun = await client.planRebuild(topic, context.signal);
  if (begun.step !== 'planning' && begun.step !== 'planned') {
    throw new Problem('REBUILD_BUSY', `${topic} is being rebuilt already (${begun.step})`);
  }
  const made = await follow(context, client, { topic, until: ['planned', 'stopped', 'none'] });
  if (made.step === 'planned') return made.plan;
  const why = made.step === 'stopped' ? made.reason : 'the worker was started anew meanwhile';
  throw new Problem('NOT_REBUILT', `no plan for ${topic} could be made: ${why}`);
}

async function confirm({ io, signal }: VerbContext, plan: RebuildPlan, options: RebuildOptions): Promise<void> {
  if (options.confirm !== undefined) {
    if (options.confirm === plan.hash) return;
    throw new Problem('PLAN_CHANGED', `the plan is ${plan.hash} now, not ${options.confirm}; nothing was touched`);
  }
  if (options.yes) return;
  if (io.ask === undefined) {
    throw new Problem('NOT_CONFIRMED', `nobody is there to confirm the rebuild of ${plan.topic}; nothing was touched`);
  }
  const typed = await io.ask(`Type the topic's name to go on, anything else to leave it: `, signal);
  if (typed.trim() !== plan.topic) throw new Problem('NOT_CONFIRMED', `not confirmed; nothing was touched`);
}

/**
 * Sends the confirmation until the worker has said what became of it: without an answer it may have been taken up. Asked
 * again with the same plan it changes nothing.
 */
async function order({ io, signal }: VerbContext, client: ApiClient, { topic, hash }: RebuildPlan): Promise<void> {
  for (let silences = 1; ; silences++) {
    try {
      await client.executeRebuild(topic, hash, signal);
      return;
    } catch (error) {
      if (!(error instanceof Problem) || !passing.has(error.code) || silences >= silencesMax) throw error;
      io.progress?.(`${printable(topic)}: ${printable(error.message)}`);
    }
    await pause(signal);
  }
}

interface Following {
  readonly topic: string;
  readonly until: readonly RebuildView['step'][];
}

/** Looks again and again until one of these steps is reached. The rebuild itself does not depend on who looks. */
async function follow(context: VerbContext, client: ApiClient, { topic, until }: Following): Promise<RebuildView> {
  const { io, signal } = context;
  let silences = 0;
  try {
    for (;;) {
      try {
        const view = await client.rebuild(topic, signal);
        if (until.includes(view.step)) return view;
        silences = 0;
        io.progress?.(rebuildLine(topic, view));
      } catch (error) {
        const passes = error instanceof Problem && passing.has(error.code);
        silences += 1;
        if (!passes || silences > silencesMax) throw error;
        io.progress?.(`${printable(topic)}: ${printable(error.message)}`);
      }
      await pause(signal);
    }
  } finally {
    io.progress?.('');
  }
}

/** A worker that starts anew does not know its topics for a moment. */
const passing: ReadonlySet<ProblemCode> = new Set(['UNREACHABLE', 'NOT_READY', 'NOT_FOUND']);

function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    setTimeout(resolve, lookMs);
  });
}
