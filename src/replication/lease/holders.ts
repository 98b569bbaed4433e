import type { Cluster } from '../../kafka/cluster.ts';
import { initProducerId } from '../../kafka/transaction-coordinator.ts';
import { Wakeup } from '../waiting/wakeup.ts';
import { settleMs, transactionTimeoutMs } from './append-lease.ts';

/**
 * The transactional id that stands for the lease of one holder. Several holders share a link when each appends to
 * partitions of its own; a holder's id is used by nobody else, and never again when it is gone.
 */
export function leaseId(linkId: string, holder: string | undefined): string {
  return holder === undefined ? `umbra-link-${linkId}` : `umbra-link-${linkId}-${holder}`;
}

/**
 * Ends the leases of holders that may still be alive somewhere. When this has resolved nothing they sent before can
 * still arrive, and what they send from now on they refuse themselves: their partitions may go to others. Throws
 * KafkaError, ConnectionError, and the reason of `signal` when it aborts first.
 */
export async function fenceHolders(
  target: Cluster,
  { linkId, holders }: { readonly linkId: string; readonly holders: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  if (holders.length === 0) return;
  await Promise.all(holders.map((holder) => initProducerId(target, leaseId(linkId, holder), transactionTimeoutMs)));
  await new Wakeup().wait(signal, settleMs);
  signal.throwIfAborted();
}
