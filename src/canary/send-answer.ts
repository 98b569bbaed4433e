import { errorCharsMax } from './ledger/ledger-entry.ts';

/**
 * What became of one record:
 *
 * - `acked`       it is at `offset`
 * - `refused`     it was not written, and that is certain
 * - `unanswered`  nobody knows
 */
export type SendAnswer =
  | { readonly kind: 'acked'; readonly offset: bigint }
  | { readonly kind: 'refused' | 'unanswered'; readonly error: string; readonly type: string | undefined };

/** Rights are asked for before anything is done, and a producer that is refused for the want of them goes on as it was. */
export const rightsErrors: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);

/**
 * A broker that answers these has appended nothing. Not among them: NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR,
 * UNKNOWN_TOPIC_OR_PARTITION, which a leader also answers when it stops to be one while the record waits for its
 * followers (kafka.server.DelayedProduce), NOT_ENOUGH_REPLICAS_AFTER_APPEND and REQUEST_TIMED_OUT.
 */
const certain: ReadonlySet<string> = new Set([
  ...rightsErrors,
  'NOT_ENOUGH_REPLICAS',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
  'POLICY_VIOLATION',
]);

const causesMax = 10;

/**
 * What an error of kafkajs says of a record that was tried so many times. Tried twice, the answer to the second try says
 * nothing of the first; not tried, nothing went out. Pure.
 */
export function answerOfError(error: unknown, tries: number): Extract<SendAnswer, { error: string }> {
  const chain = [...causesOf(error)];
  const type = chain.map(typeOf).find((each) => each !== undefined);
  const text = (type ?? chain.at(-1)?.message ?? String(error)).replaceAll(/\s+/g, ' ').slice(0, errorCharsMax);
  const refused = tries === 0 || (tries === 1 && type !== undefined && certain.has(type));
  return { kind: refused ? 'refused' : 'unanswered', error: text, type };
}

/** kafkajs wraps what a broker answered, once or twice. */
function* causesOf(error: unknown): Generator<Error> {
  let each = error;
  for (let depth = 0; depth < causesMax && each instanceof Error; depth++) {
    yield each;
    each = each.cause;
  }
}

function typeOf(error: Error): string | undefined {
  return 'type' in error && typeof error.type === 'string' ? error.type : undefined;
}
