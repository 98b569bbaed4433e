import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { followPrimary } from '../../../src/clients/kafkajs/follow-primary.ts';
import { followProducer } from '../../../src/clients/kafkajs/follow-producer.ts';
import { saslBySite, type SiteCredentials } from '../../../src/clients/kafkajs/sasl-by-site.ts';
import { otherSite, type SiteId } from '../../../src/pair/site.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import { wishesKnown } from '../../fixtures/journal-watch.ts';
import { createTopic, kafkajs } from '../../fixtures/kafkajs.ts';
import { judgeLedger, type Reign } from '../../fixtures/ledger/judge-ledger.ts';
import { Ledger } from '../../fixtures/ledger/ledger.ts';
import { readLedgerLogs } from '../../fixtures/ledger/read-ledger-logs.ts';
import { cutsAt, move } from '../../fixtures/moves.ts';
import type { MovingSites, MovingSitesOptions } from '../../fixtures/moving-sites.ts';
import { testFolder } from '../../fixtures/test-root.ts';
import { eventually } from '../../fixtures/wait.ts';

const folder = testFolder('followed');
const told = join(folder, 'told');
const ledger = new Ledger(join(folder, 'ledger.ndjson'));
const partitions = 3;
const paceMs = 10;
/** The first goes everywhere; the second stays at a until nothing is left there. */
const topics = ['a_travels', 'a_rests'] as const;
type Topic = (typeof topics)[number];
/** Moves with the first of them; the probes of both sites write into it. */
const probed = 'a_probe';
/** The second hook fails for these topics, and has nothing to do with others. */
const broken = `if grep -qE '${topics.join('|')}'; then echo no such zone >&2; exit 3; fi`;
/** What the files of the workers declare. */
export const followedHooks: NonNullable<MovingSitesOptions['repoint']> = (site, clusters) => [
  { kind: 'command', name: 'alias', command: ['sh', '-c', 'cat >> "$0"; echo >> "$0"', told] },
  { kind: 'command', name: 'broken', attempts: 1, command: ['sh', '-c', broken] },
  {
    ...{ kind: 'probe', name: 'probe', prefix: topics[0], topic: probed },
    client: { sasl: clusters[site].connection('app').sasl },
  },
];
const reigns: Readonly<Record<Topic, Reign[][]>> = { a_travels: [], a_rests: [] };

function credentialsOf({ clusters }: MovingSites, site: SiteId): SiteCredentials {
  const { sasl } = clusters[site].connection('app');
  if (sasl === undefined || !('username' in sasl)) throw new Error('the application has a password');
  return sasl;
}

/** Writes all the time, one record per partition and send; of sends that fail it is told nothing. */
interface FollowedWriter {
  readonly refused: readonly string[];
  stop(): Promise<void>;
}

