import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import { verdictOf } from '../../kafka/errors.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import { ProducerIdAllocators } from '../../kafka/producer-id-allocators.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import type { MovedNames } from '../../prefix-policy/moved-names.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { ownerOf } from '../../prefix-policy/prefix-policy.ts';
import { type SchemaPrimary, schemasTopic } from '../../schema-primary/schema-primary.ts';
import { type FinalGroups, GroupSync } from '../../sync/groups/group-sync.ts';
import { activeProducers } from '../../sync/producer-ids/active-producers.ts';
import type { CopiedPartition, IdSampler } from '../../sync/schemas/id-sampler.ts';
import { KafkaSchemaLog } from '../../sync/schemas/schema-log.ts';
import { SchemaSync } from '../../sync/schemas/schema-sync.ts';
import { ConfigSync, type SyncedCopy } from '../../sync/topics/config-sync.ts';
import type { ConfigEvent } from '../../sync/topics/config-sync-view.ts';
import type { EventSink } from '../events/event.ts';
import { configNotice, groupsRemoved } from '../events/sync-notices.ts';
import { LinkAcls, type LinkRights } from './link-acls.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { LinkWorkers } from './link-workers.ts';
import { OpenAtSource } from './open-at-source.ts';
import { ProducerIds } from './producer-ids.ts';
import { SchemasRole } from './schemas-role.ts';
import { schemaSampler } from './schema-samples.ts';
import type { SiteState } from '../state/state.ts';

export interface LinkSyncsPorts {
  readonly link: LinkSpec;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly state: SiteState;
  readonly policy: PrefixPolicy;
  /** `_umbra` of the source. */
  readonly peer: PeerState;
  /** The same object until it changes. */
  readonly topicPolicy: () => TopicPolicy;
  readonly rights: LinkRights;
  readonly schemaPrimary: () => SchemaPrimary | undefined;
  /** Which names are not primary at home. Default none. */
  readonly moved?: () => MovedNames;
  readonly workers: LinkWorkers;
  /** Those whose configs are to be kept level; see `ConfigSyncPorts`. */
  readonly copies: () => readonly SyncedCopy[];
  /** Whether the topic's copy is being filled from the source that it was made from. */
  readonly follows: (topic: string) => boolean;
  /** See `ProducerIdsPorts`. */
  readonly givenAtSource: () => bigint | undefined;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly intervalMs: number;
}

/** Longest time for one round: one that hangs is given up, and begun anew. */
const roundMsMax = 120_000;
/** Between the end of one round and the begin of the next, where rounds take long. */
const pauseMsMin = 500;

/**
 * What goes with the records of a link, kept level by the controller in rounds: configs of topics, committed positions of
 * consumer groups, ACLs and the distance of producer ids; and both sites' schemas, which are only compared. Each has a
 * loop of its own.
 */
export class LinkSyncs {
  readonly configs: ConfigSync;
  readonly groups: GroupSync;
  readonly acls: LinkAcls;
  readonly schemas: SchemaSync;
  readonly samples: IdSampler;
  readonly schemasRole: SchemasRole;
  readonly producerIds: ProducerIds;
  readonly open: OpenAtSource;
  readonly #ports: LinkSyncsPorts;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>;
  readonly #turns = new Map<string, Promise<void>>();
  /** Where the copies end, as of the round that is under way. */
  #copied: ReadonlyMap<string, bigint> = new Map();

