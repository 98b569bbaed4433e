import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Cluster } from '../kafka/cluster.ts';
import type { PartitionRef } from '../kafka/log-queries.ts';
import { otherSite, type SiteId } from '../pair/site.ts';
import { linkId } from '../pair/spec.ts';
import { stateTopic } from '../prefix-policy/internal-names.ts';
import type { Copier } from '../replication/copier/copier.ts';
import type { Fault } from '../replication/partition/fault.ts';
import { defaultReplicatorLimits } from '../replication/replicator-limits.ts';
import type { CopierClock } from '../replication/waiting/copier-clock.ts';
import { retryDelays } from '../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../replication/waiting/wakeup.ts';
import { type CopiedPair, copiedPair } from './copying/copied-pair.ts';
import { LinkCopying } from './copying/link-copying.ts';
import { UntoldFaults } from './copying/untold-faults.ts';
import type { WorkerReport } from './copying/worker-report.ts';
import { assignPartitions } from './group/assign-partitions.ts';
import { withPlaces } from './group/partition-sets.ts';
import { Problem } from './problems.ts';
import type { FaultNotice } from './group/fault-notice.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeMemberData,
  encodeAssignment,
  encodeMemberData,
  type MemberData,
} from './group/member-data.ts';
import { type Generation, type Loss, Membership } from './group/membership.ts';
import type { Peers } from './group/peers.ts';
import { callRoll } from './group/roll-call.ts';
import { workerGroup as groupId } from './group/worker-group.ts';
import { SiteControl } from './control/site-control.ts';
import { siteSettings } from './control/site-settings.ts';
import { SiteWorkers } from './control/site-workers.ts';
import { claimSite } from './state/site-record.ts';
import { ensureStateTopic } from './state/ensure-state-topic.ts';
import { SiteState } from './state/state.ts';
import { StateWriter } from './state/state-writer.ts';
import type { WorkerConfig } from './worker-config.ts';

const controllerId = 'umbra-controller';

export interface WorkerLifePorts {
  readonly config: WorkerConfig;
  /** Of umbra. */
  readonly version: string;
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  /** Where the other workers reach this one. */
  readonly url: string;
  readonly peers: Peers;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

/**
 * One life of a worker: from the moment it asks to be taken into the group of its site's workers until it stops, or the
 * group goes on without it. What it held is given to others only when its leases are ended, so it may be woken up at any
 * time and do no harm; but it never goes on under the same name.
 */
export class WorkerLife {
  readonly incarnation = randomBytes(8).toString('hex').slice(0, 12);
  readonly #ports: WorkerLifePorts;
  readonly #membership: Membership;
  readonly #copying: LinkCopying;
  readonly #writer: StateWriter;
  readonly #state: SiteState;
  readonly #workers: SiteWorkers;
  readonly #ending = new AbortController();
  #control: SiteControl | undefined;
  /** The newest generation that it led. */
  #ledIn: number | undefined;
  #stoppingControl: Promise<void> = Promise.resolve();
  #controllerUrl: string | undefined;
  /** Of the newest assignment; cleared when a join begins, for what was not taken up until then may be given to others. */
  #applying: object | undefined;
  #applied = false;
  #turn = 0;
  readonly #untold: UntoldFaults;
  #trouble: string | undefined;
  #loss: Loss | undefined;

