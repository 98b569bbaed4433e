import type { Cluster } from '../../kafka/cluster.ts';
import { describeConfigs, type TopicChanges } from '../../kafka/config-admin.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import type { CutRecord } from '../../operations/cut.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { Grants } from '../../sync/acls/grants.ts';
import { linkRights } from '../../sync/acls/link-rights.ts';
import type { NamePattern } from '../../sync/acls/name-pattern.ts';
import { applyConfigs } from '../../sync/topics/apply-configs.ts';
import { planConfigs } from '../../sync/topics/plan-configs.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { SiteRights } from '../site-rights.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { SiteState } from '../state/state.ts';
import { readEnds } from './read-ends.ts';

export interface ReversePorts {
  /** The link that is to carry the topics: it ends at this site. */
  readonly link: string;
  /** Of the new primary. */
  readonly source: Cluster;
  /** Of this site. */
  readonly target: Cluster;
  readonly state: Pick<SiteState, 'acls'>;
  readonly rights: SiteRights;
  readonly policy: () => Pick<TopicPolicy, 'configs'>;
  /** The names that are home at this site, the schemas among them where they are, and its groups. */
  readonly home: () => { readonly topics: readonly NamePattern[]; readonly groups: NamePattern };
  readonly isHome: (topic: string) => boolean;
  readonly mayAct: () => boolean;
}

/** A topic that cannot become a copy as it is. */
export interface NotReversed {
  readonly topic: string;
  readonly why: string;
}

export interface Reversed {
  /** To be written down together with the accepted terms. */
  readonly shadows: readonly ShadowRecord[];
  readonly left: readonly NotReversed[];
}

/** Under this id umbra's rights on topics that are home here are remembered; taken back when none is a copy any more. */
export const linkRightsId = 'grants/reversed';

/**
 * Makes this site's topics copies of those of the new primary, in place: nothing is deleted and nothing copied. Each gets the
 * configs of a copy, and umbra the rights to write it; from its cut on the link goes on. A topic whose log does not end
 * exactly at its cut stays as it is. Idempotent; throws what a cluster that does not answer throws.
 */
export async function reverseTopics(
  ports: ReversePorts,
  cuts: readonly CutRecord[],
  signal: AbortSignal,
): Promise<Reversed> {
  const { fit, left } = await fitting(ports, cuts, signal);
  if (fit.length > 0) {
    const topics = fit.map(({ topic }) => topic);
    if (topics.some(ports.isHome)) await grantOwn(ports, signal);
    await becomeCopies(ports, topics, signal);
  }
  return { shadows: fit.map((cut) => shadowOf(ports.link, cut)), left };
}

interface Fitting {
  readonly fit: readonly CutRecord[];
  readonly left: readonly NotReversed[];
}

/** Names are no identity, and a log that has gone on is no copy. */
async function fitting({ target }: ReversePorts, cuts: readonly CutRecord[], signal: AbortSignal): Promise<Fitting> {
  const { topics } = await target.metadata(cuts.map(({ topic }) => topic));
  const left: NotReversed[] = [];
  const same = cuts.filter(({ topic, sourceTopicId, partitions }) => {
    const seen = topics.get(topic);
    const why =
      seen === undefined
        ? 'it is gone'
        : seen.topicId !== sourceTopicId
          ? 'it was deleted and made anew'
          : seen.partitions.length !== partitions.length
            ? `it has ${seen.partitions.length} partitions, the cut has ${partitions.length}`
            : undefined;
    if (why !== undefined) left.push({ topic, why });
    return why === undefined;
  });
  const ends = await readEnds(
    target,
    same.map(({ topic }) => topic),
    signal,
  );
  const fit = same.filter(({ topic, partitions }) => {
    const wrong = (ends.get(topic) ?? []).findIndex(
      ({ end }, partition) => String(end) !== partitions[partition]?.offset,
    );
    if (wrong < 0) return true;
    const [end, cut] = [ends.get(topic)?.[wrong]?.end, partitions[wrong]?.offset];
    left.push({ topic, why: `partition ${wrong} ends at ${String(end)} and was cut at ${String(cut)}` });
    return false;
  });
  return { fit, left };
}