function startFollowedWriter(moving: MovingSites, topic: Topic): FollowedWriter {
  const follower = followPrimary({ topic, workers: [moving.pair.urls.a, moving.pair.urls.b] });
  const sasl = saslBySite(follower, 'scram-sha-512', { a: credentialsOf(moving, 'a'), b: credentialsOf(moving, 'b') });
  const kafka = kafkajs(moving.clusters.a.connection('app'), { ...follower, sasl });
  let answeredBy: SiteId = 'a';
  const producer = followProducer(follower, () => idempotent(moving, kafka, (site) => (answeredBy = site)));
  const refused: string[] = [];
  let running = true;
  ledger.open(topic);
  const send = async (): Promise<void> => {
    const ids = ledger.next(topic, partitions);
    const messages = ids.map((key, partition) => ({ key, value: `record ${key}`, partition }));
    const answers = await producer.send({ topic, acks: -1, messages });
    for (const { partition, baseOffset } of answers) {
      if (baseOffset === undefined) throw new Error(`${topic}/${partition} was acknowledged without an offset`);
      ledger.acknowledge({ site: answeredBy, topic, partition, offset: BigInt(baseOffset) }, [ids[partition] ?? '']);
    }
  };
  const loop = async (): Promise<void> => {
    await follower.ready();
    while (running) {
      await send().catch((error: unknown) => refused.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
  };
  const ended = loop().finally(async () => {
    await producer.disconnect();
    follower.stop();
  });
  return {
    refused,
    async stop() {
      running = false;
      await ended;
    },
  };
}

/** As docs/clients.md has it; tells which site has answered its newest write. */
function idempotent({ clusters }: MovingSites, kafka: Kafka, answered: (site: SiteId) => void): Producer {
  const createPartitioner = Partitioners.DefaultPartitioner;
  const producer = kafka.producer({ createPartitioner, idempotent: true, retry: { retries: Number.MAX_SAFE_INTEGER } });
  producer.on(producer.events.REQUEST, ({ payload: { apiName, broker } }) => {
    if (apiName === 'Produce') answered(clusters.b.bootstrapServers.includes(broker) ? 'b' : 'a');
  });
  return producer;
}

interface Journey {
  readonly to: SiteId;
  readonly request: Omit<MoveRequestInput, 'topics'>;
  readonly what: string;
}

/** Moves it, and prints after how long its application was acknowledged a write. */
async function moveUnderLoad(moving: MovingSites, topic: Topic, { to, request, what }: Journey): Promise<void> {
  const together = topic === 'a_travels' ? [probed, topic] : [topic];
  const moved = await move(moving.pair.api[to], { ...request, topics: together });
  const proof = /^the hook probe wrote a_probe\/0 at offset \d+ and read it back in \d+ ms$/;
  const remarks = [
    ...(together.includes(probed) ? [expect.stringMatching(proof) as string] : []),
    'the hook broken failed 1 time: exit code 3: no such zone; repoint by hand',
  ];
  const { step } = moved.operation;
  expect(step).toEqual({ kind: 'done', remarks });
  if (step.kind === 'done') process.stdout.write(`followed: ${what}: ${step.remarks[0]}\n`);
  const hooked: unknown = JSON.parse((await readFile(told, 'utf8')).trimEnd().split('\n').at(-1) ?? '');
  const { id: operationId, kind } = moved.operation;
  const { bootstrapServers } = moving.clusters[to];
  const { startedAt } = moved.operation;
  const terms = Object.fromEntries(moved.plan.topics.map(({ name, term }) => [name, term]));
  const term = Math.max(...Object.values(terms));
  const ends = { from: otherSite(to), to };
  expect(hooked).toEqual({ operationId, startedAt, kind, topics: together, ...ends, term, terms, bootstrapServers });
  const { atMs: promotedMs = 0 } = moved.steps.find(({ step }) => step === 'granting') ?? {};
  expect(promotedMs).toBeGreaterThan(0);
  const own = ledger.acknowledgements.filter((each) => each.topic === topic);
  const since = await eventually(`the application writes ${topic} at ${to}`, () => {
    const there = ledger.acknowledgements.filter(
      (each) => each.topic === topic && each.site === to && each.atMs > promotedMs,
    );
    return there.length > 20 * partitions ? there : undefined;
  });
  const lastMs = own.findLast(({ site }) => site !== to)?.atMs ?? 0;
  const firstMs = since[0]?.atMs ?? 0;
  process.stdout.write(
    `followed: ${what}: first write acknowledged ${Math.round(firstMs - promotedMs)} ms after the promotion, ` +
      `${Math.round(firstMs - lastMs)} ms after the last one before\n`,
  );
  const cut = (await cutsAt(moving.clusters[to].connection('umbra'), [topic])).get(topic);
  for (const [partition, { offset }] of (cut?.partitions ?? []).entries()) {
    const before = reigns[topic][partition] ?? [{ site: 'a', from: 0n }];
    reigns[topic][partition] = [...before, { site: to, from: BigInt(offset), sinceMs: moved.decidedMs }];
  }
}

async function followedAt({ pair }: MovingSites, site: SiteId, topic: string): Promise<void> {
  await eventually(`site ${site} follows ${topic}`, async () => {
    const { state } = await pair.api[site].topic(topic);
    return state === 'following' ? true : undefined;
  });
}

/** Registers the test: an application asks the workers of both sites, while real operations move roles. Site a is dead behind it. */
export function followed(moving: MovingSites): void {
  test('an application on umbra/kafkajs goes through real moves without a restart, and loses and doubles nothing', async () => {
    const { clusters, pair } = moving;
    for (const topic of topics) await createTopic(clusters.a.connection('app'), topic, { partitions });
    await createTopic(clusters.a.connection('app'), probed);
    for (const topic of [...topics, probed]) await pair.level(topic, 120_000);
    const writers = topics.map((topic) => startFollowedWriter(moving, topic));
    onTestFinished(async () => {
      await Promise.all(writers.map((writer) => writer.stop()));
    });
    await wishesKnown(clusters.b.connection('umbra'), [...topics, probed]);
    await eventually('they write', () => ledger.acknowledgements.length > 100 || undefined);

    for (const to of ['b', 'a'] as const) {
      const what = `switchover to ${to}, old side alive and fenced`;
      await moveUnderLoad(moving, 'a_travels', { to, request: { kind: 'switchover' }, what });
      for (const topic of ['a_travels', probed]) await followedAt(moving, otherSite(to), topic);
    }
    await wishesKnown(clusters.b.connection('umbra'), [...topics, probed]);
    await clusters.a.broker.pause();
    onTestFinished(() => clusters.a.broker.kill());
    const request = { kind: 'failover', oldSideUnconfirmed: true } as const;
    await moveUnderLoad(moving, 'a_travels', { to: 'b', request, what: 'failover, old side black-holed' });
    await clusters.a.broker.kill();
    await moveUnderLoad(moving, 'a_rests', { to: 'b', request, what: 'failover, old side dead' });
    await Promise.all(writers.map((writer) => writer.stop()));

    expect(writers.map(({ refused }) => refused)).toEqual([[], []]);
    const logs = await readLedgerLogs(clusters.b.connection('umbra'), topics);
    const judged = judgeLedger({
      ledger,
      logs,
      reigns: (topic, partition) => reigns[topic as Topic][partition] ?? [],
    });
    expect(judged.problems).toEqual([]);
    const sum = (of: (finding: (typeof judged.partitions)[number]) => number): number =>
      judged.partitions.reduce((total, finding) => total + of(finding), 0);
    const [present, lost] = [sum((each) => each.present), sum((each) => each.lost.length)];
    expect(present + lost).toBe(ledger.acknowledgements.length);
    process.stdout.write(
      `followed: ${present} records stand once where they were acknowledged, ${lost} are a's tail\n`,
    );
  }, 240_000);
}
