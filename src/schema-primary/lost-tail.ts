import type { IndexedRecord, IndexedVersion, SchemaIndex } from './schema-index.ts';

/** A version that was registered at the old primary after the cut, so that the new one does not have it. */
export interface LostVersion {
  readonly context: string;
  readonly id: number;
  readonly subject: string;
  readonly version: number;
  /** In the log of the old primary. */
  readonly offset: bigint;
  /** One line: what it means. */
  readonly explanation: string;
}

/** What the log of an old primary says above the cut, and the log of the new primary does not. */
export interface LostTail {
  /** Ids that stand for another schema at the new primary: records that name them can be decoded wrongly. */
  readonly collisions: readonly LostVersion[];
  /** Ids that the new primary does not have: records that name them cannot be decoded there. */
  readonly gaps: readonly LostVersion[];
  /** Subjects of which the same version is another schema at the new primary, the ids apart. */
  readonly versions: readonly LostVersion[];
  /** Configs, modes and deletions, in words. */
  readonly changes: readonly string[];
}

export interface LostTailInput {
  /** Of the old primary, read to its end. */
  readonly old: SchemaIndex;
  /** Of the new primary, read to its end. */
  readonly now: SchemaIndex;
  /** First offset of the new primary's own records: below it both logs are the same. */
  readonly cut: bigint;
}

/**
 * Two logs that were one up to the cut, compared by what they say: pure. In order of the old log. Nothing of it is repaired
 * here: a person decides, and whoever registers a lost schema again gives it a new id.
 */
export function lostTail({ old, now, cut }: LostTailInput): LostTail {
  const tail = [...old.records.values()].filter(({ offset }) => offset >= cut).sort(byOffset);
  const idsNow = idsByDigest(now);
  const lost = tail.flatMap(({ entry, offset }) => (entry.kind === 'schema' ? [{ entry, offset }] : []));
  const collisions: LostVersion[] = [];
  const gaps: LostVersion[] = [];
  const versions: LostVersion[] = [];
  for (const { entry, offset } of lost) {
    const { context, id, digest, subject, version } = entry;
    const place = { context, id, subject, version, offset };
    const digests = now.ids.digestsOf(context, id);
    if (digests.length > 0 && digests.some((each) => each !== digest)) {
      collisions.push({ ...place, explanation: `the id ${id} stands for another schema at the new primary` });
    } else if (digests.length === 0) {
      gaps.push({ ...place, explanation: explainGap(entry, idsNow) });
    }
    const same = versionIn(now, subject, version);
    if (same !== undefined && same.digest !== digest) {
      const explanation = `${labelOf(entry)} is another schema at the new primary, with the id ${same.id}`;
      versions.push({ ...place, explanation });
    }
  }
  return { collisions, gaps, versions, changes: [...changesIn(tail), ...deletionsSince({ old, now, cut })] };
}

function explainGap({ context, id, digest }: IndexedVersion, idsNow: ReadonlyMap<string, number>): string {
  const again = idsNow.get(`${context} ${digest}`);
  const elsewhere = again === undefined ? '' : `; the same schema has the id ${again} there`;
  return `the new primary does not know the id ${id}${elsewhere}`;
}

/** The lowest id of each schema. */
function idsByDigest(index: SchemaIndex): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const { entry } of index.records.values()) {
    if (entry.kind !== 'schema') continue;
    const key = `${entry.context} ${entry.digest}`;
    ids.set(key, Math.min(entry.id, ids.get(key) ?? entry.id));
  }
  return ids;
}

function versionIn(index: SchemaIndex, subject: string, version: number): IndexedVersion | undefined {
  const entry = index.version(subject, version)?.entry;
  return entry?.kind === 'schema' ? entry : undefined;
}

function changesIn(tail: readonly IndexedRecord[]): readonly string[] {
  return tail.flatMap(({ entry, key }) => {
    switch (entry.kind) {
      case 'config':
        return [`${key.label}: ${entry.compatibility ?? 'none'}`];
      case 'mode':
        return [`${key.label}: ${entry.mode}`];
      case 'delete-subject':
        return [`${key.label}: up to version ${entry.upTo}`];
      case 'schema':
        return entry.deleted ? [`${key.label} was deleted`] : [];
      case 'other':
      case 'malformed':
        return [];
    }
  });
}

/** What both had at the cut, and the old primary has no more. */
function deletionsSince({ old, now, cut }: LostTailInput): readonly string[] {
  return [...now.records.values()]
    .filter(({ key, offset }) => offset < cut && old.record(key.name) === undefined)
    .map(({ key }) => `${key.label} was deleted for good`);
}

function labelOf({ subject, version }: IndexedVersion): string {
  return `subject ${JSON.stringify(subject)} version ${version}`;
}

function byOffset(left: IndexedRecord, right: IndexedRecord): number {
  return Number(left.offset - right.offset);
}
