import type { Cluster } from '../../kafka/cluster.ts';
import { verdictOf } from '../../kafka/errors.ts';
import { initProducerId } from '../../kafka/transaction-coordinator.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
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
  await Promise.all(holders.map((holder) => fence(target, leaseId(linkId, holder), signal)));
  await new Wakeup().wait(signal, settleMs);
  signal.throwIfAborted();
}

const attemptsMax = 6;

async function fence(target: Cluster, transactionalId: string, signal: AbortSignal): Promise<void> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    try {
      await initProducerId(target, transactionalId, transactionTimeoutMs);
      return;
    } catch (error) {
      if (attempt >= attemptsMax || !['moved', 'later'].includes(verdictOf(error))) throw error;
      await pause.wait(signal, retryDelays.after(attempt));
      signal.throwIfAborted();
    }
  }
}
