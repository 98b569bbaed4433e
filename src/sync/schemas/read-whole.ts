import { ConnectionError } from '../../kafka/errors.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { FollowedLog } from './followed-log.ts';

/** Of {@link FollowedLog}: a log of a million records is read in ten. */
const roundsMax = 100;

export type WholeLog =
  | { readonly kind: 'read' }
  /** The topic is none of a registry. */
  | { readonly kind: 'no registry'; readonly why: string };

/**
 * Reads everything that the log shows readers now. Throws {@link ConnectionError} and KafkaError where it cannot be had, also
 * where it ends below `from`: what was seen there once is shown again soon.
 */
export async function readWhole(log: FollowedLog, from: bigint, signal: AbortSignal): Promise<WholeLog> {
  const on = { changed: () => undefined, startedAnew: () => undefined };
  for (let round = 0; round < roundsMax; round++) {
    await log.follow(on, signal);
    const { state } = log;
    if (state.kind === 'absent') throw new ConnectionError(`${schemasTopic} is not there`);
    if (state.kind !== 'read') continue;
    const { partitions, end } = state.sight;
    if (partitions !== 1) {
      return { kind: 'no registry', why: `${schemasTopic} has ${partitions} partitions; registries use one` };
    }
    if (end < from) throw new ConnectionError(`${schemasTopic} ends at ${end} for readers, before the cut at ${from}`);
    return { kind: 'read' };
  }
  throw new ConnectionError(`${schemasTopic} was not read to its end in ${roundsMax} rounds`);
}