/** On the whole prefix: some rights, however many topics are moved, and none when all of them are home again. */
export async function grantOwn(
  { target, state, rights, home, mayAct }: ReversePorts,
  signal: AbortSignal,
): Promise<void> {
  const { principals, superUsers } = rights;
  if (principals.kind === 'unknown') throw new Error(`${principals.why}. ${principals.remedy}`);
  const { topics, groups } = home();
  const wanted = linkRights({ own: principals.names, superUsers, topics, groups: [groups] });
  const granted = await ownGrants({ target, state, mayAct }).grant(linkRightsId, wanted, signal);
  if (granted.kind === 'refused' || granted.kind === 'unproven') {
    const why = granted.kind === 'refused' ? granted.reasons[0] : `brokers ${granted.behind.join(', ')} are behind`;
    throw new ConnectionError(`umbra could not grant itself the rights on copies: ${why ?? ''}`);
  }
}

/** Where nothing that is home here is a copy any more umbra needs no rights of its own on it. */
export async function takeBackWhereNoneIsCopy(
  ports: Pick<ReversePorts, 'link' | 'target' | 'isHome' | 'mayAct'> & {
    readonly state: Pick<SiteState, 'acls' | 'shadows'>;
  },
  signal: AbortSignal,
): Promise<void> {
  const { state, link, isHome } = ports;
  if (!state.shadows().some((copy) => copy.link === link && isHome(copy.topic))) await takeBackOwn(ports, signal);
}

/** Nothing of this site is a copy any more. */
export async function takeBackOwn(
  ports: Pick<ReversePorts, 'target' | 'state' | 'mayAct'>,
  signal: AbortSignal,
): Promise<void> {
  await ownGrants(ports).withdraw(linkRightsId, signal);
}

function ownGrants({ target, state, mayAct }: Pick<ReversePorts, 'target' | 'state' | 'mayAct'>): Grants {
  return new Grants({ cluster: target, mayAct, memory: (id) => state.acls(id) });
}

/** Brokers show a change a moment after it was taken; one that takes longer is looked at again by the next attempt. */
const shownMsMax = 5_000;
const lookMs = 20;

/**
 * Before the first batch comes: nothing may be deleted or compacted but by the link, and times stay what they are. What is
 * refused here the config sync of the link names.
 */
async function becomeCopies(ports: ReversePorts, topics: readonly string[], signal: AbortSignal): Promise<void> {
  const { target, mayAct } = ports;
  const pause = new Wakeup();
  const deadlineMs = performance.now() + shownMsMax;
  const refused = new Map<string, Set<string>>();
  for (let attempt = 0; ; attempt++) {
    const changes = (await copyChanges(ports, topics)).flatMap(({ topic, changes: all }) => {
      const left = all.filter(({ name }) => refused.get(topic)?.has(name) !== true);
      return left.length === 0 ? [] : [{ topic, changes: left }];
    });
    const [first] = changes;
    if (first === undefined) return;
    if (performance.now() > deadlineMs)
      throw new ConnectionError(`the brokers do not show the configs of ${first.topic} yet`);
    if (attempt === 0) {
      const applied = await applyConfigs(target, changes, { mayAct, stillSynced: (all) => all });
      if (applied.stopped) throw new ConnectionError('this worker does not lead its site any more');
      for (const [topic, why] of applied.failed) throw new ConnectionError(`the configs of ${topic}: ${why}`);
      for (const [topic, names] of applied.refused) refused.set(topic, new Set(names.keys()));
    } else await pause.wait(signal, lookMs);
    signal.throwIfAborted();
  }
}

/** What the copies lack, by what both clusters show now. */
async function copyChanges(
  { source, target, policy }: ReversePorts,
  topics: readonly string[],
): Promise<readonly TopicChanges[]> {
  const [theirs, ours] = await Promise.all([describeConfigs(source, topics), describeConfigs(target, topics)]);
  return topics.map((topic) => {
    const [wanted, now] = [theirs.configs.get(topic), ours.configs.get(topic)];
    if (wanted === undefined || now === undefined) {
      const why = (theirs.refused.get(topic) ?? ours.refused.get(topic))?.message ?? 'a cluster does not show them';
      throw new ConnectionError(`the configs of ${topic} cannot be read: ${why}`);
    }
    const seen = { topic, source: wanted, copy: now, record: undefined, held: new Map(), settling: new Map() };
    return { topic, changes: planConfigs(seen, policy()).changes };
  });
}

function shadowOf(link: string, { topic, topicId, sourceTopicId, partitions }: CutRecord): ShadowRecord {
  return {
    ...{ topic, link, sourceTopicId: topicId, faults: [] },
    state: { kind: 'ours', shadowTopicId: sourceTopicId },
    ownBelow: partitions.map(({ offset }) => offset),
  };
}
