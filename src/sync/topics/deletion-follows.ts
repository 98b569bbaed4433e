import type { TopicPolicy } from '../../pair/topic-policy.ts';

/** One look at the source's topics. */
export type SourceLook =
  /** The cluster answered with all topics it shows us. `topics`: name → topic id. */
  | { readonly kind: 'answered'; readonly atMs: number; readonly topics: ReadonlyMap<string, string> }
  /** It did not answer, or not completely. */
  | { readonly kind: 'failed' };

/** A copy of the link, as `_umbra` has it. */
export interface CopiedFrom {
  readonly topic: string;
  readonly sourceTopicId: string;
}

/** How long a source topic has been missing, without a break. */
export interface Absence {
  readonly sinceMs: number;
  readonly lastMs: number;
  /** Looks that did not show it, one after the other. */
  readonly looks: number;
}

export type Absences = ReadonlyMap<string, Absence>;

/** What a deletion at the source has to be before a copy is deleted for it. */
export const absenceBounds = { looksMin: 5, spanMsMin: 60_000 } as const;

/**
 * Takes one look into account. Pure. All counting starts anew
 *
 * - when a look failed: a cluster that was just reached again may not know its topics yet
 * - when the source shows none of the link's topics under the id they were copied from: it may be another cluster, an
 *   empty one, or one whose rights were taken from us. One topic with its id proves that it is the one we know
 */
export function noteLook(before: Absences, look: SourceLook, copies: readonly CopiedFrom[]): Absences {
  if (look.kind === 'failed') return new Map();
  const { atMs, topics } = look;
  if (!copies.some(({ topic, sourceTopicId }) => topics.get(topic) === sourceTopicId)) return new Map();
  const absences = new Map<string, Absence>();
  for (const { topic } of copies) {
    if (topics.has(topic)) continue;
    const { sinceMs = atMs, looks = 0 } = before.get(topic) ?? {};
    absences.set(topic, { sinceMs, lastMs: atMs, looks: looks + 1 });
  }
  return absences;
}

export interface CopyStanding {
  /** `ours`: the id of the copy is recorded. A copy that faulted, is being rebuilt or was promoted is never deleted. */
  readonly state: 'ours' | 'creating' | 'faulted' | 'rebuilding' | 'promoted';
}

export type DeletionDecision =
  | { readonly kind: 'delete' }
  /** One line: what is still awaited, or why the copy stays. */
  | { readonly kind: 'keep'; readonly why: string };

/**
 * Whether the copy of a topic that is missing at the source is deleted too. Pure. Only where the link says so, and the
 * source has answered without it `looksMin` times in a row, over at least `spanMsMin`. Before it is done the source is
 * asked for this one topic by its name (see delete-copy.ts): a list of all topics leaves out what we may not see.
 */
export function deletionFollows(
  absence: Absence | undefined,
  { state }: CopyStanding,
  { deletion }: Pick<TopicPolicy, 'deletion'>,
): DeletionDecision {
  if (deletion === 'keep')
    return keep('the link keeps the copies of deleted topics; delete it by hand, or set "follow"');
  if (state !== 'ours') return keep(`the copy is ${state}, and such a one is never deleted with its source`);
  if (absence === undefined) return keep('the source has not yet shown beyond doubt that the topic is gone');
  const { looksMin, spanMsMin } = absenceBounds;
  const spanMs = absence.lastMs - absence.sinceMs;
  if (absence.looks < looksMin || spanMs < spanMsMin) {
    const seen = `${absence.looks} look(s) over ${Math.floor(spanMs / 1000)} s`;
    return keep(`missing at the source in ${seen}; deleted after ${looksMin} over ${spanMsMin / 1000} s`);
  }
  return { kind: 'delete' };
}

function keep(why: string): DeletionDecision {
  return { kind: 'keep', why };
}
