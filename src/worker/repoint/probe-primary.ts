import { Consumer, type KafkaRecord, Producer, type RecordsBatch } from '@platformatic/kafka';
import { ordinaryClient } from '../../kafka/ordinary-client.ts';
import { unlessAborted } from '../../replication/waiting/unless-aborted.ts';
import type { Attempt } from './attempt.ts';
import type { Move, ProbeHook } from './repoint-spec.ts';

/** A broker holds an answer back for so long while there is nothing to read. */
const fetchWaitMs = 500;
/** One record is read, of few bytes; a batch of somebody else may stand before it. */
const fetchBytesMax = 1 << 20;
const readCommitted = 1;
const reasonCharsMax = 300;

/**
 * Whether an application can work at the new primary: writes one record into the probe's topic as an idempotent producer with
 * acks=all, and reads it at the offset that it was told, as `read_committed` consumers do. It is the library's whole client
 * with an application's credentials, so rights, listeners, producer ids and open transactions are in its way as in anybody's.
 * Without a group: joining one can take longer than the move. Never rejects.
 */
export async function probePrimary(
  { topic, client, timeoutMs }: ProbeHook,
  move: Move,
  signal: AbortSignal,
): Promise<Attempt> {
  const begun = performance.now();
  const late = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, late]);
  const { bootstrapServers = move.bootstrapServers, ...rest } = client;
  let doing = 'preparing its client';
  const clients: (Producer | Consumer)[] = [];
  const probe = async (): Promise<string> => {
    const options = ordinaryClient({ ...rest, bootstrapServers: [...bootstrapServers] }, { clientId, timeoutMs });
    const producer = new Producer({ ...options, idempotent: true, acks: -1 });
    clients.push(producer);
    doing = `writing ${topic}`;
    const record = { key: Buffer.from(move.operationId), value: Buffer.from(valueOf(move)) };
    const [told] = (await producer.send({ messages: [{ topic, ...record }] })).offsets ?? [];
    if (told === undefined) throw new Error('it was acknowledged without an offset');
    const place = `${topic}/${told.partition} at offset ${told.offset}`;
    // Nobody would close it.
    either.throwIfAborted();
    doing = `reading ${place}`;
    const consumer = new Consumer({ ...options, groupId: clientId });
    clients.push(consumer);
    const found = await readAt(consumer, told, either);
    if (found.key?.equals(record.key) !== true || found.value?.equals(record.value) !== true)
      throw new Error('another record stands there: what was acknowledged is not in the log');
    return place;
  };
  try {
    const place = await unlessAborted(either, probe());
    return { kind: 'done', shown: `wrote ${place} and read it back in ${Math.round(performance.now() - begun)} ms` };
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', reason: 'it was given up' };
    const why = late.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    return { kind: 'failed', reason: `${doing}: ${why}`.slice(0, reasonCharsMax) };
  } finally {
    // Not waited for: what is under way with a silent broker ends by the same bound.
    for (const each of clients) each.close(true).catch(() => undefined);
  }
}

const clientId = 'umbra-probe';

function valueOf({ operationId, kind, from, to, term }: Move): string {
  return JSON.stringify({ probe: 'umbra', operationId, kind, from, to, term, at: new Date().toISOString() });
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

async function readAt(
  consumer: Consumer,
  { topic, partition, offset }: Place,
  signal: AbortSignal,
): Promise<KafkaRecord> {
  const { id, partitions } = (await consumer.metadata({ topics: [topic] })).topics.get(topic) ?? {};
  const leader = partitions?.[partition];
  if (id === undefined || leader === undefined) throw new Error('the brokers do not know the partition');
  const wanted = { partition, fetchOffset: offset, partitionMaxBytes: fetchBytesMax };
  const epochs = { currentLeaderEpoch: leader.leaderEpoch, lastFetchedEpoch: -1 };
  for (;;) {
    signal.throwIfAborted();
    const { responses } = await consumer.fetch({
      ...{ node: leader.leader, minBytes: 1, maxBytes: fetchBytesMax, maxWaitTime: fetchWaitMs },
      ...{ isolationLevel: readCommitted, topics: [{ topicId: id, partitions: [{ ...wanted, ...epochs }] }] },
    });
    const batches = responses.flatMap((answer) => answer.partitions.flatMap(({ records }) => records ?? []));
    const found = recordAt(batches, offset);
    if (found !== undefined) return found;
  }
}

function recordAt(batches: readonly RecordsBatch[], offset: bigint): KafkaRecord | undefined {
  for (const { firstOffset, records } of batches) {
    const found = records.find(({ offsetDelta }) => firstOffset + BigInt(offsetDelta) === offset);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The name of Kafka's error where there is one: the library wraps it, in others that say less. */
function reasonOf(error: unknown): string {
  const chain = [...causesOf(error)];
  const named = chain.find(
    (each): each is Error & { readonly apiId: string } => 'apiId' in each && typeof each.apiId === 'string',
  );
  return named?.apiId ?? chain.at(-1)?.message ?? String(error);
}

function* causesOf(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return;
  yield error;
  if (error instanceof AggregateError) for (const each of error.errors) yield* causesOf(each);
  yield* causesOf(error.cause);
}
