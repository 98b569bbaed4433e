import { z } from 'zod';
import { type SiteId, siteIdSchema } from './site.ts';

/** What a parameter says of who is primary of a prefix, for applications that ask; and what umbra needs to tell late moves. */
export const primaryPointerSchema = z.object({
  /** How the names of the topics begin that it is about. */
  prefix: z.string(),
  primary: siteIdSchema,
  /** The highest of the move that wrote it: for people. Terms are each topic's own, see `terms`. */
  term: z.int().min(0),
  /** The first ones, as many as there is room for. */
  bootstrapServers: z.array(z.string()),
  operation: z.string().optional(),
  /** When that operation began, by the clock of the site that became primary. */
  startedAt: z.iso.datetime().optional(),
  /** Topics of that prefix that the operation moved: all of them only if there are no others. */
  topics: z.int().min(0).optional(),
  /** Their new terms, as many as there is room for. */
  terms: z.record(z.string(), z.int().min(0)).optional(),
});

export type PrimaryPointer = z.output<typeof primaryPointerSchema>;

/** What a pointer is made of. */
export interface PointedMove {
  readonly operationId: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly to: SiteId;
  /** The new term of each topic that it moves, of this prefix and of others. */
  readonly terms: ReadonlyMap<string, number>;
  /** `host:port`, of the new primary. */
  readonly bootstrapServers: readonly string[];
}

/** A parameter of the standard tier holds 4,096. */
export const pointerBytesMax = 4_096;
const serverBytesMax = 2_048;
const namesMax = 50;
/**
 * Clocks of two sites are not further apart. A term that is higher and this much older is of clusters, or of a topic, that
 * are no more: terms began anew.
 */
const apartMsMax = 3_600_000;

/** What stands there before any role was moved: every move is later. */
export function firstPointer(primary: SiteId, prefix: string, bootstrapServers: readonly string[]): PrimaryPointer {
  return { prefix, primary, term: 0, bootstrapServers: fitting(bootstrapServers, serverBytesMax) };
}

/** What a move says of the topics of a prefix. Its text has at most {@link pointerBytesMax} bytes, and is always the same. */
export function pointerOf(prefix: string, move: PointedMove): PrimaryPointer {
  const own = termsWithin(prefix, move.terms);
  const pointer = {
    ...firstPointer(move.to, prefix, move.bootstrapServers),
    ...{ term: Math.max(0, ...own.map(([, term]) => term)), operation: move.operationId, startedAt: move.startedAt },
    topics: own.length,
  };
  const left = pointerBytesMax - bytesOf({ ...pointer, terms: {} });
  const named = own.slice(0, namesMax);
  // The braces are in it already.
  while (bytesOf(Object.fromEntries(named)) - 2 > left) named.pop();
  return { ...pointer, terms: Object.fromEntries(named) };
}

/**
 * Why a move must not take the place of what `there` says, in words; undefined when it may. Terms grow topic by topic, so
 * only those of the same topic are compared: `a_drill`, moved to and fro, says nothing of a failover of `a_orders`. Of topics
 * that `there` has moved and found no room to name, the later operation is the one that began later.
 */
export function lateBecause(there: PrimaryPointer, prefix: string, move: PointedMove): string | undefined {
  const { terms, startedAt, operation = 'another operation' } = there;
  if (startedAt === undefined || terms === undefined || operation === move.operationId) return undefined;
  const aheadMs = Date.parse(move.startedAt) - Date.parse(startedAt);
  if (aheadMs > apartMsMax) return undefined;
  const known = new Map(Object.entries(terms));
  const own = termsWithin(prefix, move.terms);
  const named = own.find(([topic, term]) => (known.get(topic) ?? 0) > term);
  if (named !== undefined)
    return `${operation} has moved ${named[0]} with term ${known.get(named[0])}, this is ${named[1]}`;
  if ((there.topics ?? 0) <= known.size || aheadMs >= 0) return undefined;
  const unnamed = own.find(([topic, term]) => !known.has(topic) && term < there.term);
  if (unnamed === undefined) return undefined;
  return `${operation} began later and may have moved ${unnamed[0]}, too, with a term of up to ${there.term}`;
}

/** In order of their names: the text does not depend on how they were listed. */
function termsWithin(prefix: string, terms: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...terms].filter(([topic]) => topic.startsWith(prefix)).toSorted(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0));
}

/** The first ones, at least one. */
function fitting(servers: readonly string[], bytesMax: number): string[] {
  const some = [...servers];
  while (some.length > 1 && bytesOf(some) > bytesMax) some.pop();
  return some;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
