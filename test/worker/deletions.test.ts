import pino from 'pino';
import { expect, test } from 'vitest';
import type { TopicMetadata } from '../../src/kafka/cluster.ts';
import type { TopicStateKind } from '../../src/pair/topic-state.ts';
import { Deletions, type DeletionsPorts } from '../../src/worker/control/deletions.ts';
import { type DeletionRecord, deletionsToForget } from '../../src/worker/state/deletion-record.ts';
import type { ShadowRecord } from '../../src/worker/state/shadow-record.ts';

const gone = 'a_gone';
const never = new AbortController().signal;

function copyOf(topic: string, faults: ShadowRecord['faults'] = []): ShadowRecord {
  const state = { kind: 'ours', shadowTopicId: `copy of ${topic}` } as const;
  return { topic, link: 'a-b', sourceTopicId: `id of ${topic}`, state, faults };
}

function shown(...names: readonly string[]): ReadonlyMap<string, TopicMetadata> {
  const topic = (name: string): TopicMetadata => ({ name, topicId: `id of ${name}`, internal: false, partitions: [] });
  return new Map(names.map((name) => [name, topic(name)]));
}

type Answer = 'deleted' | 'gone' | 'source shows it';

/** A link with copies of `a_gone` and `a_witness`, of which the source shows the witness every 15 s. */
class Link {
  readonly log: string[] = [];
  readonly journal = new Map<string, DeletionRecord>();
  readonly shadows = new Map([gone, 'a_witness', '_schemas'].map((name) => [name, copyOf(name)]));
  deletion: 'keep' | 'follow' = 'follow';
  answer: Answer = 'deleted';
  deletions: Deletions;
  #nowMs = 0;

  constructor(change: Partial<DeletionsPorts> = {}) {
    const { shadows, journal, log } = this;
    const state: DeletionsPorts['state'] = {
      shadow: (topic) => shadows.get(topic),
      shadows: () => [...shadows.values()],
      roles: () => ({ kind: 'read', records: new Map() }),
      putDeletion: (record) => {
        log.push(`${record.state} ${record.topic}`);
        journal.set(record.topic, record);
        return Promise.resolve();
      },
      endDeletion: (record) => {
        log.push(`${record.state} ${record.topic}`);
        journal.set(record.topic, record);
        shadows.delete(record.topic);
        return Promise.resolve();
      },
      removeDeletion: (topic) => {
        journal.delete(topic);
        return Promise.resolve();
      },
    };
    const cluster = undefined as unknown as DeletionsPorts['source']; // as: only handed on to what deletes
    const ports: DeletionsPorts = {
      ...{ link: 'a-b', site: 'b', source: cluster, target: cluster, state, topics: new Map() },
      policy: () => ({ deletion: this.deletion }),
      isRebuilt: () => false,
      isHeld: () => false,
      mayAct: () => true,
      deleted: (topic) => log.push(`forgotten ${topic}`),
      clock: { monotonicMs: () => this.#nowMs, now: () => new Date(this.#nowMs) },
      logger: pino({ level: 'silent' }),
      events: { report: ({ kind }) => log.push(kind) },
      ...change,
    };
    this.deletions = new Deletions(ports, async ({ topic, shadowTopicId }, { state: ended }, signal) => {
      log.push(`asked to delete ${shadowTopicId}`);
      if (this.answer !== 'source shows it') await ended.removeShadow(topic, signal);
      return this.answer;
    });
  }

  async look(topics = shown('a_witness')): Promise<void> {
    this.#nowMs += 15_000;
    this.deletions.looked(topics);
    for (const topic of ['_schemas', gone]) if (!topics.has(topic)) await this.deletions.follow(topic, never);
  }

  async looks(count: number): Promise<void> {
    for (let look = 0; look < count; look++) await this.look();
  }
}

test('a copy goes with its source topic, after five looks over a minute, and is written down before and after', async () => {
  const link = new Link();
  await link.looks(4);
  expect(link.log).toEqual([]);
  await link.look();
  expect(link.log).toEqual([
    `deleting ${gone}`,
    `asked to delete copy of ${gone}`,
    `deleted ${gone}`,
    'copy deleted',
    `forgotten ${gone}`,
  ]);
  await link.looks(3);
  expect(link.log).toHaveLength(5);
});

test('a deletion that was interrupted is ended by the same looks again', async () => {
  const link = new Link();
  link.answer = 'gone';
  await link.looks(5);
  expect(link.log.at(-1)).toBe(`forgotten ${gone}`);
});

test('a look that failed begins the count anew', async () => {
  const link = new Link();
  await link.looks(4);
  link.deletions.lookFailed();
  await link.looks(4);
  expect(link.log).toEqual([]);
  await link.look();
  expect(link.log).not.toEqual([]);
});

test('a topic that is created anew meanwhile begins the count anew', async () => {
  const link = new Link();
  await link.looks(4);
  await link.look(shown('a_witness', gone));
  await link.looks(4);
  expect(link.log).toEqual([]);
});

test('a topic that the source shows when it is asked for by name keeps its copy, and nothing is left written down', async () => {
  const link = new Link();
  link.answer = 'source shows it';
  await link.looks(5);
  expect(link.journal.size).toBe(0);
  expect(link.shadows.has(gone)).toBe(true);
  await link.looks(4);
  expect(link.log.filter((line) => line.startsWith('asked'))).toHaveLength(1);
});

test('where copies are kept nothing is counted, so that a link that follows from now on begins anew', async () => {
  const link = new Link();
  link.deletion = 'keep';
  await link.looks(20);
  link.deletion = 'follow';
  await link.looks(4);
  expect(link.log).toEqual([]);
});

const tracked = (state: TopicStateKind): DeletionsPorts['topics'] => new Map([[gone, { state, fault: undefined }]]);
const fault = { partition: 0, code: 'DIVERGED', message: 'differs', at: new Date(0).toISOString() } as const;

test.each<readonly [string, Partial<DeletionsPorts>]>([
  ['is being rebuilt', { isRebuilt: () => true }],
  ['faulted', { topics: tracked('faulted') }],
  ['was promoted', { topics: tracked('promoted') }],
  ['some worker still holds', { isHeld: () => true }],
])('a copy that %s stays', async (_, change) => {
  const link = new Link(change);
  await link.looks(10);
  expect(link.log).toEqual([]);
});

test('a copy with a fault that was written down stays, and so does one of a worker that may not act', async () => {
  const faulted = new Link();
  faulted.shadows.set(gone, copyOf(gone, [fault]));
  const silent = new Link({ mayAct: () => false });
  await faulted.looks(10);
  await silent.looks(10);
  expect([...faulted.log, ...silent.log]).toEqual([]);
});

test('of deletions that are over the newest are kept, and those under way', () => {
  const record = (topic: string, seconds: number, state: DeletionRecord['state'] = 'deleted'): DeletionRecord => {
    const at = new Date(seconds * 1_000).toISOString();
    return { topic, link: 'a-b', sourceTopicId: 's', shadowTopicId: 'c', state, at };
  };
  const records = [record('old', 1), record('older', 0), record('new', 3), record('oldest', -1, 'deleting')];
  expect(deletionsToForget(records, 2)).toEqual(['older']);
});
