import type { SiteId } from '../pair/site.ts';
import type { TopicStateKind } from '../pair/topic-state.ts';

/** What would be lost if the source were given up now, as far as anybody knows. */
export interface LossSeen {
  readonly seconds: number;
  readonly records: number;
  /** If a source that does not answer went on as in the fastest second of its last half minute. */
  readonly recordsAtMost: number;
  readonly bytes: number;
  /** How much it is worth (docs/exposure.md), and how old it is. */
  readonly basis: 'measured' | 'estimated' | 'stale';
  readonly sampleAgeMs?: number | undefined;
}

/** One copy as its site sees it. */
export interface CandidateTopic {
  readonly name: string;
  readonly home: SiteId;
  /** Of the newest promotion that either site knows; 0 at home since ever. */
  readonly term: number;
  readonly state: TopicStateKind;
  readonly partitions: number;
  /** Of the copy; undefined while there is none. */
  readonly copyTopicId: string | undefined;
  readonly loss: LossSeen | undefined;
  /** Another operation, or a rebuild, that has it in hand. */
  readonly busy: string | undefined;
}

/** Somebody who would still write after the fence is raised; one line each. */
export interface BypassSeen {
  readonly message: string;
  readonly remedy: string;
}

/** The site that is primary now, as a switchover has to know it. */
export interface SourceSeen {
  readonly fence:
    | { readonly kind: 'holds'; readonly superUsers: readonly string[] }
    | { readonly kind: 'bypassed'; readonly by: readonly BypassSeen[] }
    | { readonly kind: 'no authorizer' };
  /** A link ends there that can carry the topics back. */
  readonly hasWayBack: boolean;
  /** That are under way in these topics, in words. */
  readonly transactions: readonly string[];
}

export interface GroupSeen {
  readonly group: string;
  /** On these it has positions. */
  readonly topics: ReadonlySet<string>;
  readonly why: string;
}

/** What is known of both sites beside the topics. */
export interface SitesSeen {
  /** The other site's cluster answers, and its `_umbra` was read at the newest look. */
  readonly sourceAnswers: boolean;
  /** Asked for switchovers only. */
  readonly source: SourceSeen | undefined;
  /** Whether the other site's controller was heard of lately; undefined where nobody can tell. */
  readonly fencing: 'acl' | 'leaking' | 'unfenced' | 'unknown';
  /** Why no operation can be begun at all now. */
  readonly troubles: readonly string[];
  /** Consumer groups whose positions at the new primary are not those of the old one, with why. */
  readonly ownGroups: readonly GroupSeen[];
  /** Producer ids that are still to be passed before WRITE may be granted, and how long that takes. */
  readonly barrier: { readonly behind: number; readonly seconds: number } | undefined;
}
