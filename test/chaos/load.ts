import { setTimeout as delay } from 'node:timers/promises';
import { CompressionTypes, type Message, Partitioners, type Producer, type RecordMetadata } from 'kafkajs';
import { type ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { type Chance } from '../fixtures/chance.ts';
import { kafkajs } from '../fixtures/kafkajs.ts';
import { abortAbandoned, sendIn, transactionalProducer } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';
import { Ledger } from './ledger.ts';

/** An application that writes all the time, whatever happens to the brokers, and remembers what it was told. */
export interface Load {
  readonly topic: string;
  readonly transactional: boolean;
  readonly ledger: Ledger;
  /** Ends the writing; no transaction is open then. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly random: Chance;
  /** How far in the past the records' times lie: brokers forget producers of records older than a day. */
  readonly ageMs: number;
}

const pauseMs = 120;
const pauseAfterFailureMs = 200;
const endMs = 60_000;
const recordsPerSendMax = 12;

/** Every record has an id of its own. */
class Records {
  readonly #options: LoadOptions;
  #count = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  next(prefix: string): readonly (Message & { readonly partition: number; readonly id: string })[] {
    const { random, partitions, ageMs } = this.#options;
    return Array.from({ length: random.between(1, recordsPerSendMax) }, () => {
      const id = `${prefix}-${this.#count++}`;
      const value = `${id} `.padEnd(random.between(20, 400), 'x');
      return {
        id,
        key: id,
        value,
        partition: random.between(0, partitions - 1),
        timestamp: String(Date.now() - ageMs),
      };
    });
  }
}

type Sent = ReturnType<Records['next']>;

function note(ledger: Ledger, sent: Sent, answers: readonly RecordMetadata[]): void {
  for (const { partition, baseOffset } of answers) {
    if (baseOffset === undefined) continue;
    const ids = sent.filter((record) => record.partition === partition).map(({ id }) => id);
    ledger.acknowledge(partition, BigInt(baseOffset), ids);
  }
}

export function startPlainLoad(cluster: ClusterConfigInput, options: LoadOptions): Load {
  const { topic, random } = options;
  const ledger = new Ledger();
  const records = new Records(options);
  const producer = kafkajs(cluster).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  let running = true;
  const work = async (): Promise<void> => {
    await producer.connect();
    while (running) {
      const sent = records.next('plain');
      const compression = random.pick([CompressionTypes.None, CompressionTypes.GZIP]);
      note(ledger, sent, await producer.send({ topic, acks: -1, timeout: 5_000, compression, messages: [...sent] }));
      await delay(pauseMs);
    }
  };
  const looping = again(work, () => running).finally(() => producer.disconnect());
  return {
    topic,
    transactional: false,
    ledger,
    async stop() {
      running = false;
      await looping;
    },
  };
}

/** Several producers at once, so that their transactions overlap in every partition; a third of them is aborted. */
export function startTransactionalLoad(cluster: ClusterConfigInput, options: LoadOptions): Load {
  const { topic } = options;
  const ledger = new Ledger();
  const writers = ['one', 'two', 'three'].map((name) =>
    startTransactionalWriter(cluster, {
      ...{ ...options, random: options.random.branch(name) },
      ...{ ledger, transactionalId: `${topic}-${name}` },
    }),
  );
  return {
    topic,
    transactional: true,
    ledger,
    async stop() {
      await Promise.all(writers.map((writer) => writer.stop()));
    },
  };
}

interface WriterOptions extends LoadOptions {
  readonly ledger: Ledger;
  readonly transactionalId: string;
}

function startTransactionalWriter(cluster: ClusterConfigInput, options: WriterOptions): { stop(): Promise<void> } {
  const { transactionalId } = options;
  const records = new Records(options);
  let running = true;
  const open = async (): Promise<Producer> => {
    const producer = transactionalProducer(cluster, transactionalId);
    // Its first transaction asks for a new epoch, which aborts what an earlier producer left open.
    await producer.connect();
    return producer;
  };
  const work = async (): Promise<void> => {
    const producer = await open();
    try {
      while (running) {
        await transact(producer, records, options);
        await delay(pauseMs);
      }
    } finally {
      await producer.disconnect();
    }
  };
  const looping = again(work, () => running);
  return {
    async stop() {
      running = false;
      await looping;
      // A transaction that was left open would hold back everything behind it.
      const ended = (): Promise<true> => abortAbandoned(cluster, transactionalId).then(() => true);
      await eventually(`the transactions of ${transactionalId} are ended`, ended, endMs);
    },
  };
}

async function transact(
  producer: Producer,
  records: Records,
  { topic, random, ledger, transactionalId }: WriterOptions,
): Promise<void> {
  const transaction = await producer.transaction();
  const sends: { readonly sent: Sent; readonly answers: readonly RecordMetadata[] }[] = [];
  for (let count = random.between(1, 4); count > 0; count--) {
    const sent = records.next(transactionalId);
    const compression = random.pick([CompressionTypes.None, CompressionTypes.GZIP]);
    sends.push({ sent, answers: await sendIn(transaction, { topic, compression, messages: [...sent] }) });
    await delay(random.between(0, pauseMs));
  }
  if (random.next() < 1 / 3) {
    await transaction.abort();
    ledger.abort(sends.flatMap(({ sent }) => sent.map(({ id }) => id)));
  } else {
    await transaction.commit();
    for (const { sent, answers } of sends) note(ledger, sent, answers);
  }
}

/** The brokers are mistreated on purpose: what was not acknowledged does not count, and the next one is tried. */
async function again(work: () => Promise<void>, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    try {
      await work();
    } catch {
      await delay(pauseAfterFailureMs);
    }
  }
}
