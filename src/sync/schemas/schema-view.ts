import type { SchemaDifference } from '../../schema-primary/compare-indexes.ts';
import type { ContextIds, IdCollision, IdGap } from '../../schema-primary/id-table.ts';
import type { LostTail, LostVersion } from '../../schema-primary/lost-tail.ts';
import type { SchemaCounts } from '../../schema-primary/schema-index.ts';
import type { SiteId } from '../../pair/site.ts';
import type { FollowedLog } from './followed-log.ts';

/** Of differences, gaps, malformed records and collisions so many are listed; all are counted. */
export const listedMax = 50;

/** A list cut to {@link listedMax}, with how many there are. */
export interface Listed<T> {
  readonly total: number;
  readonly first: readonly T[];
}

/** What is wrong with a look, and since when. */
export interface SchemaTrouble {
  readonly message: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface MalformedView {
  readonly offset: string;
  readonly key: string;
  readonly why: string;
}

/** One site's `_schemas`. Offsets are decimal text. */
export interface SchemaSiteView {
  readonly site: SiteId;
  readonly role: 'primary' | 'standby';
  /** `unseen`: never reached yet. `reading`: counts are of the part that was read. */
  readonly state: 'unseen' | 'absent' | 'reading' | 'read';
  readonly start: string | undefined;
  readonly end: string | undefined;
  readonly readTo: string;
  readonly counts: SchemaCounts;
  /** Over `id → digest` of all ids: equal at both sites when every id stands for the same schema. */
  readonly digest: string;
  readonly contexts: readonly ContextIds[];
  readonly gaps: Listed<IdGap>;
  /** Ids that stand for more than one schema. */
  readonly collisions: Listed<IdCollision>;
  readonly malformed: Listed<MalformedView>;
  /** When it was last looked at with success; ISO 8601. */
  readonly lookedAt: string | undefined;
  readonly trouble: SchemaTrouble | undefined;
}

/** How far the copy of the log is behind. */
export interface SchemasBehind {
  /** Offsets of the primary that the copy does not have. */
  readonly records: number;
  /** Since the copy was last seen to have everything, or since the first look. */
  readonly seconds: number;
  /** `stale`: the primary cannot be reached; `records` is as of `asOf`, and it may have grown since. */
  readonly basis: 'measured' | 'stale';
  readonly asOf: string;
}

/**
 * - `equal`      every key says the same at both sites
 * - `behind`     what the copy has not reached yet is all that differs
 * - `different`  the copy says something else: an id may stand for another schema
 * - `unknown`    not compared yet, or not comparable (see `trouble` of the sites)
 */
export type SchemasVerdict = 'equal' | 'behind' | 'different' | 'unknown';

export interface ComparisonView {
  readonly verdict: SchemasVerdict;
  /** When both logs were last compared; the verdict is as of then. ISO 8601. */
  readonly comparedAt: string | undefined;
  /** When they were last equal. */
  readonly equalAt: string | undefined;
  readonly differences: Listed<SchemaDifferenceView>;
  /** Keys that wait for the copy to reach them. */
  readonly keysBehind: number;
}

export type SchemaDifferenceView = Pick<SchemaDifference, 'kind' | 'label' | 'explanation'> & {
  readonly primaryOffset: string | undefined;
  readonly standbyOffset: string | undefined;
  readonly primaryId: number | undefined;
  readonly standbyId: number | undefined;
};

/** After a failover: what only the log of the old primary has. */
export interface LostView {
  /** First offset that is the new primary's own. */
  readonly cut: string;
  readonly collisions: Listed<LostVersionView>;
  readonly gaps: Listed<LostVersionView>;
  readonly versions: Listed<LostVersionView>;
  readonly changes: Listed<string>;
}

export type LostVersionView = Omit<LostVersion, 'offset'> & { readonly offset: string };

export type SchemaSyncView =
  /** No schema primary is declared: nothing is copied and nothing compared. */
  | { readonly kind: 'undeclared' }
  | {
      readonly kind: 'watched';
      readonly primarySite: SiteId;
      readonly sites: Readonly<Record<SiteId, SchemaSiteView>>;
      readonly comparison: ComparisonView;
      /** Undefined until both logs were looked at. */
      readonly behind: SchemasBehind | undefined;
      /** Undefined where the standby's log is a copy, or was not compared yet. */
      readonly lost: LostView | undefined;
    };

export function listed<T>(items: readonly T[]): Listed<T> {
  return { total: items.length, first: items.slice(0, listedMax) };
}

export function lostView(cut: bigint, { collisions, gaps, versions, changes }: LostTail): LostView {
  const views = (lost: readonly LostVersion[]): Listed<LostVersionView> =>
    listed(lost.map((each) => ({ ...each, offset: each.offset.toString() })));
  return {
    ...{ cut: cut.toString(), changes: listed(changes) },
    ...{ collisions: views(collisions), gaps: views(gaps), versions: views(versions) },
  };
}

export function differenceView({ kind, label, explanation, primary, standby }: SchemaDifference): SchemaDifferenceView {
  return {
    kind,
    label,
    explanation,
    primaryOffset: primary?.offset.toString(),
    standbyOffset: standby?.offset.toString(),
    primaryId: primary?.id,
    standbyId: standby?.id,
  };
}

export interface SiteViewInput {
  readonly site: SiteId;
  readonly role: 'primary' | 'standby';
  readonly lookedAt: string | undefined;
  readonly trouble: SchemaTrouble | undefined;
}

export function siteView({ index, state, readTo }: FollowedLog, input: SiteViewInput): SchemaSiteView {
  const sight = state.kind === 'reading' || state.kind === 'read' ? state.sight : undefined;
  return {
    ...input,
    state: state.kind,
    start: sight?.start.toString(),
    end: sight?.end.toString(),
    readTo: readTo.toString(),
    counts: index.counts,
    digest: index.digest(),
    contexts: index.ids.contexts(),
    gaps: listed(index.ids.gaps()),
    collisions: listed(index.ids.collisions),
    malformed: listed(
      index.malformed.map(({ offset, key, entry }) => ({
        offset: offset.toString(),
        key: key.label,
        why: entry.kind === 'malformed' ? entry.why : '',
      })),
    ),
  };
}
