import type { Logger } from 'pino';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import type { SiteId } from '../pair/site.ts';
import type { CanaryClock, Pause } from './canary-clock.ts';
import { type CanarySender, kafkajsSender } from './canary-sender.ts';
import type { CanaryPrimary, CanaryTopic } from './canary-target.ts';
import type { CanaryLedger } from './ledger/canary-ledger.ts';
import { type CanaryLinkStatus, LinkTally } from './link-status.ts';
import { hasAborted, pause } from './pause.ts';
import { type Progress, TopicWriter } from './topic-writer.ts';
import type { CanaryTopicStatus } from './write-status.ts';

export interface CanaryWriterOptions {
  readonly pair: string;
  readonly vantage: string;
  /** As an application reaches them. */
  readonly sites: Readonly<Record<SiteId, ClusterConfig>>;
  /** Asked again and again: one that is named no more is written no more. */
  readonly topics: () => readonly CanaryTopic[];
  /** Asked before each send. Undefined: nobody knows, so nobody is written to. */
  readonly primaryOf: (topic: string) => CanaryPrimary | undefined;
  /** Records per second and partition, at most {@link rateMax}; asked before each send. 0 rests. */
  readonly rate: () => number;
  /** Of this vantage; opened and closed by whoever calls. */
  readonly ledger: CanaryLedger;
  readonly clock: CanaryClock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Default the process's own. */
  readonly pause?: Pause;
  /** Default kafkajs. */
  readonly openSender?: (site: SiteId) => CanarySender;
}

export interface CanaryWriter {
  /** Of the topics that are written. */
  status(): readonly CanaryTopicStatus[];
  /** Of their links, with topics that were written before. */
  links(): readonly CanaryLinkStatus[];
  /** Resolves when nothing is under way any more: within {@link stopMsMax}. Never rejects. */
  stop(): Promise<void>;
}

/** Topics that come and go are seen so soon. */
const lookMs = 200;
export const stopMsMax = 15_000;

/**
 * An ordinary application at one vantage point: writes to every partition of every canary topic with acks=all, all the
 * time, one record after the other, and follows the primary. What is sent is in the ledger before it goes out, what came
 * of it behind. A record is given to the client once; of a partition at most one is under way. Never throws.
 */
export function startCanaryWriter(options: CanaryWriterOptions): CanaryWriter {
  const { pair, vantage, sites, clock, logger } = options;
  const clientId = `umbra-canary-${pair}-${vantage}`;
  const openSender = options.openSender ?? ((site): CanarySender => kafkajsSender(sites[site], clientId));
  const ports = { ...options, pause: options.pause ?? pause, openSender };
  const writers = new Map<string, TopicWriter>();
  const ending = new Map<string, { readonly writer: TopicWriter; readonly ended: Promise<void> }>();
  const tally = new LinkTally();
  const progress = new Map<string, Progress>();
  const stopping = new AbortController();

  const end = (name: string, writer: TopicWriter): void => {
    writers.delete(name);
    const ended = writer.stop().finally(() => {
      ending.delete(name);
      const mono = clock.monotonicMs();
      tally.noteEnded(writer.status(mono), mono);
    });
    ending.set(name, { writer, ended });
  };
  const progressIn =
    (topic: string) =>
    (partition: number): Progress => {
      const place = `${topic}/${partition}`;
      const known = progress.get(place) ?? { sequence: 0, previous: null };
      progress.set(place, known);
      return known;
    };
  const look = (): void => {
    const wanted = new Map(options.topics().map((topic) => [topic.name, topic]));
    for (const [name, writer] of writers) {
      if (wanted.get(name)?.partitions === writer.topic.partitions) continue;
      logger.info({ vantage, topic: name }, 'the canary topic is written no more');
      end(name, writer);
    }
    for (const topic of wanted.values()) {
      // One that is named again waits until its writer before is over: of a partition one record is under way.
      if (writers.has(topic.name) || ending.has(topic.name)) continue;
      logger.info({ vantage, topic: topic.name }, 'the canary topic is written from now on');
      tally.noteBegun(topic.link, clock.now().getTime());
      writers.set(topic.name, new TopicWriter(topic, progressIn(topic.name), ports));
    }
  };
  const loop = async (): Promise<void> => {
    while (!hasAborted(stopping.signal)) {
      try {
        look();
      } catch (error) {
        logger.warn({ err: error, vantage }, 'which canary topics there are is not known; those before are written on');
      }
      await ports.pause(lookMs, stopping.signal);
    }
    for (const [name, writer] of writers) end(name, writer);
    await Promise.all([...ending.values()].map(({ ended }) => ended));
  };
  const running = loop();

  return {
    status: () => [...writers.values()].map((writer) => writer.status(clock.monotonicMs())),
    links() {
      const mono = clock.monotonicMs();
      const leaving = [...ending.values()].map(({ writer }) => writer);
      const written = [...writers.values(), ...leaving].map((writer) => writer.status(mono));
      return tally.statuses(written, mono);
    },
    async stop() {
      stopping.abort();
      const bound = new AbortController();
      const late = pause(stopMsMax, bound.signal);
      await Promise.race([running, late]);
      bound.abort();
    },
  };
}
