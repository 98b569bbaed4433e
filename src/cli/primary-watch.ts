import type { ApiClient } from '../api/client.ts';
import { pause, hasAborted } from '../canary/pause.ts';
import type { CanaryPrimary } from '../canary/canary-target.ts';
import type { PrefixOwners } from '../pair/spec.ts';
import type { BootstrapView } from '../worker/bootstrap/bootstrap-view.ts';

export interface PrimaryWatchOptions {
  readonly workers: readonly Pick<ApiClient, 'bootstrap'>[];
  /** Asked for again and again. */
  readonly topics: () => readonly string[];
  /** Whether something is wrong just now: then a move may be under way, and the workers are asked more often. */
  readonly troubled: () => boolean;
}

export interface PrimaryWatch {
  /** The highest term that a worker told of the topic, and who is primary in it. */
  readonly primaryOf: (topic: string) => CanaryPrimary | undefined;
  /** Undefined until a worker has answered. */
  readonly prefixes: () => PrefixOwners | undefined;
  stop(): Promise<void>;
}

const askMs = 1_000;
const askTroubledMs = 100;

/** Who is primary, by all workers of both sites together. Kept while none answers. Never throws. */
export function watchPrimaries({ workers, topics, troubled }: PrimaryWatchOptions): PrimaryWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const primaries = new Map<string, CanaryPrimary>();
  let prefixes: PrefixOwners | undefined;
  const ask = async (worker: Pick<ApiClient, 'bootstrap'>): Promise<void> => {
    prefixes ??= prefixesIn(await worker.bootstrap(undefined, signal));
    for (const topic of topics()) {
      const answer = await worker.bootstrap(topic, signal);
      const found = 'prefixes' in answer ? undefined : newer(answer, primaries.get(topic));
      if (found !== undefined) primaries.set(topic, found);
    }
  };
  const watch = async (worker: Pick<ApiClient, 'bootstrap'>): Promise<void> => {
    while (!hasAborted(signal)) {
      // One that is gone is no news to an observer: the others answer, and what they said last stays.
      await ask(worker).catch(() => undefined);
      await pause(troubled() || primaries.size === 0 ? askTroubledMs : askMs, signal);
    }
  };
  const running = Promise.all(workers.map(watch));
  return {
    primaryOf: (topic) => primaries.get(topic),
    prefixes: () => prefixes,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** A lower term is an older answer; in all states but `settled` nobody moves. */
function newer(view: BootstrapView, known: CanaryPrimary | undefined): CanaryPrimary | undefined {
  if (view.state !== 'settled' || (known !== undefined && view.term <= known.term)) return undefined;
  return { site: view.primary, term: view.term };
}

/** The workers answer in the order of the sites. */
function prefixesIn(answer: Awaited<ReturnType<ApiClient['bootstrap']>>): PrefixOwners | undefined {
  if (!('prefixes' in answer)) return undefined;
  const [a, b] = answer.prefixes.map(({ prefix }) => prefix);
  return a === undefined || b === undefined ? undefined : { a, b };
}
