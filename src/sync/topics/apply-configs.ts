import type { Cluster } from '../../kafka/cluster.ts';
import {
  alterConfigs,
  alterTopicsMax,
  type ConfigChange,
  type ConfigRefusal,
  type TopicChanges,
} from '../../kafka/config-admin.ts';
import { judge, NotSentError } from '../../kafka/errors.ts';

export type RefusedChange = ConfigChange & ConfigRefusal;

export interface AppliedChanges {
  /** Names of the configs that were changed, by topic. */
  readonly made: ReadonlyMap<string, ReadonlySet<string>>;
  /** By topic and name. */
  readonly refused: ReadonlyMap<string, ReadonlyMap<string, RefusedChange>>;
  /** Topics that could not be changed now, with why; the same again at the next look. */
  readonly failed: ReadonlyMap<string, string>;
  /** We may not act any more: what is missing was not sent. */
  readonly stopped: boolean;
}

/** Asked immediately before each request. */
export interface ApplyGate {
  /** Whether this process still is the one that decides; also asked when the bytes are about to go out. */
  mayAct(): boolean;
  /** Those of the topics that are still to be changed. */
  stillSynced(topics: readonly TopicChanges[]): readonly TopicChanges[];
}

/**
 * Makes the changes, many topics per request. A broker takes the changes of a topic or refuses them as a whole; where it
 * refuses several, they are sent one by one, so that one bad value does not keep the others away.
 * Throws ConnectionError when whether the rest was done is unknown: the next look shows it.
 */
export async function applyConfigs(
  target: Cluster,
  topics: readonly TopicChanges[],
  gate: ApplyGate,
): Promise<AppliedChanges> {
  const made = new Map<string, Set<string>>();
  const refused = new Map<string, Map<string, RefusedChange>>();
  const failed = new Map<string, string>();
  const alone: TopicChanges[] = [];
  const settle = (sent: TopicChanges, refusal: ConfigRefusal | undefined): void => {
    const { topic, changes } = sent;
    if (refusal === undefined) {
      const names = made.get(topic) ?? new Set();
      made.set(topic, names);
      for (const { name } of changes) names.add(name);
      return;
    }
    const verdict = judge(refusal.code);
    if (verdict === 'final' && changes.length > 1) alone.push(sent);
    else if (verdict === 'final' || verdict === 'denied') {
      const names = refused.get(topic) ?? new Map<string, RefusedChange>();
      refused.set(topic, names);
      for (const change of changes) names.set(change.name, { ...change, ...refusal });
    } else failed.set(topic, refusal.message);
  };
  try {
    await send(target, topics, gate, settle);
    // A request names a topic once: the k-th changes of all topics go together.
    const rounds = Math.max(0, ...alone.map(({ changes }) => changes.length));
    for (let index = 0; index < rounds; index++) {
      const each = alone.flatMap(({ topic, changes }) => {
        const change = changes[index];
        return change === undefined ? [] : [{ topic, changes: [change] }];
      });
      await send(target, each, gate, settle);
    }
  } catch (error) {
    if (!(error instanceof NotSentError)) throw error;
    return { made, refused, failed, stopped: true };
  }
  return { made, refused, failed, stopped: false };
}

async function send(
  target: Cluster,
  topics: readonly TopicChanges[],
  gate: ApplyGate,
  settle: (sent: TopicChanges, refusal: ConfigRefusal | undefined) => void,
): Promise<void> {
  for (let start = 0; start < topics.length; start += alterTopicsMax) {
    const chunk = gate.stillSynced(topics.slice(start, start + alterTopicsMax));
    if (chunk.length === 0) continue;
    const refusals = await alterConfigs(target, chunk, () => gate.mayAct());
    for (const sent of chunk) settle(sent, refusals.get(sent.topic));
  }
}
