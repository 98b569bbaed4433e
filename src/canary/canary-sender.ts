import { Partitioners, type Producer } from 'kafkajs';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { connectMsMax, type KafkajsClient, kafkajsClient, requestMsMax } from './kafkajs-client.ts';
import { answerOfError, rightsErrors, type SendAnswer } from './send-answer.ts';

export interface CanaryMessage {
  readonly topic: string;
  readonly partition: number;
  /** No other message of this sender has the same. */
  readonly key: string;
  readonly value: string;
}

/** Writes to one site, one record at a time per partition. */
export interface CanarySender {
  /** Within {@link sendMsMax}. Never rejects. */
  send(message: CanaryMessage): Promise<SendAnswer>;
  /** Waits for what is under way, within a bound; then nothing of it is left. Never rejects. */
  close(): Promise<void>;
}

/** A connection, a request and the same again, with authentication. Whoever has not answered by then is not waited for. */
export const sendMsMax = connectMsMax + 2 * requestMsMax;
const disconnectMsMax = 2_000;
/** kafkajs takes fewer for none, and with none no producer id is allowed; the broker takes a second try of the same once. */
const retries = 1;

/** A producer of kafkajs, from its making until something of it is not certain any more. */
interface Generation {
  readonly client: KafkajsClient;
  readonly producer: Producer;
  readonly connected: Promise<void>;
  /** By key how often it was tried to send a message. */
  readonly tries: Map<string, number>;
  inFlight: number;
}

/**
 * kafkajs with a producer id and acks=all. Each partition has a request of its own: kafkajs takes a request that fails
 * for one partition as failed for all, and counts their sequences back. A producer that has failed is thrown away: what
 * its broker remembers of it is not known.
 */
export function kafkajsSender(cluster: ClusterConfig, clientId: string): CanarySender {
  const alive = new Set<Generation>();
  const ending = new Set<Promise<void>>();
  let newest: Generation | undefined;
  let turn = 0;

  const make = (): Generation => {
    const client = kafkajsClient(cluster, clientId, turn++);
    const tries = new Map<string, number>();
    const producer = client.kafka.producer({
      ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry: { retries } },
      // Asked once per try, before anything is sent: that is how a second try is known.
      createPartitioner: () => {
        const choose = Partitioners.DefaultPartitioner();
        return (asked) => {
          const key = String(asked.message.key);
          tries.set(key, (tries.get(key) ?? 0) + 1);
          return choose(asked);
        };
      },
    });
    const generation = { client, producer, connected: producer.connect(), tries, inFlight: 0 };
    generation.connected.catch(() => retire(generation));
    alive.add(generation);
    return generation;
  };
  const retire = (generation: Generation): void => {
    if (newest === generation) newest = undefined;
    if (generation.inFlight === 0) end(generation);
  };
  const end = (generation: Generation): void => {
    if (!alive.delete(generation)) return;
    const ended = withinMs(disconnectMsMax, generation.producer.disconnect())
      .catch(() => undefined)
      .finally(() => {
        generation.client.end();
        ending.delete(ended);
      });
    ending.add(ended);
  };

  return {
    async send({ topic, partition, key, value }) {
      let generation: Generation;
      try {
        generation = newest ??= make();
      } catch (error) {
        // A file of its TLS cannot be read.
        return answerOfError(error, 0);
      }
      generation.inFlight += 1;
      try {
        const send = async (): Promise<SendAnswer> => {
          await generation.connected;
          const messages = [{ partition, key, value }];
          const [answer] = await generation.producer.send({ topic, acks: -1, timeout: requestMsMax, messages });
          return answerOf(answer?.baseOffset);
        };
        return await withinMs(sendMsMax, send());
      } catch (error) {
        const answer = answerOfError(error, error instanceof LateError ? Infinity : (generation.tries.get(key) ?? 0));
        const asItWas = answer.kind === 'refused' && answer.type !== undefined && rightsErrors.has(answer.type);
        if (!asItWas) retire(generation);
        return answer;
      } finally {
        generation.tries.delete(key);
        generation.inFlight -= 1;
        if (generation !== newest && generation.inFlight === 0) end(generation);
      }
    },
    async close() {
      newest = undefined;
      for (const generation of alive) if (generation.inFlight === 0) end(generation);
      while (alive.size > 0 || ending.size > 0) {
        await Promise.all(ending);
        // The others end with what they have under way, which has its bound.
        if (alive.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

function answerOf(baseOffset: string | undefined): SendAnswer {
  if (baseOffset === undefined || !/^\d+$/.test(baseOffset))
    return { kind: 'unanswered', error: 'it was acknowledged without an offset', type: undefined };
  return { kind: 'acked', offset: BigInt(baseOffset) };
}

class LateError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

async function withinMs<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new LateError(ms)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
