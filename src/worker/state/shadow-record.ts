import { z } from 'zod';
import { faultRemedies, type FaultCode } from '../../replication/partition/fault.ts';
import { ownBelowSchema } from './own-below.ts';

const faultCodes = Object.keys(faultRemedies) as [FaultCode, ...FaultCode[]];

/** A fault that outlives the process: the copy is wrong, and a restart would not necessarily see it again. */
const lastingFaultSchema = z.strictObject({
  partition: z.int().min(0),
  code: z.enum(faultCodes),
  message: z.string(),
  offset: z.string().optional(),
  at: z.iso.datetime(),
});

export type LastingFault = z.output<typeof lastingFaultSchema>;

/**
 * What `_umbra` says of one copy. `creating` is written before the topic is created, `ours` when it exists: a topic
 * of that name without a record was made by somebody else and is never touched.
 */
export const shadowRecordSchema = z.strictObject({
  topic: z.string(),
  link: z.string(),
  sourceTopicId: z.string(),
  state: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('creating') }),
    z.strictObject({ kind: z.literal('ours'), shadowTopicId: z.string() }),
  ]),
  faults: z.array(lastingFaultSchema).default([]),
  /** Of a topic whose roles were reversed: the copy is what its site was primary of before. */
  ownBelow: ownBelowSchema.optional(),
});

export type ShadowRecord = z.output<typeof shadowRecordSchema>;
