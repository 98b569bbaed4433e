import type { CanaryLog } from '../../canary/canary-log.ts';
import { type CanaryJudgement, judgeCanaries } from '../../canary/judge-canaries.ts';
import type { LedgerEntry } from '../../canary/ledger/ledger-entry.ts';
import { readLedger } from '../../canary/ledger/read-ledger.ts';
import { readCanaryLog } from '../../canary/read-log.ts';
import type { ClusterConfig } from '../../kafka/cluster-config.ts';

export interface CanaryProofPorts {
  readonly ledgerFolder: string;
  /** As an application reaches the site that is primary now. */
  readonly client: ClusterConfig;
  readonly topic: string;
  /** What was written before is not judged. */
  readonly sinceMs: number;
}

export interface CanaryProof {
  readonly judgement: CanaryJudgement;
  readonly entries: readonly LedgerEntry[];
  /** Of the ledger itself, one line each. */
  readonly problems: readonly string[];
}

/** Every record of a canary topic that was acknowledged since, held against the log of its primary. Throws what clusters and disks throw. */
export async function proveCanaries(
  { ledgerFolder, client, topic, sinceMs }: CanaryProofPorts,
  signal: AbortSignal,
): Promise<CanaryProof> {
  const logs = await readCanaryLog(client, topic, { signal });
  // Behind the log: nothing stands in it that is not written down here.
  const { entries, problems } = await readLedger(ledgerFolder, { since: sinceMs, topics: [topic] });
  return {
    judgement: judgeCanaries({ entries, logs, from: firstOffsets(entries, logs) }),
    entries,
    problems: problems.map(({ vantage, life, message }) => `the ledger of ${vantage} (${life}): ${message}`),
  };
}

/** By partition where the records of the time begin: below stand earlier ones, of which nothing is asked. */
function firstOffsets(entries: readonly LedgerEntry[], logs: readonly CanaryLog[]): ReadonlyMap<string, bigint> {
  const first = new Map<string, bigint>();
  for (const entry of entries) {
    if (entry.kind !== 'acked') continue;
    const place = `${entry.topic}/${entry.partition}`;
    const { offset } = entry;
    const known = first.get(place);
    if (known === undefined || offset < known) first.set(place, offset);
  }
  for (const { topic, partition, end } of logs) {
    const place = `${topic}/${partition}`;
    if (!first.has(place)) first.set(place, end);
  }
  return first;
}
