import type { TopicStateKind } from '../../pair/topic-state.ts';
import { type FaultCode, faultRemedies } from '../../replication/partition/fault.ts';

/**
 * Whether a new copy is the way out of a fault. Not where the copy's bytes are right and something else has to be
 * changed: a rebuild would run into the same wall, without a copy meanwhile.
 */
export const rebuildHelps: Readonly<Record<FaultCode, boolean>> = {
  DIVERGED: true,
  FOREIGN_WRITE: true,
  SOURCE_TRUNCATED: true,
  SOURCE_RECREATED: true,
  RETENTION_AHEAD: true,
  SHADOW_RECREATED: false,
  SHADOW_NOT_OURS: false,
  GAP_TOO_LARGE: false,
  BATCH_TOO_LARGE: false,
  MARKERS_DENIED: false,
  NOT_REPACKABLE: false,
  OLD_FORMAT: false,
  PRODUCER_FENCED: false,
  REFUSED: false,
  CORRUPT: false,
};

/** What is known of a topic before anything is read. */
export interface RebuildSubject {
  readonly topic: string;
  readonly state: TopicStateKind;
  readonly faultCodes: readonly FaultCode[];
  /** What `_umbra` says of the copy; undefined when the link did not make it. */
  readonly copyTopicId: string | undefined;
  /** The topic at the target that has the name now. */
  readonly targetTopicId: string | undefined;
  readonly sourceTopicId: string | undefined;
  /** The source is the topic's primary at the highest term, and this link may copy it. */
  readonly mayCopy: boolean;
  /** Another worker took over the link. */
  readonly fenced: boolean;
}

/** Why this topic cannot be rebuilt, and what to do instead; undefined when it can. Pure. */
export function rebuildRefusal(subject: RebuildSubject): string | undefined {
  const { topic, state, faultCodes, copyTopicId, targetTopicId, sourceTopicId } = subject;
  if (state !== 'faulted') return `${topic} is not faulted (it is ${state}); only a faulted copy is rebuilt`;
  if (copyTopicId === undefined) {
    return `the topic ${topic} at the target was not made by this link, so it is no copy of ours: rename or delete it there`;
  }
  if (targetTopicId === undefined) return `the copy of ${topic} is not there; the link will make it anew by itself`;
  if (targetTopicId !== copyTopicId) {
    return `the topic ${topic} at the target is not the copy this link made (${faultRemedies.SHADOW_RECREATED})`;
  }
  if (sourceTopicId === undefined) {
    return `the source has no topic ${topic}: the copy is all there is of it, and it is kept`;
  }
  if (!subject.mayCopy) return `the source of ${topic} is not its primary, so nothing may be copied from there`;
  if (subject.fenced) return `another worker took over the link; ask that one`;
  if (!faultCodes.some((code) => rebuildHelps[code])) {
    const [code] = faultCodes;
    const remedy = code === undefined ? 'Its fault is not known yet; try again.' : faultRemedies[code];
    return `a new copy of ${topic} would meet the same fault (${code ?? '?'}). ${remedy}`;
  }
  return undefined;
}
