import type { Acl } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import type { CutRecord, PartitionCut } from '../../operations/cut.ts';
import { type OpenAtCut, openRemarks } from '../../operations/open-at-cut.ts';
import type { OperationRecord } from '../../operations/operation.ts';
import type { GroupSeen } from '../../operations/plan-sight.ts';
import { nextPrimary, type RoleViews } from '../../pair/ownership.ts';
import { otherSite, type SiteId } from '../../pair/site.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { Grants } from '../../sync/acls/grants.ts';
import { missingAcls, promotionAcls } from '../../sync/acls/promotion-acls.ts';
import type { FinishedBarrier } from '../../sync/producer-ids/barrier-view.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { unlessAborted } from '../../replication/waiting/unless-aborted.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';
import type { Repoint } from '../repoint/site-hooks.ts';
import { ownBelowOf } from '../state/own-below.ts';
import type { SiteState } from '../state/state.ts';
import { untilDrained } from './drain.ts';
import { grantsId } from './forget-grants.ts';
import { proveEqual } from './prove-equal.ts';
import { proveSchemasEqual } from './move-schemas.ts';
import { type PartitionEnd, readEnds } from './read-ends.ts';
import { restoreConfigs } from './restore-configs.ts';
import { takeBackWhereNoneIsCopy } from './reverse-topics.ts';
import type { SiteFence } from './site-fence.ts';

/** What a promotion may ask of the link whose copies become primary. */
export interface CopiesToPromote {
  /** Nobody is to append to them any more, from now on and until they are released. */
  hold(topics: readonly string[]): void;
  /** Some worker may still append to it. */
  isHeld(topic: string): boolean;
  /** What the workers say of their partitions now. */
  samples(signal: AbortSignal): Promise<readonly PartitionSample[]>;
  /** They are copies again. */
  release(topics: readonly string[]): void;
  /** Told when the new terms are written. */
  promoted(topics: readonly string[]): void;
  /** What the sources have above the ends of these copies, as last heard, by topic and partition. */
  unseen(topics: ReadonlySet<string>): Unseen;
}

/** By topic, then by partition; those of which nothing was heard are not in it. */
export type Unseen = ReadonlyMap<string, readonly (UnseenRecords | undefined)[]>;

export interface UnseenRecords {
  /** At most: at the source's fastest rate since it was heard. */
  readonly records: number;
  /** Of them those above an open transaction. */
  readonly heldBack: number;
  readonly open?: readonly OpenAtCut[] | undefined;
}

export interface PromotionPorts {
  readonly site: SiteId;
  readonly link: string;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly state: Pick<SiteState, 'shadow' | 'shadows' | 'configs' | 'moves' | 'acls'>;
  /** On this site's topics that are primary at the other one. */
  readonly fence: SiteFence;
  readonly copies: CopiesToPromote;
  readonly policy: () => Pick<TopicPolicy, 'configs'>;
  readonly homeOf: (topic: string) => SiteId;
  readonly roles: () => RoleViews;
  readonly withheld: () => readonly Acl[];
  /** Configs and ACLs of the link's source are known as they are now. */
  readonly finishRules: (signal: AbortSignal) => Promise<void>;
  /** Its groups' positions are here as they are there now. */
  readonly finishGroups: (signal: AbortSignal) => Promise<void>;
  /** Groups whose positions here are not those at the source. */
  readonly ownGroups: () => readonly GroupSeen[];
  /** No broker here gives out a producer id any more that a producer of the old primary has (docs/producer-ids.md). */
  readonly passProducerIds: (signal: AbortSignal) => Promise<FinishedBarrier>;
  /** No registry here gives out an id any more that one of the old primary may have given out (docs/schemas.md). */
  readonly leapIds: (operation: OperationRecord, signal: AbortSignal) => Promise<void>;
  readonly repoint: Repoint;
  readonly mayAct: () => boolean;
  readonly now: () => Date;
}

/** What the steps of an operation do at the site that becomes primary. Each may be done again after a crash. */
export class PromotionWork {
  readonly #ports: PromotionPorts;
  /** Of {@link passIdsAhead}, while it goes on. */
  #ahead: AbortController | undefined;

  constructor(ports: PromotionPorts) {
    this.#ports = ports;
  }

