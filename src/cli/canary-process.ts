import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { ApiClient } from '../api/client.ts';
import { startCanaryReader } from '../canary/canary-reader.ts';
import { lifeOf } from '../canary/canary-record.ts';
import { startCanaryWriter } from '../canary/canary-writer.ts';
import { openLedger } from '../canary/ledger/canary-ledger.ts';
import { folderPlace } from '../canary/ledger/folder-place.ts';
import { hasAborted, pause } from '../canary/pause.ts';
import { watchCanaryTopics } from '../canary/topic-watch.ts';
import type { ObserverConfig } from '../canary/observer-config.ts';
import type { CanarySummary } from './canary-text.ts';
import { watchPrimaries } from './primary-watch.ts';

export interface CanaryProcessOptions {
  readonly config: ObserverConfig;
  readonly workers: readonly ApiClient[];
  readonly logger: Logger;
  /** Fires when it is asked to stop. */
  readonly signal: AbortSignal;
  /** Told now and then, and at the end. */
  readonly onSummary: (summary: CanarySummary) => void;
  readonly summaryMs: number;
}

/** An observer from start to end: resolves when everything of it has stopped after `signal` fired. */
export async function runCanaryProcess(options: CanaryProcessOptions): Promise<void> {
  const { config, workers, logger, signal, onSummary, summaryMs } = options;
  const { pair, vantage, clusters, rate, ledgerFolder, ledgerBytesMax } = config;
  const clock = { monotonicMs: () => performance.now(), now: () => new Date() };
  const ledger = openLedger({
    ...{ place: folderPlace(ledgerFolder), pair, vantage, clock },
    life: lifeOf(clock.now(), randomBytes(4).toString('hex')),
    ...(ledgerBytesMax === undefined ? {} : { bytesMax: ledgerBytesMax }),
  });
  const primaries = watchPrimaries({
    workers,
    topics: () => found.topics().map(({ name }) => name),
    troubled: () => writer.status().some(({ sinceTroubleMs }) => sinceTroubleMs !== undefined),
  });
  const found = watchCanaryTopics({
    ...{ clusters, logger, clientId: `umbra-canary-${pair}-${vantage}` },
    owners: () => config.prefixes ?? primaries.prefixes(),
  });
  const shared = {
    pair,
    vantage,
    sites: clusters,
    clock,
    logger,
    topics: found.topics,
    primaryOf: primaries.primaryOf,
  };
  const writer = startCanaryWriter({ ...shared, ledger, rate: () => rate });
  const reader = startCanaryReader(shared);
  const summary = (): CanarySummary => ({ life: ledger.life, written: writer.status(), read: reader.status() });
  try {
    while (!hasAborted(signal)) {
      await pause(summaryMs, signal);
      onSummary(summary());
    }
  } finally {
    await Promise.all([writer.stop(), reader.stop(), found.stop(), primaries.stop()]);
    await ledger.close();
  }
}
