import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { type LagView } from '../src/worker/views.ts';
import { type DemoSite } from './demo-pair.ts';
import { type DirectionCounts } from './demo-text.ts';
import { ToolError } from './steps.mjs';

const partitions = 3;
const batchRecords = 50;
const batchPauseMs = 100;
const pollMs = 200;
/** A link looks for new topics every few seconds. */
const copyAppearsMs = 30_000;

export interface DemoDirection {
  readonly from: DemoSite;
  readonly to: DemoSite;
}

/** Traffic in one direction: an application writes at home, another reads the copy at the other site. */
export interface Traffic {
  readonly topic: string;
  /** Writes until the signal is aborted. */
  write(until: AbortSignal): Promise<void>;
  counts(lag: LagView | undefined): DirectionCounts;
  close(): Promise<void>;
}

/** Makes the topic at home, waits for its copy, and starts reading there. */
export async function openTraffic({ from, to }: DemoDirection, signal: AbortSignal): Promise<Traffic> {
  const topic = `${from.prefix}demo`;
  await createTopic(from, topic);
  await waitForCopy(to, topic, signal);
  // The group keeps its place from demo to demo; the header tells this one's records from older ones.
  const run = `${process.pid}-${Date.now()}`;
  const counts = { written: 0, read: 0 };
  const consumer = to.kafka.consumer({ groupId: `${from.prefix}demo`, maxWaitTimeInMs: 250 });
  const producer = from.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const close = async (): Promise<void> => {
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
  };
  try {
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        if (message.headers?.['run']?.toString() === run) counts.read += 1;
        return Promise.resolve();
      },
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    topic,
    async write(until) {
      while (!until.aborted) {
        const messages = Array.from({ length: batchRecords }, (_, index) => order(counts.written + index, run));
        await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP });
        counts.written += messages.length;
        // The end of the writing is no error.
        await delay(batchPauseMs, undefined, { signal: until }).catch(() => undefined);
      }
    },
    counts: (lag) => ({ from: from.site, to: to.site, ...counts, lag }),
    close,
  };
}

function order(number: number, run: string): kafkajs.Message {
  const value = JSON.stringify({ order: number, item: `item ${number % 17}`, amount: (number * 7) % 1000 });
  return { key: `customer-${number % 100}`, value, headers: { run } };
}

async function createTopic({ kafka }: DemoSite, topic: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
}

async function waitForCopy({ site, worker }: DemoSite, topic: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + copyAppearsMs;
  for (;;) {
    const view = (await worker.topics(signal)).find((each) => each.name === topic);
    if (view?.state === 'following') return;
    if (performance.now() > deadline) {
      const seen = view?.fault?.message ?? view?.state ?? 'not seen';
      throw new ToolError(
        `Topic ${topic} is not copied to site ${site} after ${copyAppearsMs / 1000} s (${seen}). Run "npx umbra status".`,
      );
    }
    await delay(pollMs, undefined, { signal });
  }
}