  /**
   * Begins with what of {@link prepare} takes longest and harms nobody, while others are waited for. What comes of it is not
   * asked: it is done again when nothing is copied any more, and finds little left.
   */
  passIdsAhead({ withoutIdBarrier }: Pick<OperationRecord, 'withoutIdBarrier'>, signal: AbortSignal): void {
    if (withoutIdBarrier || this.#ahead !== undefined) return;
    const ahead = new AbortController();
    this.#ahead = ahead;
    this.#ports
      .passProducerIds(AbortSignal.any([signal, ahead.signal]))
      .catch(() => undefined)
      .finally(() => (this.#ahead = undefined));
  }

  /** Everything that the fenced source has is here, with what goes with it. A source that hangs holds it up no longer than `signal`. */
  async drain(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { source, copies, finishRules, finishGroups } = this.#ports;
    const drained = untilDrained({ source, samples: (until) => copies.samples(until) }, topics, signal);
    const finished = Promise.all([drained.then(() => finishGroups(signal)), finishRules(signal)]);
    await unlessAborted(signal, finished);
  }

  /** Ends the copying, and reads back from the leaders where each copy ends; in a switchover also that it is the source's end. */
  async settle(
    operation: OperationRecord,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly CutRecord[]> {
    const { copies, source, target, state } = this.#ports;
    // Before they are let go: then nobody speaks of them any more.
    const unseen = copies.unseen(new Set(topics));
    const ownGroups = this.#ports.ownGroups();
    copies.hold(topics);
    await this.#quiet(topics, signal);
    if (operation.kind === 'switchover') {
      const ownBelow = (topic: string): ReadonlyMap<number, bigint> | undefined => {
        const record = state.shadow(topic);
        return record && ownBelowOf(record);
      };
      await unlessAborted(signal, proveEqual({ source, target, ownBelow }, topics, signal));
      if (topics.includes(schemasTopic)) await unlessAborted(signal, proveSchemasEqual({ source, target }, signal));
    }
    const ends = await readEnds(target, topics, signal);
    return topics.map((topic) =>
      this.#cutOf(operation, topic, { ends: ends.get(topic) ?? [], unseen: unseen.get(topic), ownGroups }),
    );
  }

  /**
   * Producer ids are brought past those of the old primary, and the topics get the configs of their sources: what is not
   * restored is remarked in the cut.
   */
  async prepare(
    operation: OperationRecord,
    cuts: readonly CutRecord[],
    signal: AbortSignal,
  ): Promise<readonly CutRecord[]> {
    const { target, state, policy, mayAct } = this.#ports;
    if (!operation.withoutIdBarrier) await this.#passProducerIds(signal);
    const ports = { cluster: target, memory: state.configs, policy: policy(), mayAct };
    const remarks = await restoreConfigs(
      ports,
      cuts.map(({ topic }) => topic),
      signal,
    );
    signal.throwIfAborted();
    const at = this.#ports.now().toISOString();
    return cuts.map((cut) => ({
      ...cut,
      operation: operation.id,
      at,
      remarks: [...cut.remarks, ...(remarks.get(cut.topic) ?? [])],
    }));
  }

  /** The point of no return. */
  async promote(
    { operation, cuts }: { readonly operation: OperationRecord; readonly cuts: readonly CutRecord[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { site, homeOf, roles, state, copies, mayAct } = this.#ports;
    const views = roles();
    const records = cuts.map(({ topic }) => nextPrimary({ name: topic, home: homeOf(topic) }, site, views));
    const terms = new Map(records.map(({ topic, term }) => [topic, term]));
    if (!mayAct()) throw new ConnectionError('this worker does not lead its site any more');
    await state.moves.promote(
      { operation, roles: records, cuts: cuts.map((cut) => ({ ...cut, term: terms.get(cut.topic) ?? cut.term })) },
      signal,
    );
    copies.promoted(cuts.map(({ topic }) => topic));
  }

  /** Lets in who may write at the source; a registry only when no id of its lost registrations can come again. */
  async grant(operation: OperationRecord, topics: readonly string[], signal: AbortSignal): Promise<void> {
    const others = topics.filter((topic) => topic !== schemasTopic);
    if (operation.kind === 'failover' && others.length < topics.length) {
      // Nobody else is to wait for it.
      if (others.length > 0) await this.#letIn(operation, others, signal);
      await this.#ports.leapIds(operation, signal);
    }
    await this.#letIn(operation, topics, signal);
    await this.#takeBackOwn(topics, signal);
  }

  /** Who had the right here before, then whoever has got it there since. */
  async #letIn(operation: OperationRecord, topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { target, withheld, mayAct, state, fence } = this.#ports;
    await fence.release(new Set(topics), signal);
    const grants = new Grants({ cluster: target, mayAct, memory: (id) => state.acls(id) });
    const id = grantsId(operation.id);
    const missing = await missingAcls(target, { wanted: promotionAcls(withheld(), topics), made: grants.made(id) });
    const granted = await grants.grant(id, missing, signal);
    switch (granted.kind) {
      case 'granted':
      case 'no authorizer':
        return;
      case 'refused':
        throw new ConnectionError(`${granted.reasons.length} ACLs were refused: ${granted.reasons[0] ?? ''}`);
      case 'unproven':
        throw new ConnectionError(`the brokers ${granted.behind.join(', ')} do not show the granted ACLs yet`);
    }
  }

  /** Runs what moves applications that do not follow by themselves. Resolves to what of it did not work, in words. */
  async repoint(
    { id: operationId, kind, to, startedAt }: OperationRecord,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { state, repoint, mayAct } = this.#ports;
    const terms = new Map(topics.map((topic) => [topic, state.moves.cut(topic)?.term ?? 0]));
    const term = [...terms.values()].reduce((highest, each) => Math.max(highest, each), 0);
    if (!mayAct()) throw new ConnectionError('this worker does not lead its site any more');
    return repoint({ operationId, kind, topics, from: otherSite(to), to, startedAt, term, terms }, signal);
  }

  release(topics: readonly string[]): void {
    this.#ports.copies.release(topics);
  }

  /** Of what is home here nothing is a copy any more: umbra needs no rights of its own on it. */
  async #takeBackOwn(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { homeOf, site } = this.#ports;
    const isHome = (topic: string): boolean => homeOf(topic) === site;
    if (topics.some(isHome)) await takeBackWhereNoneIsCopy({ ...this.#ports, isHome }, signal);
  }

  /** A broker that is down begins above when it comes back, so it keeps nothing from going on. */
  async #passProducerIds(signal: AbortSignal): Promise<void> {
    // It goes on from where that one has come to.
    this.#ahead?.abort();
    const barrier = await this.#ports.passProducerIds(signal);
    switch (barrier.kind) {
      case 'held':
      case 'unreached':
        return;
      case 'short':
      case 'too-far':
        throw new ConnectionError(
          `${barrier.message}; a failover goes on all the same with "--without-id-barrier", at the price of docs/producer-ids.md`,
        );
    }
  }

  async #quiet(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { copies } = this.#ports;
    const pause = new Wakeup();
    for (let attempt = 0; topics.some((topic) => copies.isHeld(topic)); attempt++) {
      await pause.wait(signal, Math.min(retryDelays.after(attempt), quietLookMs));
      signal.throwIfAborted();
    }
  }

  #cutOf(operation: OperationRecord, topic: string, { ends, unseen, ownGroups }: TopicEnds): CutRecord {
    const { state, now, site } = this.#ports;
    const record = state.shadow(topic);
    if (record?.state.kind !== 'ours') throw new Error(`${topic} is no copy of this site any more`);
    return {
      ...{ topic, operation: operation.id, term: 1, primary: site, at: now().toISOString() },
      remarks: [...openRemarks((unseen ?? []).map((heard) => heard?.open)), ...groupRemarks(topic, ownGroups)],
      ...{ sourceTopicId: record.sourceTopicId, topicId: record.state.shadowTopicId },
      partitions: ends.map(({ end, lastRecordAt, tailSha256 }, partition): PartitionCut => {
        const heard = unseen?.[partition];
        return {
          offset: String(end),
          ...(heard === undefined ? {} : { unseen: heard.records, heldBack: heard.heldBack }),
          ...(heard?.open === undefined ? {} : { open: [...heard.open] }),
          ...(lastRecordAt === undefined ? {} : { lastRecordAt: lastRecordAt.toISOString() }),
          ...(tailSha256 === undefined ? {} : { tailSha256 }),
        };
      }),
    };
  }
}

interface TopicEnds {
  readonly ends: readonly PartitionEnd[];
  readonly unseen: readonly (UnseenRecords | undefined)[] | undefined;
  readonly ownGroups: readonly GroupSeen[];
}

const quietLookMs = 50;
/** In the remarks of one topic. */
const groupsNamedMax = 10;

function groupRemarks(topic: string, groups: readonly GroupSeen[]): readonly string[] {
  const own = groups.filter(({ topics }) => topics.has(topic));
  const named = own.slice(0, groupsNamedMax);
  const remarks = named.map(({ group, why }) => `group ${group} did not get its positions: ${why}`);
  const more = own.length - named.length;
  return more > 0 ? [...remarks, `nor did ${more} more groups`] : remarks;
}
