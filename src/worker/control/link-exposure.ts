import { type Exposure, sumExposures } from '../../exposure/exposure.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';
import { ExposureBook, type TopicAtRisk, unlooked } from './exposure-book.ts';

export interface LinkExposurePorts {
  readonly clock: CopierClock;
  /** All there are now. */
  readonly topics: () => readonly TopicAtRisk[];
  /** How often the link looks for topics. */
  readonly lookIntervalMs: () => number;
}

/** What would be lost of a link if its source died now, as its controller knows it. */
export class LinkExposure {
  readonly #ports: LinkExposurePorts;
  readonly #book = new ExposureBook();
  readonly #sinceMs: number;
  #lookedAtMs: number | undefined;

  constructor(ports: LinkExposurePorts) {
    this.#ports = ports;
    this.#sinceMs = this.#nowMs();
  }

  /** The source has just told which topics it has. */
  looked(): void {
    this.#lookedAtMs = this.#nowMs();
  }

  note(samples: ReadonlyMap<string, readonly PartitionSample[]>): void {
    this.#book.note(this.#ports.topics(), samples, this.#nowMs());
  }

  /** By partition; undefined for a topic that nothing is lost of. */
  of(topic: Pick<TopicAtRisk, 'name' | 'partitions'>): readonly Exposure[] | undefined {
    return this.#book.of(topic, this.#nowMs());
  }

  total(): Exposure {
    const looks = { sinceMs: this.#sinceMs, lookedAtMs: this.#lookedAtMs, everyMs: this.#ports.lookIntervalMs() };
    const topics = this.#ports.topics().flatMap((topic) => this.of(topic) ?? []);
    return sumExposures([...topics, ...unlooked(looks, this.#nowMs())]);
  }

  #nowMs(): number {
    return this.#ports.clock.monotonicMs();
  }
}
