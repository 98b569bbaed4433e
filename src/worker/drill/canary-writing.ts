import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { canaryPartitions } from '../../canary/canary-topic.ts';
import { lifeOf } from '../../canary/canary-record.ts';
import { type CanaryWriter, startCanaryWriter } from '../../canary/canary-writer.ts';
import { type CanaryLedger, openLedger } from '../../canary/ledger/canary-ledger.ts';
import { folderPlace } from '../../canary/ledger/folder-place.ts';
import type { CanaryLinkStatus } from '../../canary/link-status.ts';
import type { CanaryTopicStatus } from '../../canary/write-status.ts';
import type { SiteId } from '../../pair/site.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { DrillsConfig } from './drills-config.ts';

/** One topic that canaries write now. */
export interface CanaryTopic {
  readonly name: string;
  readonly home: SiteId;
  readonly link: string;
}

export interface CanaryWritingPorts extends NonNullable<DrillsConfig['canary']> {
  readonly pair: string;
  readonly vantage: string;
  readonly topics: () => readonly CanaryTopic[];
  readonly primaryOf: (topic: CanaryTopic) => { readonly site: SiteId; readonly term: number } | undefined;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

/** Records per second and partition while a drill runs: how finely gaps are seen. */
const drillRate = 10;
const lifeBytes = 4;
/** Before the first acknowledgement of a topic is missed. */
const patienceMs = 5_000;

/** The canaries of one vantage point, from the moment that its site is led here until it is not any more. */
export class CanaryWriting {
  readonly #ports: CanaryWritingPorts;
  readonly #ledger: CanaryLedger;
  readonly #writer: CanaryWriter;
  readonly #begunMs: number;
  #fast = false;

  constructor(ports: CanaryWritingPorts) {
    this.#ports = ports;
    this.#begunMs = ports.clock.now().getTime();
    const { pair, vantage, clients, ledgerFolder, clock, logger } = ports;
    const life = lifeOf(clock.now(), randomBytes(lifeBytes).toString('hex'));
    this.#ledger = openLedger({ place: folderPlace(ledgerFolder), pair, vantage, life, clock });
    this.#writer = startCanaryWriter({
      ...{ pair, vantage, sites: clients, ledger: this.#ledger, clock, logger },
      topics: () => ports.topics().map(({ name, link }) => ({ name, link, partitions: canaryPartitions })),
      primaryOf: (name) => {
        const topic = ports.topics().find((each) => each.name === name);
        return topic === undefined ? undefined : ports.primaryOf(topic);
      },
      rate: () => (this.#fast ? Math.max(drillRate, ports.rate) : ports.rate),
    });
  }

  get ledgerFolder(): string {
    return this.#ports.ledgerFolder;
  }

  /** As an application reaches a site. */
  client(site: SiteId): CanaryWritingPorts['clients'][SiteId] {
    return this.#ports.clients[site];
  }

  /** Faster while a drill runs; what it needs of the ledger is kept from then on. */
  drill(sinceMs: number | undefined): void {
    this.#fast = sinceMs !== undefined;
    this.#ledger.keepFrom(sinceMs);
  }

  status(): readonly CanaryTopicStatus[] {
    return this.#writer.status();
  }

  /** By link, through all generations since this site is led here. */
  links(): readonly CanaryLinkStatus[] {
    return this.#writer.links();
  }

  /** Why they are not green; undefined where every topic is written and acknowledged. */
  trouble(): string | undefined {
    const statuses = this.#writer.status();
    for (const { name } of this.#ports.topics()) {
      const status = statuses.find(({ topic }) => topic === name);
      const why = status?.trouble === undefined ? '' : `: ${status.trouble}`;
      if (status?.lastAckAt === undefined) return `nothing was acknowledged on ${name} yet${why}`;
    }
    return this.silence(Math.max(patienceMs, 3_000 / this.#ports.rate));
  }

  /** A topic that has not been acknowledged for so long, in words. One that was just taken up is not missed before that. */
  silence(ms: number): string | undefined {
    const nowMs = this.#ports.clock.now().getTime();
    const statuses = new Map(this.#writer.status().map((status) => [status.topic, status]));
    for (const { name } of this.#ports.topics()) {
      const { lastAckAt = this.#begunMs, trouble } = statuses.get(name) ?? {};
      if (nowMs - lastAckAt <= ms) continue;
      const why = trouble === undefined ? '' : `: ${trouble}`;
      return `nothing was acknowledged on ${name} for ${((nowMs - lastAckAt) / 1000).toFixed(1)} s${why}`;
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await this.#writer.stop();
    await this.#ledger.close();
  }
}
