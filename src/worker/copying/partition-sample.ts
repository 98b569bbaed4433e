import { z } from 'zod';
import { aged } from '../../exposure/exposure.ts';
import type { PartitionProof } from '../../replication/proof/continuous-proof.ts';
import type { Copier } from '../../replication/copier/copier.ts';
import { type Fault, faultRemedies, isFaultCode } from '../../replication/partition/fault.ts';
import { copiedViewSchema, type FaultView, type PartitionView, partitionViewSchema } from '../views.ts';

const amount = z.number().min(0);

const exposureFactsSchema = z.strictObject({
  answerAgeMs: amount.optional(),
  levelAgeMs: amount.optional(),
  watchedMs: amount,
  missing: amount,
  moving: z.boolean(),
  recordsPerSecond: amount,
  fastestPerSecond: amount.optional(),
  bytesPerRecord: amount,
});

/** One partition as the worker that copies it sees it: what its view says, and what the topic's state is made of. */
export const partitionSampleSchema = partitionViewSchema.omit({ exposure: true }).extend({
  topic: z.string(),
  /** What is known of its exposure, as ages at the moment it was asked: it grows old on its way. */
  atRisk: exposureFactsSchema,
  /** Has been level with the source since this worker took it up. */
  caughtUpOnce: z.boolean(),
  copied: copiedViewSchema,
});

export type PartitionSample = z.output<typeof partitionSampleSchema>;

/** A fault with the moment it was found. */
export interface DatedFault extends Fault {
  readonly at: Date;
}

export function samplePartition(copier: Copier, proof: PartitionProof | undefined): PartitionSample {
  const { state, copiedTo, counters } = copier;
  const lag = copier.lag();
  const { sourceEnd } = copier.lagClock;
  const { heldBack } = lag;
  return {
    topic: copier.of.topic,
    partition: copier.of.partition,
    state: state.kind,
    caughtUpOnce: copier.caughtUpOnce,
    copied: { batches: counters.batches, records: counters.records, bytes: counters.bytes },
    lag: {
      records: Number(lag.records),
      seconds: lag.seconds,
      ...(lag.sampleAgeMs === undefined ? {} : { sampleAgeMs: lag.sampleAgeMs }),
    },
    atRisk: copier.atRisk(),
    proof: viewProof(copier, proof),
    ...(copiedTo === undefined ? {} : { copiedTo: String(copiedTo) }),
    ...(sourceEnd === undefined ? {} : { sourceEnd: String(sourceEnd) }),
    ...(heldBack === undefined ? {} : { heldBack: { records: Number(heldBack.records), seconds: heldBack.seconds } }),
    ...(state.kind === 'faulted' ? { fault: viewFault({ ...state.fault, at: state.at }) } : {}),
    ...(state.kind === 'resuming' && state.reason !== undefined ? { retrying: state.reason } : {}),
  };
}

/** The same sample so much later, when nothing was heard since: what it says of the source has grown old. */
export function agedSample(sample: PartitionSample, byMs: number): PartitionSample {
  const { lag } = sample;
  const sampleAgeMs = lag.sampleAgeMs === undefined ? {} : { sampleAgeMs: Math.round(lag.sampleAgeMs + byMs) };
  const seconds = lag.seconds === 0 ? 0 : lag.seconds + byMs / 1000;
  return { ...sample, lag: { ...lag, seconds, ...sampleAgeMs }, atRisk: aged(sample.atRisk, byMs) };
}

export function viewFault(fault: DatedFault): FaultView {
  return {
    code: fault.code,
    message: fault.message,
    ...(fault.offset === undefined ? {} : { offset: String(fault.offset) }),
    remedy: faultRemedies[fault.code],
    at: fault.at.toISOString(),
  };
}

/** The fault of a view as it was found; undefined when its code is of another version. */
export function datedFault({ code, message, offset, at }: FaultView): DatedFault | undefined {
  if (!isFaultCode(code)) return undefined;
  return { code, message, at: new Date(at), ...(offset === undefined ? {} : { offset: BigInt(offset) }) };
}

function viewProof(copier: Copier, proof: PartitionProof | undefined): PartitionView['proof'] {
  if (proof === undefined) return { unverified: Number(copier.copiedTo ?? 0n) };
  const { verifiedTo, verifiedAt, unverified } = proof;
  return { verifiedTo: String(verifiedTo), verifiedAt: verifiedAt.toISOString(), unverified: Number(unverified) };
}
