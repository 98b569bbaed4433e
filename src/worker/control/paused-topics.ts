import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { agedSample, type PartitionSample } from '../copying/partition-sample.ts';
import type { SiteState } from '../state/state.ts';
import type { PauseView } from '../views.ts';

interface Kept {
  readonly samples: readonly PartitionSample[];
  readonly atMs: number;
}

/**
 * Which topics of a link are paused, by what `_umbra` says, and what was last known of them: nobody fetches them, so that
 * their lag only grows older.
 */
export class PausedTopics {
  readonly #link: string;
  readonly #state: Pick<SiteState, 'pause'>;
  readonly #clock: CopierClock;
  readonly #kept = new Map<string, Kept>();

  constructor({
    link,
    state,
    clock,
  }: {
    readonly link: string;
    readonly state: Pick<SiteState, 'pause'>;
    readonly clock: CopierClock;
  }) {
    this.#link = link;
    this.#state = state;
    this.#clock = clock;
  }

  /** The whole link's. */
  get ofLink(): { readonly since: string } | undefined {
    const record = this.#state.pause({ link: this.#link });
    return record === undefined ? undefined : { since: record.since };
  }

  /** A pause of its own counts before that of the link. */
  of(topic: string): PauseView | undefined {
    const own = this.#state.pause({ link: this.#link, topic });
    if (own !== undefined) return { since: own.since, by: 'topic' };
    const { ofLink } = this;
    return ofLink === undefined ? undefined : { since: ofLink.since, by: 'link' };
  }

  /** The last that is heard of it for now. */
  keep(topic: string, samples: readonly PartitionSample[]): void {
    this.#kept.set(topic, { samples, atMs: this.#clock.monotonicMs() });
  }

  /** It is copied again. */
  forget(topic: string): void {
    this.#kept.delete(topic);
  }

  /**
   * What was last known, as old as it is by now. What was level then may be behind by all the time since; how many records
   * that is nobody knows. Empty after another worker has taken the lead.
   */
  samples(topic: string): readonly PartitionSample[] {
    const kept = this.#kept.get(topic);
    if (kept === undefined) return [];
    const elapsedMs = Math.max(0, this.#clock.monotonicMs() - kept.atMs);
    return kept.samples.map((sample) => pausedSample(sample, elapsedMs));
  }
}

/** As it is so much later when nobody asks the source: level it was, and may be behind by all the time since. Pure. */
export function pausedSample(sample: PartitionSample, elapsedMs: number): PartitionSample {
  const { lag, state, ...old } = agedSample(sample, elapsedMs);
  return {
    ...old,
    state: state === 'faulted' ? 'faulted' : 'stopped',
    lag: { ...lag, seconds: sample.lag.seconds + elapsedMs / 1_000 },
  };
}
