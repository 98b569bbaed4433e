import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WorkerReport, workerReportSchema } from '../../src/worker/copying/worker-report.ts';
import type { ApiClient } from '../../src/api/client.ts';
import { hasAborted } from '../../src/replication/waiting/wakeup.ts';
import { createTopic, createTopics, produce } from '../fixtures/kafkajs.ts';
import { type Colleague, startColleague, startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { startSteadyLoad } from '../fixtures/steady-load.ts';
import { eventually } from '../fixtures/wait.ts';
import { metric } from '../fixtures/worker-metrics.ts';

const sites = sharedSites();
const clusters = { a: sites.a.umbra, b: sites.b.umbra };
/** The shortest session that brokers take where nobody says otherwise. */
const group = { sessionTimeoutMs: 6_000, heartbeatMs: 300 };
/** `UMBRA_WORKERS=long`: the size and the freeze that docs/proofs.md speaks of. */
const long = process.env['UMBRA_WORKERS'] === 'long';
const partitions = long ? 12 : 6;
const topics = Array.from({ length: long ? 60 : 8 }, (_, index) => `a_shared_${index}`);
/** Those that records are written to all the time. */
const busy = topics.slice(0, long ? 12 : 2);
const frozenMs = long ? 30_000 : 0;
let pair: TestPair;
const colleagues: Colleague[] = [];

beforeAll(async () => {
  pair = await startPair({ clusters, group });
  await createTopics(sites.a.app, topics, { partitions });
  await Promise.all(topics.map((topic) => pair.level(topic)));
});

afterAll(async () => {
  await Promise.all([...colleagues.map((colleague) => colleague.stop()), pair.remove()]);
});

async function hire(name: string): Promise<Colleague> {
  const colleague = await startColleague(clusters, name, { group });
  colleagues.push(colleague);
  return colleague;
}

async function reportOf({ url }: ApiClient): Promise<WorkerReport> {
  const answer = await fetch(`${url}/v1/worker`, { signal: AbortSignal.timeout(10_000) });
  return workerReportSchema.parse(await answer.json());
}

async function held(api: ApiClient): Promise<ReadonlySet<string>> {
  const { samples } = await reportOf(api);
  return new Set(samples.map(({ topic, partition }) => `${topic}/${partition}`));
}

/** Everything is copied by somebody, nothing by two, and nobody has two more than another. */
async function sharedBy(apis: readonly ApiClient[]): Promise<readonly ReadonlySet<string>[]> {
  return eventually(
    `${apis.length} workers share the work`,
    async () => {
      const parts = await Promise.all(apis.map(held));
      const all = parts.flatMap((part) => [...part]);
      const sizes = parts.map(({ size }) => size);
      const even = Math.max(...sizes) - Math.min(...sizes) <= 1;
      const whole = all.length === topics.length * partitions && new Set(all).size === all.length;
      return even && whole ? parts : undefined;
    },
    60_000,
  );
}

async function equal(): Promise<void> {
  await Promise.all(topics.map((topic) => pair.level(topic, 60_000)));
  const { totals } = await pair.verify(topics);
  expect(totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
}

test('three workers share the partitions, each answers for all, and who stays keeps what it has', async () => {
  const first = await held(pair.api.b);
  const [two, three] = await Promise.all([hire('two'), hire('three')]);
  const parts = await sharedBy([pair.api.b, two.api, three.api]);
  for (const key of parts[0] ?? []) expect(first.has(key)).toBe(true);
  const names = async (api: ApiClient): Promise<readonly string[]> => (await api.topics()).map(({ name }) => name);
  expect(await names(three.api)).toEqual(await names(pair.api.b));
  // Who has just given partitions away and who has just taken them tell of that one after the other.
  await eventually('each answers for all partitions', async () => {
    const { partitionViews } = await three.api.topic(topics[0]!);
    return partitionViews.length === partitions || undefined;
  });
  await three.api.putSchemaPrimary({ site: 'a' });
  await equal();
});

/** Until `done` has come: the most seconds that any of these partitions was behind. */
async function longestLag(
  apis: readonly ApiClient[],
  of: ReadonlySet<string>,
  done: Promise<unknown>,
): Promise<number> {
  let longest = 0;
  const ended = new AbortController();
  const until = done.finally(() => ended.abort());
  while (!hasAborted(ended.signal)) {
    for (const { samples } of await Promise.all(apis.map(reportOf)))
      for (const { topic, partition, lag } of samples)
        if (of.has(`${topic}/${partition}`)) longest = Math.max(longest, lag.seconds);
    await Promise.race([until, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  await until;
  return longest;
}

function load(): { stop(): Promise<void> } {
  const options = { partitions, batchRecords: partitions, pauseMs: 10 };
  const loads = busy.map((topic) => startSteadyLoad(sites.a.app, { topic, ...options }));
  return {
    async stop() {
      await Promise.all(loads.map((each) => each.stop()));
    },
  };
}

test('the partitions of a killed worker are taken over, and nobody else starts anything anew or pauses', async () => {
  const [two, three] = colleagues;
  const writing = load();
  try {
    const before = await sharedBy([pair.api.b, two!.api, three!.api]);
    const resumes = await metric(pair.api.b, 'umbra_link_resumes_total');
    await three!.signal('SIGKILL');
    const survivors = [pair.api.b, two!.api];
    const stayed = new Set(before.slice(0, 2).flatMap((part) => [...part]));
    const takenOver = sharedBy(survivors);
    const behind = await longestLag(survivors, stayed, takenOver);
    const after = await takenOver;
    // Who pauses until the dead one is given up is behind for as long as its session lasts.
    expect(behind).toBeLessThan(group.sessionTimeoutMs / 1000);
    if (long) console.log(`partitions that stayed were at most ${behind} s behind`);
    for (const [index, part] of before.slice(0, 2).entries())
      for (const key of part) expect(after[index]?.has(key)).toBe(true);
    await eventually('it copies what it took over', async () => {
      const { samples } = await reportOf(pair.api.b);
      return samples.every(({ state }) => state === 'copying' || state === 'waiting') || undefined;
    });
    const taken = (after[0]?.size ?? 0) - (before[0]?.size ?? 0);
    expect((await metric(pair.api.b, 'umbra_link_resumes_total')) - resumes).toBe(taken);
  } finally {
    await writing.stop();
  }
  await equal();
});

test('a worker that sleeps and wakes up does nothing twice, and comes back as another one', async () => {
  const [two] = colleagues;
  const { incarnation } = await reportOf(two!.api);
  const writing = load();
  try {
    const awake = new Promise((resolve) => setTimeout(resolve, frozenMs));
    await two!.signal('SIGSTOP');
    await eventually('what it is to copy is at risk, and growing', async () => {
      const [link] = await pair.api.b.links();
      return (link?.exposure.basis !== 'measured' && (link?.exposure.seconds ?? 0) > 2) || undefined;
    });
    await sharedBy([pair.api.b]);
    await awake;
    await two!.signal('SIGCONT');
    await sharedBy([pair.api.b, two!.api]);
  } finally {
    await writing.stop();
  }
  expect((await reportOf(two!.api)).incarnation).not.toBe(incarnation);
  await equal();
  await eventually('nothing is at risk any more', async () => {
    const [link] = await pair.api.b.links();
    return (link?.exposure.basis === 'measured' && link.exposure.records === 0) || undefined;
  });
});

test('the worker that leads dies: another one leads, and orders are taken by whoever is asked', async () => {
  const [two] = colleagues;
  await pair.kill('b');
  await sharedBy([two!.api]);
  await createTopic(sites.a.app, 'a_shared_later');
  await produce(sites.a.app, 'a_shared_later', ['one']);
  await eventually('the new topic is copied', async () => {
    const view = await two!.api.topic('a_shared_later');
    return view.partitionViews[0]?.copiedTo === '1' || undefined;
  });
  await pair.start('b');
  await eventually('it takes part again', async () => (await held(pair.api.b)).size > 0 || undefined);
  expect((await pair.api.b.links())[0]).toMatchObject({ id: 'a-b', state: 'following' });
});

test('all workers die, one is started, and it goes on from what the state topic says', async () => {
  await pair.kill('b');
  for (const colleague of colleagues) await colleague.signal('SIGKILL').catch(() => undefined);
  await Promise.all(topics.map((topic) => produce(sites.a.app, topic, ['while nobody copied'])));
  await pair.start('b');
  await equal();
});

test('of two workers with one instance id the later one stays, and the earlier one stops for good', async () => {
  const later = await hire('test-b');
  const { reason } = await eventually('the earlier one says so', async () => {
    const said = await pair.api.b.ready();
    return said.reason.includes('and this one has stopped') ? said : undefined;
  });
  expect(reason).toContain('another worker of the site has the instance id test-b');
  await eventually('the later one has everything', async () => (await held(later.api)).size > 0 || undefined);
  await produce(sites.a.app, topics[0]!, ['after']);
  await eventually('it copies', async () => {
    const { lag, state } = await later.api.topic(topics[0]!);
    return (state === 'following' && lag.records === 0) || undefined;
  });
  expect((await later.api.ready()).ready).toBe(true);
  await later.stop();
  await pair.kill('b');
});
