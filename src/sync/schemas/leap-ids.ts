import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import { isInternal } from '../../prefix-policy/internal-names.ts';
import { type IdLeap, type LeapRecord, type LeapRequest, planLeap } from '../../schema-primary/id-leap.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { appendRecords } from './append-records.ts';
import { FollowedLog } from './followed-log.ts';
import { nodeHashes } from './node-hashes.ts';
import { readWhole } from './read-whole.ts';
import { sampleIds } from './sample-ids.ts';
import { KafkaSchemaLog, type SchemaLog } from './schema-log.ts';

/** At the site that has become schema primary. */
export interface LeapPorts {
  readonly log: SchemaLog;
  /** One attempt; the offset of the first record. */
  readonly append: (records: readonly LeapRecord[], signal: AbortSignal) => Promise<bigint>;
  /** Ids that records at this site seem to name. */
  readonly sampled: (signal: AbortSignal) => Promise<ReadonlySet<number>>;
  readonly mayAct: () => boolean;
}

export interface LeapOrder extends Omit<LeapRequest, 'sampled'> {
  /** Where the copy ended: everything below has to be read before a leap is planned. */
  readonly cut: bigint;
}

export type LeapOutcome =
  /** `leaps` are those that this call appended: none where they were there already. */
  | { readonly kind: 'leapt'; readonly leaps: readonly IdLeap[] }
  /** The topic is none of a registry. */
  | { readonly kind: 'no registry'; readonly why: string };

/** Somebody who writes at the same time is given up on after so many: a fence is missing then. */
const appendsMax = 5;

/**
 * Appends to the log of the new schema primary what keeps ids of lost registrations from being given out again
 * (`id-leap.ts`), and reads back that it is there. To be called before WRITE is granted to anybody; it may be called again
 * after any interruption. Throws {@link ConnectionError} and KafkaError for what passes, and an error where no id is left.
 */
export async function leapIds(ports: LeapPorts, order: LeapOrder, signal: AbortSignal): Promise<LeapOutcome> {
  const log = new FollowedLog(ports.log);
  const leaps: IdLeap[] = [];
  let sampled: ReadonlySet<number> | undefined;
  for (let appends = 0; ; appends++) {
    const read = await readWhole(log, order.cut, signal);
    if (read.kind === 'no registry') return read;
    sampled ??= await ports.sampled(signal);
    const plan = planLeap(log.index, { ...order, sampled }, nodeHashes);
    switch (plan.kind) {
      case 'done':
        return { kind: 'leapt', leaps };
      case 'exhausted':
        throw new Error(
          `the highest id of context ${plan.context} in ${schemasTopic} is ${plan.highest}: no ids are left above it`,
        );
      case 'append':
        if (appends >= appendsMax)
          throw new ConnectionError(`somebody else writes to ${schemasTopic}: it is not fenced`);
        signal.throwIfAborted();
        if (!ports.mayAct()) throw new ConnectionError('this worker does not lead its site any more');
        // Where it lands elsewhere than at the end that was read, somebody else wrote: then the next look judges both.
        await ports.append(plan.records, signal);
        leaps.push(...plan.leaps);
    }
  }
}

/** The ports over a cluster: reads its `_schemas`, appends to it, samples its other topics. */
export function leapPortsOf(cluster: Cluster, mayAct: () => boolean): LeapPorts {
  return {
    log: new KafkaSchemaLog(cluster),
    append: (records) => appendRecords(cluster, schemasTopic, records),
    sampled: (signal) => sampleIds(cluster, (topic) => !isInternal(topic), signal),
    mayAct,
  };
}