  constructor(ports: WorkerLifePorts) {
    this.#ports = ports;
    const { config, clusters, clock, logger } = ports;
    const from = otherSite(config.site);
    this.#writer = new StateWriter(this.#own, stateTopic, controllerId);
    this.#state = new SiteState(this.#own, this.#writer);
    this.#membership = new Membership({
      ...config.group,
      ...{ cluster: this.#own, groupId, instanceId: config.group.instanceId, clock },
      ports: {
        data: () => this.#data(),
        assign: (members, generation, signal) => this.#assign(members, generation, signal),
        assigned: (assignment, generation) => this.#assigned(assignment, generation),
      },
    });
    this.#copying = new LinkCopying({
      ...{ linkId: linkId({ from, to: config.site }), holder: this.incarnation, clock, logger },
      source: clusters[from],
      target: this.#own,
      limits: {
        ...defaultReplicatorLimits,
        bufferBytesMax: config.tuning.bufferBytesMax,
        foreignWriteCheckMs: config.tuning.foreignWriteCheckMs,
      },
      mayAppend: () => this.#membership.fresh,
      onFault: (copier, fault) => this.#faulted(copier, fault),
      onReleased: () => this.#membership.rejoin('partitions were given back'),
    });
    this.#untold = new UntoldFaults({
      tell: (notice, signal) => this.#tell(notice, signal),
      onTold: (of) => this.#told(of),
      logger,
    });
    const { incarnation } = this;
    this.#workers = new SiteWorkers({
      ...{ own: this.#copying, incarnation, peers: ports.peers, logger },
      taskChanged: (reason) => this.#membership.rejoin(reason),
      mayAct: () => this.#control !== undefined && this.#membership.fresh && this.#writer.owns,
    });
    this.#copying.replicator.lost.addEventListener('abort', () => void this.#leaseLost());
  }

  /** While this worker leads its site. */
  get control(): SiteControl | undefined {
    return this.#control;
  }

  get copying(): LinkCopying {
    return this.#copying;
  }

  get workers(): SiteWorkers {
    return this.#workers;
  }

  get state(): SiteState {
    return this.#state;
  }

  /** Of the worker that leads the site, as it was when we last heard of it. */
  get controllerUrl(): string | undefined {
    return this.#controllerUrl;
  }

  /** Where the other workers reach this one. */
  get url(): string {
    return this.#ports.url;
  }

  /** Why it could not lead when it was to, the last time. */
  get leadTrouble(): string | undefined {
    return this.#trouble;
  }

  /** Why it does not work yet, if it does not. */
  get trouble(): string | undefined {
    if (this.#loss !== undefined) return this.#loss.reason;
    if (this.#applied) return undefined;
    return this.#trouble ?? this.#membership.trouble ?? 'has not been given its part yet';
  }

  report(): WorkerReport {
    const { problem, trouble, highestProducer } = this.#copying;
    return {
      incarnation: this.incarnation,
      samples: [...this.#copying.samples()],
      ...(problem === undefined ? {} : { problem }),
      ...(trouble === undefined ? {} : { trouble }),
      ...(highestProducer === undefined ? {} : { highestProducer }),
    };
  }

  /** Until `signal` aborts, or it is over. */
  async run(signal: AbortSignal): Promise<Loss> {
    const until = AbortSignal.any([signal, this.#ending.signal]);
    const watching = this.#watchWriter(until);
    try {
      this.#loss = await this.#membership.run(until);
      return this.#loss ?? { kind: 'given-up', reason: 'another worker ended its lease' };
    } finally {
      this.#ending.abort();
      this.#applying = undefined;
      this.#resign();
      await Promise.all([watching, this.#stoppingControl]);
    }
  }

  /** After {@link run}; what is in flight is waited for no longer than its request may take. */
  async stop(): Promise<void> {
    await this.#copying.stop();
  }

  /**
   * Nothing is appended any more. Whether another process has our place, or the group only gave us up, is what the next
   * heartbeats say: who begins anew without knowing that would push its own successor out.
   */
  async #leaseLost(): Promise<void> {
    await new Wakeup().wait(this.#ending.signal, this.#ports.config.group.sessionTimeoutMs);
    this.#ending.abort();
  }

  get #own(): Cluster {
    return this.#ports.clusters[this.#ports.config.site];
  }

  #data(): Buffer {
    this.#applying = undefined;
    const { incarnation } = this;
    const holds = withPlaces(this.#copying.holds(), this.#untold.places);
    const generation = this.#membership.generation?.number ?? 0;
    return encodeMemberData({ version: 1, incarnation, url: this.#ports.url, holds, generation, turn: this.#turn });
  }

  async #assign(
    members: ReadonlyMap<string, Buffer>,
    generation: Generation,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Buffer> | undefined> {
    try {
      const control = await this.#lead(generation.number, signal);
      const assignments = await this.#shareOut(control, { members, generation }, signal);
      this.#trouble = undefined;
      return assignments;
    } catch (error) {
      if (hasAborted(signal)) return undefined;
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#ports.logger.warn({ err: error, generation: generation.number }, 'the work could not be shared out');
      return undefined;
    }
  }

  /**
   * Nothing is decided before the controller before is fenced, and everything it wrote is known. Who led the generation
   * right before knows it all; after a gap somebody else may have led in between.
   */
  async #lead(generation: number, signal: AbortSignal): Promise<SiteControl> {
    const goesOn = this.#ledIn !== undefined && generation - this.#ledIn <= 1;
    if (this.#control !== undefined && this.#writer.owns && goesOn) {
      this.#ledIn = generation;
      return this.#control;
    }
    this.#resign();
    await this.#stoppingControl;
    await ensureStateTopic(this.#own);
    await this.#writer.take(signal);
    await this.#state.catchUp(signal);
    signal.throwIfAborted();
    await claimSite(this.#state, this.#ports.config.site, signal);
    const { config, clusters, clock, logger, version } = this.#ports;
    this.#workers.beginLead();
    this.#control = new SiteControl({
      ...{ ...siteSettings(config, logger), version, clusters, clock, logger, url: this.#ports.url },
      ...{ state: this.#state, workers: this.#workers },
    });
    this.#ledIn = generation;
    logger.info({ incarnation: this.incarnation }, 'this worker leads its site');
    return this.#control;
  }

  #resign(): void {
    const control = this.#control;
    if (control === undefined) return;
    this.#control = undefined;
    this.#ports.logger.info({ incarnation: this.incarnation }, 'this worker does not lead its site any more');
    this.#stoppingControl = control.stop().catch((error: unknown) => {
      this.#ports.logger.error({ err: error }, 'the controller did not stop as it should');
    });
  }

  async #shareOut(
    control: SiteControl,
    { members, generation }: { readonly members: ReadonlyMap<string, Buffer>; readonly generation: Generation },
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Buffer>> {
    const told = new Map<string, MemberData>();
    for (const [memberId, bytes] of members) {
      const data = decodeMemberData(bytes);
      if (data === undefined)
        throw new Error(`member ${memberId} of the group ${groupId} is no worker of this version`);
      told.set(memberId, data);
    }
    const byIncarnation = new Map([...told.values()].map((data) => [data.incarnation, data]));
    await callRoll(
      {
        ...{ target: this.#own, linkId: this.#copying.id, state: this.#state },
        now: () => this.#ports.clock.now(),
      },
      byIncarnation,
      signal,
    );
    const holdings = new Map([...byIncarnation].map(([incarnation, { holds }]) => [incarnation, holds]));
    const silent = [...told.values()].filter(({ generation: last }) => last !== 0 && last !== generation.number - 1);
    const mayHandOut = silent.length === 0;
    if (!mayHandOut) this.#askAgainSoon(signal);
    const { of } = assignPartitions({ members: holdings, wanted: control.wanted(holdings.values()), mayHandOut });
    this.#workers.sharedOut(byIncarnation, of);
    const controller = { incarnation: this.incarnation, url: this.#ports.url };
    const stateEnd = String(this.#state.end);
    return new Map(
      [...told].map(([memberId, { incarnation }]) => [
        memberId,
        encodeAssignment({ version: 1, incarnation, controller, stateEnd, copies: of.get(incarnation) ?? new Map() }),
      ]),
    );
  }

  /** Some member has not said what it holds now: nothing is handed out before it has, or is given up. */
  #askAgainSoon(signal: AbortSignal): void {
    this.#ports.logger.warn('a member of the group did not join: nothing is handed out until it does');
    void new Wakeup()
      .wait(signal, this.#ports.config.group.heartbeatMs * 2)
      .then(() => this.#membership.rejoin('a member did not join'));
  }

  #assigned(bytes: Buffer, { leads }: Generation): void {
    const assignment = decodeAssignment(bytes);
    if (!leads) this.#resign();
    if (assignment?.incarnation !== this.incarnation) {
      // Meant for the one before: its successor has to be seen by the leader first.
      this.#turn += 1;
      this.#membership.rejoin('what was handed out was meant for somebody else');
      return;
    }
    this.#controllerUrl = assignment.controller.url;
    const token = {};
    this.#applying = token;
    void this.#apply(assignment, token);
  }

  /** Never rejects: goes on until it is done, or there is a newer one. */
  async #apply(assignment: Assignment, token: object): Promise<void> {
    const { signal } = this.#ending;
    const pause = new Wakeup();
    for (let attempt = 1; this.#applying === token && !hasAborted(signal); attempt++) {
      try {
        if (this.#control === undefined) await this.#state.catchUpTo(BigInt(assignment.stateEnd), signal);
        if (this.#applying !== token) return;
        const gap = this.#state.links().find((link) => linkId(link) === this.#copying.id)?.gap ?? 'fault';
        const pairOf = (topic: string): CopiedPair | undefined => copiedPair(this.#state.shadow(topic));
        this.#copying.apply({ copies: assignment.copies, pairOf, gap });
        this.#applied = true;
        return;
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : String(error);
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
  }

  /** Where a write failed nobody knows whether it is there: the state is taken and read anew. */
  async #watchWriter(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      await pause.wait(signal, retryDelays.lostAnswerMs);
      if (this.#control !== undefined && !this.#writer.owns) this.#membership.rejoin('a write of the state failed');
    }
  }

  #faulted({ of, state }: Copier, fault: Fault): void {
    const { topic, partition } = of;
    const { code, message, offset } = fault;
    this.#ports.logger.error({ link: this.#copying.id, topic, partition, code, offset: offset?.toString() }, message);
    if (state.kind !== 'faulted') return;
    const notice: FaultNotice = {
      ...{ incarnation: this.incarnation, topic, partition, code, message },
      ...(offset === undefined ? {} : { offset: String(offset) }),
    };
    this.#untold.add(notice, this.#ending.signal);
  }

  async #tell(notice: FaultNotice, signal: AbortSignal): Promise<boolean> {
    if (this.#control !== undefined) await this.takeNotice(notice);
    else if (this.#controllerUrl !== undefined) await this.#ports.peers.notify(this.#controllerUrl, notice, signal);
    else return false;
    return true;
  }

  /** Its partition was held on to until now, and may have been taken away meanwhile. */
  #told({ topic, partition }: PartitionRef): void {
    if (this.#copying.holds().get(topic)?.includes(partition) !== true) this.#membership.rejoin('a fault was told');
  }

  /** Of a worker that copies the partition; from one that does not any more it is of no interest. */
  async takeNotice({ incarnation, topic, partition, code, message, offset }: FaultNotice): Promise<void> {
    const { control } = this;
    if (control === undefined) throw new Error('this worker does not lead its site');
    const own = incarnation === this.incarnation;
    if (!own && !this.#workers.sharedOutYet) throw new Problem('NOT_READY', 'the lead of the site has just moved');
    if (!own && !this.#workers.copies(incarnation, topic, partition)) return;
    const fault: Fault = { code, message, ...(offset === undefined ? {} : { offset: BigInt(offset) }) };
    await control.faulted({ topic, partition, fault });
  }
}
