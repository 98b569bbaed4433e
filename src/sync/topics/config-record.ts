import { z } from 'zod';
import type { TopicConfigs } from '../../kafka/config-admin.ts';
import { ruleOf } from '../../pair/config-rules.ts';

const wishedSchema = z.strictObject({
  value: z.string(),
  /** `topic`: set on the source topic itself. `cluster`: what the source's cluster gives every topic. */
  from: z.enum(['topic', 'cluster']),
});

/**
 * What is remembered of one copy's configs, in the target's `_umbra`: a few hundred bytes to 3 kB.
 *
 * - `wish`  what the source topic is to be: everything that is set on it, verbatim, and of what it leaves to its cluster
 *           the part that decides which records there are. A promotion gives it back, also when the source is gone.
 * - `level` of each config that is synced the value at which the copy was level: its own one (null: none of its own), or,
 *           where the effect counts, the one in force. A copy that shows another one was edited.
 */
export const configRecordSchema = z.strictObject({
  topic: z.string(),
  wish: z.record(z.string(), wishedSchema),
  level: z.record(z.string(), z.string().nullable()),
});

export type ConfigRecord = z.output<typeof configRecordSchema>;

export type ConfigWish = ConfigRecord['wish'];

/** Where the records are kept: one per copy, by topic. */
export interface ConfigMemory {
  /** Topics that have a record. */
  topics(): Iterable<string>;
  /**
   * Asked for each copy at each look: answered from memory, without parsing, and with the same object until the record is
   * replaced.
   */
  get(topic: string): ConfigRecord | undefined;
  /** Replaces the records of these topics. Resolves when they are durable; some may be when it rejects. */
  put(records: readonly ConfigRecord[], signal: AbortSignal): Promise<void>;
  remove(topics: readonly string[], signal: AbortSignal): Promise<void>;
}

/** What the source wants to be. Values that its brokers keep secret cannot be remembered. Pure; names in order. */
export function wishOf(source: TopicConfigs): ConfigWish {
  const wish: ConfigWish = {};
  for (const [name, { value, own }] of [...source].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    if (value === undefined) continue;
    if (own) wish[name] = { value, from: 'topic' };
    else if (ruleOf(name).measure === 'effect') wish[name] = { value, from: 'cluster' };
  }
  return wish;
}

/** Whether two records say the same. */
export function sameRecord(left: ConfigRecord | undefined, right: ConfigRecord): boolean {
  if (left === undefined) return false;
  const { wish, level } = left;
  return (
    sameEntries(level, right.level, (one, other) => one === other) &&
    sameEntries(wish, right.wish, (one, other) => one.value === other.value && one.from === other.from)
  );
}

function sameEntries<T>(
  left: Readonly<Record<string, T>>,
  right: Readonly<Record<string, T>>,
  same: (one: T, other: T) => boolean,
): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const [one, other] = [left[name], right[name]];
    return one !== undefined && other !== undefined && same(one, other);
  });
}
