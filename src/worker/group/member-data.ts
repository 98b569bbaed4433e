import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { partitionSetsSchema, type PartitionSets, writePartitionSets } from './partition-sets.ts';

/** What the coordinator keeps of one member is a part of one record of its log: what is written must stay small. */
const bytesMax = 16 * 1024 * 1024;

/** One life of one worker: it holds partitions under a transactional id of its own, and never comes back. */
export const incarnationSchema = z.string().regex(/^[a-z0-9]{12}$/, 'must be 12 characters of a-z and 0-9');

const memberDataSchema = z.strictObject({
  version: z.literal(1),
  incarnation: incarnationSchema,
  /** Where the other workers of the site reach this one's API. */
  url: z.url(),
  holds: partitionSetsSchema,
  /**
   * The last generation it took part in; 0: none yet. A static member that does not join a new one is still in it, with
   * what it said before: it may hold more by now.
   */
  generation: z.int().min(0),
  /** A coordinator passes a member on to the leader only when something of it has changed. */
  turn: z.int().min(0),
});

/** What a worker says of itself when it joins. */
export type MemberData = z.output<typeof memberDataSchema>;

const assignmentSchema = z.strictObject({
  version: z.literal(1),
  /** Whom it is meant for: a coordinator hands the old one to the successor of a static member. */
  incarnation: incarnationSchema,
  controller: z.strictObject({ incarnation: incarnationSchema, url: z.url() }),
  /** Where `_umbra` ended when it was made: what it says of these topics is to be read up to there. */
  stateEnd: z.string().regex(/^\d{1,19}$/),
  copies: partitionSetsSchema,
});

/** What the controller tells a worker to do. */
export type Assignment = z.output<typeof assignmentSchema>;

export function encodeMemberData(data: MemberData): Buffer {
  return pack({ ...data, holds: writePartitionSets(data.holds) });
}

/** Undefined when it was written by something else, or by a version that says other things. */
export function decodeMemberData(bytes: Buffer): MemberData | undefined {
  return unpack(bytes, memberDataSchema);
}

export function encodeAssignment(assignment: Assignment): Buffer {
  return pack({ ...assignment, copies: writePartitionSets(assignment.copies) });
}

/** Undefined also for a member that was given nothing. */
export function decodeAssignment(bytes: Buffer): Assignment | undefined {
  return unpack(bytes, assignmentSchema);
}

export type { PartitionSets };

function pack(value: object): Buffer {
  return deflateRawSync(JSON.stringify(value));
}

function unpack<Schema extends z.ZodType>(bytes: Buffer, schema: Schema): z.output<Schema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(inflateRawSync(bytes, { maxOutputLength: bytesMax }).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
