import { canaryPartitions, canaryTopicConfigs, canaryTopicName } from '../../canary/canary-topic.ts';
import { createTopic } from '../../kafka/topic-admin.ts';
import { ownershipOf, type RoleViews } from '../../pair/ownership.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { CanaryGeneration } from '../state/drill-memory.ts';
import { type CanaryTopic, CanaryWriting } from './canary-writing.ts';
import type { DrillPorts } from './drill-ports.ts';
import { isRetired, retire, retiredHere } from './retire.ts';

const lookMs = 1_000;
/** The same while something has to be retired or made. */
const busyMs = 200;

export interface CanariesPorts extends DrillPorts {
  /** Some worker of the site may still append to it. */
  readonly isHeld: (topic: string) => boolean;
}

/**
 * The canaries of a site: makes the canary topic that is home here, generation by generation, deletes what is retired, and
 * writes to the topics of both homes all the time. In rounds, by the controller.
 */
export class Canaries {
  readonly #ports: CanariesPorts;
  readonly #writing: CanaryWriting | undefined;
  readonly #again = new Wakeup();
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  /** The generation that is to be left. */
  #leave: number | undefined;
  #trouble: string | undefined;

  constructor(ports: CanariesPorts) {
    this.#ports = ports;
    const canary = ports.config?.canary;
    if (canary !== undefined) {
      const { pair, site: vantage, clock, logger } = ports;
      this.#writing = new CanaryWriting({
        ...{ ...canary, pair, vantage, clock, logger },
        topics: () => this.topics(),
        primaryOf: (topic) => this.#primaryOf(topic),
      });
    }
    this.#loop = this.#keep(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#loop, this.#writing?.stop()]);
  }

  get writing(): CanaryWriting | undefined {
    return this.#writing;
  }

  /** Why they are not green as seen from this site; undefined where they are. */
  trouble(): string | undefined {
    if (this.#writing === undefined)
      return 'no canary is configured: drills.canary of the worker’s file says who it is';
    if (this.topics().length < this.#homes().length) return this.#trouble ?? 'a canary topic is not made yet';
    return this.#writing.trouble();
  }

  /** Those in use, of the homes whose link carries them. */
  topics(): readonly CanaryTopic[] {
    return this.#homes().flatMap((home) => {
      const used = this.#generationOf(home);
      if (used?.topicId === undefined) return [];
      return [{ name: used.topic, home, link: linkId({ from: home, to: otherSite(home) }) }];
    });
  }

  isRetired(topic: string): boolean {
    const { state, site } = this.#ports;
    return isRetired(topic, site, { own: state, peer: this.#peer, owners: state.prefixPolicy?.owners });
  }

  /** The next generation of the topic that is home here takes the place of this one. Idempotent. */
  leave(topic: string): void {
    const used = this.#ports.state.drills.canary();
    if (used?.topic !== topic) return;
    this.#leave = used.generation;
    this.#again.wake();
  }

  /** Nothing is retired here and not deleted, and the generation is another one than that of `topic`. */
  hasLeft(topic: string): boolean {
    return this.#ports.state.drills.canary()?.topic !== topic && this.#retiredHere().length === 0;
  }

  #retiredHere(): readonly string[] {
    const { state, site } = this.#ports;
    return retiredHere(site, { own: state, peer: this.#peer, owners: state.prefixPolicy?.owners });
  }

  get #peer(): PeerState | undefined {
    return this.#ports.link()?.peer;
  }

  /** Sites whose topics a link carries: the one that ends here, and the one that the other site declares. */
  #homes(): readonly SiteId[] {
    const { site } = this.#ports;
    const peer = this.#peer;
    if (peer === undefined) return [];
    const there = linkId({ from: site, to: otherSite(site) });
    const carried = peer.state.links().some((link) => linkId(link) === there);
    return sites.filter((home) => home !== site || carried);
  }

  #generationOf(home: SiteId): CanaryGeneration | undefined {
    const { site, state } = this.#ports;
    return home === site ? state.drills.canary() : this.#peer?.state.drills.canary();
  }

  #primaryOf({ name, home }: CanaryTopic): { readonly site: SiteId; readonly term: number } | undefined {
    const { state, site } = this.#ports;
    const peer = this.#peer;
    if (peer === undefined) return undefined;
    const views: RoleViews = site === 'a' ? { a: state.roles(), b: peer.roles } : { a: peer.roles, b: state.roles() };
    const ownership = ownershipOf({ name, home }, views);
    return ownership.kind === 'settled' ? { site: ownership.primary, term: ownership.term } : undefined;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    while (!hasAborted(signal)) {
      let busy = false;
      try {
        if (this.#writing !== undefined) busy = await this.#round(signal);
        this.#trouble = undefined;
      } catch (error) {
        if (hasAborted(signal)) return;
        const trouble = error instanceof Error ? error.message : String(error);
        if (trouble !== this.#trouble) this.#ports.logger.warn({ err: error }, 'canary topics have to wait');
        this.#trouble = trouble;
      }
      await this.#again.wait(signal, busy ? busyMs : lookMs);
    }
  }

  /** Whether more is to be done at once. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { site, mayAct } = this.#ports;
    if (!mayAct() || this.#peer?.roles.kind !== 'read') return false;
    if (this.#homes().includes(site)) await this.#make(signal);
    let busy = false;
    for (const topic of this.#retiredHere())
      if (!(await retire(this.#ports, this.#ports.isHeld, topic, signal))) busy = true;
    return busy;
  }

  /** The generation in use: written down before it is made, so that what is made is known. */
  async #make(signal: AbortSignal): Promise<void> {
    const { state, site, clusters, clock } = this.#ports;
    const prefix = state.prefixPolicy?.owners[site];
    if (prefix === undefined) return;
    let used = state.drills.canary();
    if (used === undefined || (used.generation === this.#leave && used.topicId !== undefined)) {
      const former = used?.topicId === undefined ? [] : [...used.former, { topic: used.topic, topicId: used.topicId }];
      used = await this.#next({ generation: (used?.generation ?? 0) + 1, former, prefix }, signal);
      this.#leave = undefined;
    }
    if (used.topicId !== undefined) return;
    const wanted = {
      name: used.topic,
      partitions: canaryPartitions,
      configs: new Map(Object.entries(canaryTopicConfigs)),
    };
    const made = await createTopic(clusters[site], wanted);
    const topicId =
      made.kind === 'created'
        ? made.topicId
        : (await clusters[site].metadata([used.topic])).topics.get(used.topic)?.topicId;
    if (topicId === undefined) return;
    await state.drills.putCanary({ ...used, topicId, since: clock.now().toISOString() }, signal);
  }

  /** A name that no topic has: one that is there already is somebody's. */
  async #next(
    { generation, former, prefix }: Pick<CanaryGeneration, 'generation' | 'former'> & { readonly prefix: string },
    signal: AbortSignal,
  ): Promise<CanaryGeneration> {
    const { state, clusters, clock } = this.#ports;
    for (let next = generation; ; next++) {
      const topic = canaryTopicName(prefix, next);
      const seen = await Promise.all(
        sites.map(async (site) => (await clusters[site].metadata([topic])).topics.has(topic)),
      );
      if (seen.includes(true)) continue;
      const used: CanaryGeneration = { generation: next, topic, former, since: clock.now().toISOString() };
      await state.drills.putCanary(used, signal);
      return used;
    }
  }
}
