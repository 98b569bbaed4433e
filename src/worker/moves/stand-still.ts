import type { Cluster } from '../../kafka/cluster.ts';
import { unendedText, unendedTransactions } from '../../kafka/open-transactions.ts';
import { frozenLogs, type MovingPartition } from '../../sync/acls/frozen-logs.ts';

export interface StandStill {
  /** Between two looks at the log ends. */
  readonly apartMs: number;
  /** What is in flight when the rights are withdrawn is answered, and transactions end, within this time. */
  readonly withinMs: number;
  /** `may stay open`: they are a failover's loss, and what they write at their end is a tail. */
  readonly transactions: 'end' | 'may stay open';
  readonly signal: AbortSignal;
}

/**
 * Waits until the logs of these topics stand still for good: no end moves, and no transaction is left that could still write
 * a marker into one of them, as far as umbra may see transactions (DESCRIBE on their ids). Undefined when they do; else what still moves, in words. Throws what a cluster that does not
 * answer throws.
 */
export async function untilStill(
  cluster: Cluster,
  topics: readonly string[],
  { apartMs, withinMs, transactions, signal }: StandStill,
): Promise<string | undefined> {
  const deadlineMs = performance.now() + withinMs;
  const names = new Set(transactions === 'end' ? topics : []);
  for (;;) {
    signal.throwIfAborted();
    // In this order: a marker of a transaction that ends in between moves a log end.
    const [transaction] = names.size === 0 ? [] : await unendedTransactions(cluster, names);
    const logs = await frozenLogs(cluster, topics, { apartMs, signal });
    const moving = logs.kind === 'frozen' ? [] : logs.moving.filter(({ kind }) => kind !== 'open' || names.size > 0);
    const missing = logs.kind === 'frozen' ? [] : logs.missing;
    if (transaction === undefined && moving.length + missing.length === 0) return undefined;
    if (performance.now() < deadlineMs) continue;
    if (transaction !== undefined) return `${unendedText(transaction, Date.now())}; end it, or wait until it times out`;
    return `the logs do not stand still (${movingText(moving, missing)})`;
  }
}

function movingText([first]: readonly MovingPartition[], missing: readonly string[]): string {
  if (first === undefined) return `${missing.slice(0, 5).join(', ')} not found`;
  const where = `${first.topic}/${first.partition}`;
  switch (first.kind) {
    case 'moved':
      return `${where} grew from ${first.from} to ${first.to}`;
    case 'open': {
      const producers = first.transactions.map(({ producerId }) => producerId).join(', ');
      return `${where} has an open transaction from offset ${first.stable} on${producers === '' ? '' : `, of producer ${producers}`}`;
    }
    case 'unknown':
      return `${where}: ${first.reason}`;
  }
}
