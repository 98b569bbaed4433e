import { protocolErrorsCodesById } from '@platformatic/kafka';

/**
 * The one judge of "may I retry". Every error code a broker can answer has exactly one verdict; callers act on the
 * verdict and never on code numbers of their own, except where a code has a meaning special to one API.
 *
 * - `moved`:   the leader or coordinator is elsewhere, or knows less or more than we do: refresh metadata, ask again.
 * - `later`:   the right broker cannot answer now: the same request again after a pause.
 * - `denied`:  a right or a credential is missing: again after a long pause, shown to the operator meanwhile.
 * - `corrupt`: the bytes were damaged on the way: fetch them again, a bounded number of times.
 * - `fenced`:  somebody else took over: stop for good.
 * - `final`:   the request itself is wrong for this cluster: never again without a change.
 */
export type RetryVerdict = 'moved' | 'later' | 'denied' | 'corrupt' | 'fenced' | 'final';

const verdicts: Readonly<Record<number, RetryVerdict>> = {
  [-1]: 'later', // UNKNOWN_SERVER_ERROR
  2: 'corrupt', // CORRUPT_MESSAGE
  3: 'moved', // UNKNOWN_TOPIC_OR_PARTITION: also seen for a moment after creation and during moves
  5: 'moved', // LEADER_NOT_AVAILABLE
  6: 'moved', // NOT_LEADER_OR_FOLLOWER
  7: 'later', // REQUEST_TIMED_OUT
  8: 'moved', // BROKER_NOT_AVAILABLE
  9: 'moved', // REPLICA_NOT_AVAILABLE
  13: 'moved', // NETWORK_EXCEPTION
  14: 'later', // COORDINATOR_LOAD_IN_PROGRESS
  15: 'moved', // COORDINATOR_NOT_AVAILABLE
  16: 'moved', // NOT_COORDINATOR
  19: 'later', // NOT_ENOUGH_REPLICAS
  20: 'later', // NOT_ENOUGH_REPLICAS_AFTER_APPEND
  29: 'denied', // TOPIC_AUTHORIZATION_FAILED
  30: 'denied', // GROUP_AUTHORIZATION_FAILED
  31: 'denied', // CLUSTER_AUTHORIZATION_FAILED
  33: 'denied', // UNSUPPORTED_SASL_MECHANISM
  41: 'moved', // NOT_CONTROLLER
  47: 'fenced', // INVALID_PRODUCER_EPOCH
  51: 'later', // CONCURRENT_TRANSACTIONS
  53: 'denied', // TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  56: 'later', // KAFKA_STORAGE_ERROR
  58: 'denied', // SASL_AUTHENTICATION_FAILED
  70: 'later', // FETCH_SESSION_ID_NOT_FOUND
  71: 'later', // INVALID_FETCH_SESSION_EPOCH
  72: 'moved', // LISTENER_NOT_FOUND
  74: 'moved', // FENCED_LEADER_EPOCH
  75: 'moved', // UNKNOWN_LEADER_EPOCH
  78: 'later', // OFFSET_NOT_AVAILABLE
  89: 'later', // THROTTLING_QUOTA_EXCEEDED
  90: 'fenced', // PRODUCER_FENCED
  100: 'moved', // UNKNOWN_TOPIC_ID
  103: 'moved', // INCONSISTENT_TOPIC_ID
  106: 'later', // FETCH_SESSION_TOPIC_ID_ERROR
};

/** Verdict for a code; a code this table does not name is `final`: the unknown is never retried blindly. */
export function judge(code: number): RetryVerdict {
  return verdicts[code] ?? 'final';
}

const names: Readonly<Record<number, string>> = protocolErrorsCodesById;

/** `NOT_LEADER_OR_FOLLOWER (6)`: the form in which codes appear in logs and messages. */
export function errorName(code: number): string {
  return `${names[code] ?? 'UNKNOWN'} (${code})`;
}

const topicAuthorizationFailed = 29;

/** The code's name; where a right on the topic is missing also which: `right` is what the call needs, and where. */
export function refusalText(code: number, right: string): string {
  return code === topicAuthorizationFailed ? `${errorName(code)}, umbra's principal lacks ${right}` : errorName(code);
}

/** A broker answered an error code. */
export class KafkaError extends Error {
  readonly code: number;
  readonly verdict: RetryVerdict;

  /** `right`: the ACL operation on the topic that the call needs. */
  constructor(
    code: number,
    context: string,
    details: { readonly brokerText?: string | null | undefined; readonly right?: string } = {},
  ) {
    const { brokerText, right } = details;
    const what = right === undefined ? errorName(code) : refusalText(code, right);
    super(withBrokerText(`${context}: ${what}`, brokerText));
    this.name = 'KafkaError';
    this.code = code;
    this.verdict = judge(code);
  }
}

/** What a refusal is, with the broker's own words where it has any: for some codes they are null, for others empty. Pure. */
export function withBrokerText(what: string, brokerText: string | null | undefined): string {
  return (brokerText ?? '') === '' ? what : `${what}: ${brokerText}`;
}

/** The connection failed, closed or timed out; whether a request in flight took effect is unknown. */
export class ConnectionError extends Error {
  readonly verdict: RetryVerdict;

  constructor(message: string, options?: ErrorOptions & { verdict?: RetryVerdict }) {
    super(message, options);
    this.name = 'ConnectionError';
    this.verdict = options?.verdict ?? 'moved';
  }
}

/** Nothing of the request has left: it may be sent when it is allowed again, maybe over another connection. */
export class NotSentError extends Error {
  readonly verdict = 'later' satisfies RetryVerdict;

  constructor(message: string) {
    super(message);
    this.name = 'NotSentError';
  }
}

/** Bytes that are not what the protocol says: a length that is negative or runs past the frame, an unknown form. */
export class MalformedError extends Error {
  readonly verdict = 'later' satisfies RetryVerdict;

  constructor(message: string, options?: ErrorOptions) {
    super(`malformed answer: ${message}`, options);
    this.name = 'MalformedError';
  }
}

/** Verdict for anything that can be thrown by this room; foreign errors are `final`: they are bugs. */
export function verdictOf(error: unknown): RetryVerdict {
  const known = [KafkaError, ConnectionError, MalformedError, NotSentError] as const;
  for (const kind of known) if (error instanceof kind) return error.verdict;
  return 'final';
}
