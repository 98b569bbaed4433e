/**
 * After a failover the new primary's log may lack the last registrations of the old one: without more its registry would
 * give their ids to other schemas, and records that name them would be decoded wrongly without an error. So umbra appends
 * a marker before a registry may write there: a version that is deleted from its beginning, with an id far above all that
 * were seen. Registries go on above the highest id they have read, deleted or not: Confluent's per context
 * (KafkaStoreMessageHandler, IncrementalIdGenerator; 8.4), Karapace over all (InMemoryDatabase; 6.2).
 */
import { type Hashes, schemaDigest } from './schema-digest.ts';
import type { IndexedVersion, SchemaIndex } from './schema-index.ts';
import { defaultContext, qualify } from './subject.ts';
import { idsAheadMax } from './wire-format.ts';

export interface LeapRequest {
  /** That made this site the schema primary; markers are known again by it. */
  readonly operation: string;
  /** Of the schemas' role, as the operation has raised it: 1 or more. */
  readonly term: number;
  /** More ids than a registry gives out in one term without their records arriving here. */
  readonly reserve: number;
  /** That newest records seem to name ({@link schemasOf}), in any order: some may be nothing of the kind. */
  readonly sampled: Iterable<number>;
}

/** One context's leap. Ids above `highest` and below `id` are never given out again. */
export interface IdLeap {
  readonly context: string;
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** Of all ids that were seen or, by samples, given out. */
  readonly highest: number;
}

/** A record of the log, as registries write it. */
export interface LeapRecord {
  readonly key: string;
  readonly value: string;
}

export type LeapPlan =
  /** Every context has its marker, and nothing below it has a higher id. */
  | { readonly kind: 'done' }
  | { readonly kind: 'append'; readonly leaps: readonly IdLeap[]; readonly records: readonly LeapRecord[] }
  /** Ids are 31 bits wide: there is no room left above the highest one. */
  | { readonly kind: 'exhausted'; readonly context: string; readonly highest: number };

const subjectName = 'umbra-id-leap';
const idMax = 2 ** 31 - 1;

/**
 * The markers that are missing, by everything the log says. To be asked again with what the log says afterwards: whoever
 * crashes in between does no harm, and a record that came in between is seen.
 */
export function planLeap(index: SchemaIndex, request: LeapRequest, hashes: Hashes): LeapPlan {
  const versions = versionsOf(index);
  const seen = new Map(index.ids.contexts().map(({ context, highestSeen }) => [context, highestSeen]));
  const leaps: IdLeap[] = [];
  for (const context of new Set([defaultContext, ...seen.keys()])) {
    const own = versions.filter((version) => version.context === context);
    if (hasLeapt(own, { context, request, hashes })) continue;
    const highest = highestCredible(seen.get(context) ?? 0, request.sampled);
    const leap = leapOf(own, { context, highest, request });
    if (leap.id > idMax) return { kind: 'exhausted', context, highest };
    leaps.push(leap);
  }
  if (leaps.length === 0) return { kind: 'done' };
  return { kind: 'append', leaps, records: leaps.map((leap) => recordOf(leap, request.operation)) };
}

/** In the order of the log; with where it stands. */
type PlacedVersion = IndexedVersion & { readonly offset: bigint };

function versionsOf(index: SchemaIndex): readonly PlacedVersion[] {
  return [...index.records.values()].flatMap(({ entry, offset }) =>
    entry.kind === 'schema' ? [{ ...entry, offset }] : [],
  );
}

/** What came in between the reading of the log and the appending of the marker may have a higher id than the marker. */
function hasLeapt(
  versions: readonly PlacedVersion[],
  { context, request, hashes }: { readonly context: string; readonly request: LeapRequest; readonly hashes: Hashes },
): boolean {
  const digest = markerDigest(request.operation, context, hashes);
  return versions.some(
    (marker) =>
      isMarker(marker) &&
      marker.digest === digest &&
      !versions.some(({ offset, id }) => offset < marker.offset && id > marker.id),
  );
}

/**
 * `highest + reserve`. Twice the reserve more for each term between the newest marker here and this one: its registry
 * leapt too, and gave out ids of which nothing arrived. And two reserves per term above each older leap, so that the leap
 * of a site that knew less, and counted more terms, is passed as well.
 */
function leapOf(
  versions: readonly PlacedVersion[],
  {
    context,
    highest,
    request: { term, reserve },
  }: { readonly context: string; readonly highest: number; readonly request: LeapRequest },
): IdLeap {
  const markers = versions.filter(isMarker);
  const newest = Math.max(0, ...markers.map(({ version }) => version));
  const termsUnseen = Math.max(0, term - 1 - newest);
  const aboveSeen = highest + reserve * (1 + 2 * termsUnseen);
  const aboveLeaps = markers.map(({ id, version }) => id + 2 * reserve * Math.max(1, term - version));
  return {
    ...{ context, highest, subject: subjectIn(context) },
    // The term, so that the log tells which promotions it has seen. A version that is there is never written over.
    version: Math.max(term, newest + 1),
    id: Math.max(aboveSeen, ...aboveLeaps),
  };
}

/**
 * The highest id that was given out, as far as samples tell: each is believed that is not much above what is known by then,
 * since other payloads begin with a zero byte too.
 */
export function highestCredible(highest: number, sampled: Iterable<number>): number {
  return [...sampled]
    .sort((left, right) => left - right)
    .reduce((known, id) => (id > known && id <= known + idsAheadMax ? id : known), highest);
}

function isMarker({ subject, deleted }: IndexedVersion): boolean {
  return deleted && qualify(subject).subject === subjectName;
}

function subjectIn(context: string): string {
  return context === defaultContext ? subjectName : `:${context}:${subjectName}`;
}

/**
 * Nobody else registers it: some registries give content that they know the id it has already. Without its id, so that a
 * second attempt knows it again.
 */
function markerText(operation: string, context: string): string {
  return JSON.stringify({
    type: 'record',
    name: `IdLeap_${operation.replaceAll(/[^A-Za-z0-9_]/g, '_')}`,
    namespace: 'umbra',
    doc: `No schema: ids of context ${context} up to this one may have been given out where nobody can tell any more`,
    fields: [],
  });
}

function markerDigest(operation: string, context: string, hashes: Hashes): string {
  const none = { metadata: undefined, ruleSet: undefined, md5: undefined, references: [] };
  const place = { subject: subjectIn(context), version: 1, id: 1, deleted: true };
  const schema = markerText(operation, context);
  return schemaDigest({ kind: 'schema', schemaType: 'AVRO', schema, ...none, ...place }, hashes);
}

function recordOf({ context, subject, version, id }: IdLeap, operation: string): LeapRecord {
  return {
    key: JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 }),
    value: JSON.stringify({ subject, version, id, schema: markerText(operation, context), deleted: true }),
  };
}
