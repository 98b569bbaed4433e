import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import { Problem, problems } from '../../worker/problems.ts';
import { planHashSchema, rebuildViewSchema, type RebuildView } from '../../worker/rebuild/rebuild-view.ts';
import { knownWorkers, type KnownWorker } from '../discovery.ts';
import { confirm, follow, howItEnded, order, planOf, type RebuildCalls } from '../follow-rebuild.ts';
import { renderDone, renderPlan } from '../rebuild-text.ts';
import { answer, type Verb } from '../verb.ts';

/** The shape of `umbra rebuild --json`: the plan with `--plan`, else how it ended. */
export const rebuildReportSchema = z.strictObject({ topic: z.string(), rebuild: rebuildViewSchema });

const optionsSchema = z.looseObject({
  plan: z.boolean().default(false),
  yes: z.boolean().default(false),
  confirm: planHashSchema.optional(),
});

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
    const calls = callsOf(client, topic);
    const plan = await planOf(context, calls);
    if (options.plan) {
      const view: RebuildView = { step: 'planned', plan };
      answer(context, rebuildReportSchema.parse({ topic, rebuild: view }), (colours) => renderPlan(plan, colours));
      return 0;
    }
    if (context.options.json !== true) context.io.out(renderPlan(plan, context.colours));
    await confirm(context, plan, options);
    await order(context, calls, plan.hash);
    const ended = await follow(context, calls, ['done', 'stopped', 'interrupted', 'none']);
    if (ended.step !== 'done') {
      throw new Problem('NOT_REBUILT', `the rebuild of ${topic} ${howItEnded(ended)}`);
    }
    answer(context, rebuildReportSchema.parse({ topic, rebuild: ended }), (colours) =>
      renderDone(topic, ended, colours),
    );
    return ended.copy === 'level' ? 0 : problems.NOT_REBUILT.exit;
  },
};

function callsOf(client: ApiClient, topic: string): RebuildCalls {
  return {
    topic,
    view: (signal) => client.rebuild(topic, signal),
    plan: (signal) => client.planRebuild(topic, signal),
    execute: (hash, signal) => client.executeRebuild(topic, hash, signal),
  };
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
