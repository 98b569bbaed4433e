import { aged, type Exposure, type ExposureFacts, judgeExposure, unseenFor } from '../../exposure/exposure.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';

/** A topic of which records may be lost. */
export interface TopicAtRisk {
  readonly name: string;
  /** Id of the copy; what was known of another one is void. Undefined while there is none, or its id is not known. */
  readonly copy: string | undefined;
  readonly partitions: number;
}

interface Known {
  readonly facts: ExposureFacts;
  readonly atMs: number;
}

interface KnownTopic {
  readonly copy: string | undefined;
  readonly sinceMs: number;
  readonly partitions: Map<number, Known>;
}

/** A link that has not looked for topics for so long, and has missed so many looks, does not know what there is. */
const lookAgeMsMax = 15_000;
const looksMissedMax = 3;

/** Of two samples of one partition the one with the newer answer of the source counts; they may be so much apart. */
const sameAnswerMs = 2_000;

/**
 * What the controller knows of every partition's exposure. A worker that does not answer, or that has just taken a
 * partition up from another one, makes nothing vanish: what was known last grows old, and a partition of which nobody
 * has ever said anything counts from when it was first heard of.
 */
export class ExposureBook {
  #topics = new Map<string, KnownTopic>();

  /** `topics`: all there are now; the others are forgotten. */
  note(topics: readonly TopicAtRisk[], samples: ReadonlyMap<string, readonly PartitionSample[]>, nowMs: number): void {
    this.#topics = new Map(
      topics.map(({ name, copy }) => {
        const known = this.#topics.get(name);
        const same = known !== undefined && known.copy === copy;
        const topic = same ? known : { copy, sinceMs: nowMs, partitions: new Map<number, Known>() };
        for (const sample of samples.get(name) ?? []) noteSample(topic, sample, nowMs);
        return [name, topic];
      }),
    );
  }

  /** By partition, at least one; undefined for a topic that nothing is lost of. */
  of({ name, partitions }: Pick<TopicAtRisk, 'name' | 'partitions'>, nowMs: number): readonly Exposure[] | undefined {
    const topic = this.#topics.get(name);
    if (topic === undefined) return undefined;
    const count = Math.max(1, partitions, ...[...topic.partitions.keys()].map((partition) => partition + 1));
    return Array.from({ length: count }, (_, partition) => {
      const known = topic.partitions.get(partition);
      return judgeExposure(
        known === undefined ? unseenFor(nowMs - topic.sinceMs) : aged(known.facts, nowMs - known.atMs),
      );
    });
  }
}

/**
 * Of topics that the source may have got since the link last looked for topics: nothing while it looks often enough, and
 * what nobody knows when it cannot, or never could. `sinceMs`: when it began to.
 */
export function unlooked(
  {
    sinceMs,
    lookedAtMs,
    everyMs,
  }: { readonly sinceMs: number; readonly lookedAtMs?: number | undefined; readonly everyMs: number },
  nowMs: number,
): readonly Exposure[] {
  if (lookedAtMs === undefined) return [judgeExposure(unseenFor(nowMs - sinceMs))];
  const ageMs = nowMs - lookedAtMs;
  if (ageMs <= Math.max(lookAgeMsMax, everyMs * looksMissedMax)) return [];
  return [judgeExposure({ ...unseenFor(nowMs - sinceMs), answerAgeMs: ageMs, levelAgeMs: ageMs })];
}

function noteSample(topic: KnownTopic, { partition, state, atRisk }: PartitionSample, nowMs: number): void {
  const known = topic.partitions.get(partition);
  if (known === undefined) {
    topic.partitions.set(partition, { facts: atRisk, atMs: nowMs });
    return;
  }
  const before = aged(known.facts, nowMs - known.atMs);
  // One that gives the partition back, or has just taken it up, knows less than what is known.
  if (state === 'stopped' || atRisk.answerAgeMs === undefined) return;
  if (before.answerAgeMs !== undefined && atRisk.answerAgeMs > before.answerAgeMs + sameAnswerMs) return;
  const levelAgeMs = atRisk.levelAgeMs ?? before.levelAgeMs;
  const facts = {
    ...atRisk,
    watchedMs: Math.max(atRisk.watchedMs, before.watchedMs),
    ...(levelAgeMs === undefined ? {} : { levelAgeMs }),
  };
  topic.partitions.set(partition, { facts, atMs: nowMs });
}
