import type { FolderArchive } from '../../aws/s3-folders.ts';
import type { Logger } from 'pino';
import type { Cluster, TopicMetadata } from '../../kafka/cluster.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { FaultCode } from '../../replication/partition/fault.ts';
import type { RebuildPorts } from '../rebuild/rebuild-ports.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { datedFault, type PartitionSample } from '../copying/partition-sample.ts';
import type { LinkWorkers } from './link-workers.ts';
import { readSubject } from '../rebuild/subject.ts';
import { SiteState } from '../state/state.ts';
import { TrackedTopic } from './tracked-topic.ts';
import type { TopicDetailView } from '../views.ts';

/** The parts of a running link that a rebuild has to do with. */
export interface LinkParts {
  readonly id: string;
  readonly ports: {
    readonly source: Cluster;
    readonly target: Cluster;
    readonly state: SiteState;
    readonly clock: CopierClock;
    readonly logger: Logger;
    readonly pair: string;
    readonly version: string;
    readonly quarantineFolder: string | undefined;
    readonly quarantineArchive: FolderArchive | undefined;
    readonly workers: LinkWorkers;
  };
  /** Nobody is to append to the copy any more. */
  readonly unfollow: (topic: string) => void;
  readonly samplesOf: (topic: string) => readonly PartitionSample[];
  /** The link's own, to be changed. */
  readonly topics: Map<string, TrackedTopic>;
  readonly view: (topic: string) => TopicDetailView | undefined;
  /** Undefined while the link has not looked yet. */
  readonly mayCopy: (source: TopicMetadata) => boolean | undefined;
}

/** Somebody else's topic stands where the copy should be: consumers may have made it before the link could. */
const occupied: ReadonlySet<FaultCode> = new Set(['SHADOW_RECREATED', 'SHADOW_NOT_OURS']);

/** What became of the copy that is made in place of the old one. Pure. */
export function seededAs(
  { state, fault, shadowTopicId }: Pick<TrackedTopic, 'state' | 'fault' | 'shadowTopicId'>,
  oldCopyTopicId: string,
): 'level' | 'faulted' | 'not-yet' {
  if (state === 'faulted' && fault !== undefined && occupied.has(fault.code)) return 'faulted';
  // A look that began before the deletion may still show the old one.
  if (shadowTopicId === undefined || shadowTopicId === oldCopyTopicId) return 'not-yet';
  return state === 'following' ? 'level' : state === 'faulted' ? 'faulted' : 'not-yet';
}

/** What rebuilds may ask of a link and do to it. */
export function rebuildPortsOf({ id, ports, topics, unfollow, samplesOf, view, mayCopy }: LinkParts): RebuildPorts {
  const { workers, source, target, state, logger, clock, pair, version, quarantineFolder: folder } = ports;
  const archive = ports.quarantineArchive;
  const sides = { source, target };
  const { replicator } = workers.own;
  return {
    ...{ link: id, pair, version, sides, state, folder, archive, logger, mayCopy },
    lease: {
      ours: async (signal) => {
        // It may have to be taken anew in between, which is no loss: only who took over makes it one.
        while (!hasAborted(signal) && !hasAborted(replicator.lost)) {
          await replicator.lease.wait(signal);
          if (await replicator.lease.confirm(signal)) return true;
        }
        return false;
      },
      maySend: () => replicator.lease.maySend() && workers.mayAct(),
      lost: replicator.lost,
    },
    newestRecord: async (name, signal) => {
      const read = new SiteState(target);
      await read.catchUp(signal);
      return read.rebuild(name);
    },
    now: () => clock.now(),
    subject: (name) => {
      const fenced = replicator.hindrance?.kind === 'fenced';
      return readSubject(name, { sides, view: view(name), record: state.shadow(name), fenced, mayCopy });
    },
    hold: (name) => {
      const topic = topics.get(name) ?? new TrackedTopic({ name, topicId: '', partitions: 0 });
      topics.set(name, topic);
      // Noted for the topic as a whole: its partitions are not shown while nobody follows them.
      for (const { fault } of samplesOf(name)) {
        const found = fault === undefined ? undefined : datedFault(fault);
        if (found !== undefined) topic.faulted(found);
      }
      unfollow(name);
    },
    quiet: async (name, signal) => {
      const pause = new Wakeup();
      for (let attempt = 0; workers.holds(name) && !hasAborted(signal); attempt++)
        await pause.wait(signal, retryDelays.after(attempt));
    },
    release: (name) => {
      unfollow(name);
      topics.delete(name);
    },
    dropped: (name) => {
      const topic = topics.get(name);
      unfollow(name);
      topic?.moveIfPossible('rebuilt');
      if (topic !== undefined) topic.shadowTopicId = undefined;
    },
    seeded: (name, oldCopyTopicId) => {
      const topic = topics.get(name);
      if (topic === undefined) return 'not-yet';
      topic.observe(samplesOf(name));
      return seededAs(topic, oldCopyTopicId);
    },
  };
}
