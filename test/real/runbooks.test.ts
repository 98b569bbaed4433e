import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const runbooks = join(import.meta.dirname, '../../docs/runbooks');
const topic = 'a_orders';
const commandMsMax = 120_000;

const moving = movingSites();

/** The commands of a runbook, in its order. */
async function commandsOf(runbook: string): Promise<readonly string[]> {
  const text = await readFile(join(runbooks, `${runbook}.md`), 'utf8');
  return [...text.matchAll(/^ *npx umbra (.+)$/gm)].map(([, command = '']) => command.trim());
}

interface Run {
  readonly exit: number;
  readonly text: string;
}

/** As a person at a terminal types it, who confirms what he is asked to. */
async function run(command: string): Promise<Run> {
  const lines: string[] = [];
  const io: Io = {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    ask: (question) => Promise.resolve(/"(.+?)"/.exec(question)?.[1] ?? topic),
    ...{ colour: false, cwd: moving.pair.project, env: {} },
  };
  const exit = await runCli(command.split(' '), io, AbortSignal.timeout(commandMsMax));
  return { exit, text: lines.join('\n') };
}

/** What a person waits for before he goes on: of some commands the runbook says so. */
type Waits = Readonly<Record<string, () => Promise<unknown>>>;

/** Of these an exit code that is not 0 tells of the pair, not of the command. */
const telling = /^(status|doctor|plan) ?/;

/** Follows it to the letter; what each command printed, by command. */
async function follow(runbook: string, waits: Waits = {}): Promise<ReadonlyMap<string, Run>> {
  const runs = new Map<string, Run>();
  const commands = await commandsOf(runbook);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    await waits[command]?.();
    const done = await run(command);
    if (!telling.test(command)) expect(done, `${runbook}: ${command}\n${done.text}`).toMatchObject({ exit: 0 });
    runs.set(command, done);
  }
  return runs;
}

async function follows(site: 'a' | 'b'): Promise<true> {
  return eventually(
    `the copy at ${site} follows`,
    async () => ((await moving.pair.api[site].topic(topic)).state === 'following' ? true : undefined),
    90_000,
  );
}

async function comesHome(): Promise<void> {
  const runs = await follow('coming-home', { topics: () => follows('a'), verify: () => follows('b') });
  expect(runs.get('plan failback --all')).toMatchObject({ exit: 0 });
  expect(await moving.pair.api.a.roles()).toEqual([]);
  await produce(moving.clusters.a.connection('app'), topic, ['at home']);
  await moving.pair.level(topic);
}

/** The old log waits for a decision. */
async function returned(): Promise<void> {
  await eventually(
    'what the old side came back with is known',
    async () => ((await moving.pair.api.a.roles())[0]?.oldSide === undefined ? undefined : true),
    90_000,
  );
}

test('planned-switchover.md, then coming-home.md', async () => {
  const { clusters, pair } = moving;
  await createTopic(clusters.a.connection('app'), topic, { partitions: 2 });
  await produce(clusters.a.connection('app'), topic, ['1', '2']);
  await pair.level(topic);
  await follow('planned-switchover', { [`verify ${topic}`]: () => follows('a') });
  await produce(clusters.b.connection('app'), topic, ['at b']);
  await comesHome();
}, 180_000);

test('app-outage.md, then split.md and coming-home.md', async () => {
  await follow('app-outage');
  await produce(moving.clusters.b.connection('app'), topic, ['at b']);
  await follow('split', { reconcile: returned, status: () => follows('a') });
  await comesHome();
}, 180_000);

test('region-loss.md, then split.md and coming-home.md', async () => {
  const { broker } = moving.clusters.a;
  await broker.kill();
  const runs = await follow('region-loss');
  expect(runs.get('plan failover --all --to b --old-side-unconfirmed')).toMatchObject({ exit: 0 });
  await produce(moving.clusters.b.connection('app'), topic, ['at b']);
  await broker.start();
  await follow('split', { reconcile: returned, status: () => follows('a') });
  await comesHome();
}, 240_000);