  constructor(ports: LinkSyncsPorts) {
    this.#ports = ports;
    const { link, source, target, state, policy, workers, clock } = ports;
    const mayAct = (): boolean => workers.mayAct();
    this.configs = new ConfigSync({
      ...{ source, target, clock, copies: ports.copies, memory: state.configs },
      isKnown: (topic) => state.shadow(topic) !== undefined,
      policy: ports.topicPolicy,
      mayAct,
      report: (event) => this.#report(event),
    });
    this.groups = new GroupSync({
      ...{ source, target, from: link.from, memory: state, clock },
      owners: () => policy.groups,
      carriesReversed: () => ports.copies().some(({ topic }) => ownerOf(topic, policy.owners) === link.to),
      copies: {
        follows: ports.follows,
        isReversed: (topic) => state.shadow(topic)?.ownBelow !== undefined,
        range: (topic, partition) => this.#range(topic, partition),
      },
      mayAct,
      removed: (groups) => ports.events.report(groupsRemoved(linkId(link), groups)),
    });
    const id = linkId(link);
    this.acls = new LinkAcls({ ...ports, id, memory: state.acls(id), mayAct, now: () => clock.now() });
    this.schemasRole = new SchemasRole(ports);
    const [a, b] = link.from === 'a' ? [source, target] : [target, source];
    this.schemas = new SchemaSync({
      schemaPrimary: () => this.schemasRole.primary,
      fork: () => this.schemasRole.fork,
      logs: { a: new KafkaSchemaLog(a), b: new KafkaSchemaLog(b) },
      now: () => clock.now(),
    });
    this.samples = schemaSampler({
      ...{ link, target, schemas: this.schemas, now: () => clock.now() },
      schemaPrimary: () => this.schemasRole.primary,
      copies: () => this.#copies(),
    });
    this.producerIds = new ProducerIds({
      ...ports,
      allocators: new ProducerIdAllocators(target),
      activeAtSource: (topics, until) => activeProducers(source, topics, until),
      sourceBrokers: () => source.nodeIds().length,
      topics: () => ports.copies().map(({ topic }) => topic),
    });
    this.open = new OpenAtSource({ source, workers });
    const { signal } = this.#stopping;
    this.#loops = Promise.all([
      this.#loop('configs', (until) => this.#configsRound(until), signal),
      this.#loop('groups', (until) => this.#groupsRound(until), signal),
      this.#loop('ACLs', (until) => this.acls.round(until), signal),
      this.#loop('schemas', (until) => this.#schemasRound(until), signal),
      this.#loop('producer ids', (until) => this.producerIds.round(until), signal),
      this.#loop('open transactions', (until) => this.open.round(until), signal),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  /** For a switchover, when the source is fenced: what it wishes and whom it lets in is known as it is now. */
  async finishRules(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#inTurn('configs', () => this.configs.round(signal)),
      this.#inTurn('ACLs', () => this.acls.round(signal)),
    ]);
  }

  /** The same of committed positions, when the copies are complete, too. */
  async finishGroups(signal: AbortSignal): Promise<FinalGroups> {
    await this.#noteCopied(signal, 0);
    return this.groups.final(signal);
  }

  /** Clusters that do not answer are in the view, and tell of themselves elsewhere. */
  async #configsRound(signal: AbortSignal): Promise<void> {
    try {
      await this.configs.round(signal);
    } catch (error) {
      if (verdictOf(error) === 'final') throw error;
    }
  }

  #report(event: ConfigEvent): void {
    const { logger, link, events } = this.#ports;
    const level = event.kind === 'configs synced' ? 'info' : 'warn';
    logger[level]({ link: linkId(link), ...event }, event.kind);
    events.report(configNotice(linkId(link), event));
  }

  async #groupsRound(signal: AbortSignal): Promise<void> {
    await this.#noteCopied(signal);
    await this.groups.round(signal);
  }

  async #noteCopied(signal: AbortSignal, ageMsMax?: number): Promise<void> {
    const { workers } = this.#ports;
    await workers.gather(signal, ageMsMax);
    this.#copied = new Map(
      workers
        .samples()
        .flatMap(({ topic, partition, copiedTo }) =>
          copiedTo === undefined ? [] : [[partitionKey(topic, partition), BigInt(copiedTo)] as const],
        ),
    );
  }

  async #schemasRound(signal: AbortSignal): Promise<void> {
    await this.schemas.round(signal);
    await this.samples.round(signal);
  }

  *#copies(): Iterable<CopiedPartition> {
    for (const { topic, partition, copiedTo } of this.#ports.workers.samples())
      if (copiedTo !== undefined && topic !== schemasTopic) yield { topic, partition, end: BigInt(copiedTo) };
  }

  #range(topic: string, partition: number): { readonly start: bigint; readonly end: bigint } | undefined {
    const end = this.#copied.get(partitionKey(topic, partition));
    return end === undefined ? undefined : { start: 0n, end };
  }

  /** One round of a kind after the other. */
  #inTurn(kind: string, round: () => Promise<void>): Promise<void> {
    const mine = (this.#turns.get(kind) ?? Promise.resolve()).then(round);
    // The next one waits for this one, whatever comes of it; its caller is told by `mine`.
    this.#turns.set(
      kind,
      mine.catch(() => undefined),
    );
    return mine;
  }

  /** Never rejects: what a cluster does wrong is in the views, the rest is a bug and in the log. */
  async #loop(what: string, round: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      const begunAtMs = performance.now();
      try {
        await this.#inTurn(what, () => round(AbortSignal.any([signal, AbortSignal.timeout(roundMsMax)])));
      } catch (error) {
        if (hasAborted(signal)) return;
        this.#ports.logger.error({ err: error, what }, 'a round of syncing failed; it is tried again');
      }
      await pause.wait(signal, Math.max(pauseMsMin, this.#ports.intervalMs - (performance.now() - begunAtMs)));
    }
  }
}
