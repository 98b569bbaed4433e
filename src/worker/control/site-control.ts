import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import { compilePolicy, type DeclaredPolicy, type PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import type { PartitionSets } from '../group/partition-sets.ts';
import { EventJournal } from '../events/event-journal.ts';
import { noticesBetween, type SiteSnapshot, snapshotOf } from '../events/site-notices.ts';
import type { FoundFault } from './found-fault.ts';
import { SiteDrills } from '../drill/site-drills.ts';
import { untilLevel } from '../drill/until-level.ts';
import { LinkControl } from './link-control.ts';
import { Pauses } from './pauses.ts';
import type { LinkWorkers } from './link-workers.ts';
import { lookIntervalMs } from './look-interval.ts';
import { MovedRoles, movedRoleViews } from '../moves/moved-roles.ts';
import { openOperations } from '../moves/open-operations.ts';
import type { MovedRoleView, MoveRequest, OperationView } from '../moves/operation-view.ts';
import { Problem } from '../problems.ts';
import { endRebuilds } from '../rebuild/end-rebuilds.ts';
import { reconcileJournal } from '../reconcile/reconcile-journal.ts';
import type { LinkDeletion } from '../service.ts';
import type { SiteSettings } from './site-settings.ts';
import { SiteApplications } from './site-applications.ts';
import {
  type SiteStanding,
  whyNoNewPolicy,
  whyNotDeleted,
  whyNotRedeclared,
  whyNotRenamed,
  whyNotSchemaPrimary,
} from './spec-refusals.ts';
import { checkStart, refuseLeaks, type StartChecks } from './start-checks.ts';
import { watchSite } from './site-watch.ts';
import type { PauseSubject } from '../state/pause-record.ts';
import type { SiteState } from '../state/state.ts';
import type { LinkView, ViolationView } from '../views.ts';

export interface SiteControlPorts extends SiteSettings {
  /** Of umbra. */
  readonly version: string;
  /** Where this worker is reached. */
  readonly url: string;
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  /** Read to its end, and ours to write. */
  readonly state: SiteState;
  readonly workers: LinkWorkers;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

/**
 * What the controller of a site decides, and nobody else: the spec it is told over the API, the link that ends here and
 * its copies, the state topic. There is one while its worker leads the group; it is stopped when another one leads.
 */
export class SiteControl {
  readonly events: EventJournal;
  readonly #ports: SiteControlPorts;
  readonly #links = new Map<string, LinkControl>();
  readonly #stopping = new AbortController();
  readonly #pauses: Pauses;
  readonly #moved: MovedRoles;
  readonly #watching: Promise<void>;
  readonly drills: SiteDrills;
  /** What the policy grants here. */
  readonly applications: SiteApplications;
  /** Orders are carried out one after the other. */
  #orders: Promise<unknown> = Promise.resolve();
  #violations: readonly ViolationView[] = [];
  #clusterId: string | undefined;
  #partitionsSeen = 0;
  /** As of the newest look, for what is different at the next one. */
  #seen: SiteSnapshot | undefined;

  constructor(ports: SiteControlPorts) {
    this.#ports = ports;
    this.#pauses = new Pauses(ports, this.#stopping.signal);
    this.#moved = new MovedRoles(() => ports.state.roles());
    const { state, site, clock, logger } = ports;
    this.events = new EventJournal({ memory: state.journal, now: () => clock.now(), logger });
    this.events.report({ kind: 'lead taken', message: `the worker at ${ports.url} leads site ${site}` });
    const policy = state.prefixPolicy;
    for (const link of state.links()) if (policy !== undefined && link.to === site) this.#startLink(link, policy);
    this.applications = new SiteApplications({
      ...{ site, state, clock, logger, moved: () => this.#moved.names() },
      ...{ cluster: ports.clusters[site], mayAct: () => ports.workers.mayAct(), events: this.events },
    });
    this.drills = new SiteDrills({
      ...{
        ...ports.drills,
        site,
        pair: ports.pair,
        version: ports.version,
        clusters: ports.clusters,
        quarantineFolder: ports.quarantineFolder,
        state,
        clock,
        logger,
      },
      ...{ events: this.events, link: () => this.links[0], order: (work) => this.#order(work) },
      ...{ mayAct: () => ports.workers.mayAct(), isHeld: (topic) => ports.workers.holds(topic) },
    });
    this.#watching = this.#watchLoop(this.#stopping.signal);
  }

  get links(): readonly LinkControl[] {
    return [...this.#links.values()];
  }

  get violations(): readonly ViolationView[] {
    return this.#violations;
  }

  /** Of the own cluster; undefined before it has answered. */
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** Every partition that is to be copied to this site. */
  wanted(held: Iterable<PartitionSets>): PartitionSets {
    const holdings = [...held];
    return new Map(this.links.flatMap((link) => [...link.wanted(holdings)]));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.drills.stop();
    await Promise.all([this.#watching, this.applications.stop(), ...this.links.map((link) => link.stop())]);
    await this.events.stop();
  }

  /** A worker that copies the partition has stopped it. Resolves when that will outlive all workers, if it has to. */
  async faulted(found: FoundFault): Promise<void> {
    const { topic, partition, fault } = found;
    for (const link of this.links) {
      await link.faulted(found);
      const message = `${topic}, partition ${partition}: ${fault.code}: ${fault.message}`;
      this.events.report({ kind: 'fault found', link: link.id, message });
    }
  }

  link(id: string): LinkControl {
    const link = this.#links.get(id);
    if (link === undefined) throw new Problem('NOT_FOUND', `site ${this.#ports.site} has no link ${id}`);
    return link;
  }

  /** What is not about prefixes may change at any time. */
  putPrefixPolicy(declared: DeclaredPolicy, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      const { state } = this.#ports;
      const known = state.prefixPolicy;
      if (isDeepStrictEqual(known?.declared, declared)) return;
      const standing = this.#standing();
      refuse(whyNotRenamed({ now: known, next: compilePolicy(declared) }, standing));
      refuse(whyNoNewPolicy(standing.operations));
      refuseOwnPrincipals(declared, this.#ports.rights);
      await state.putPrefixPolicy(declared, signal);
      await this.applications.round(signal);
    });
  }

  /** As it is declared. */
  get prefixPolicy(): DeclaredPolicy | undefined {
    return this.#ports.state.prefixPolicy?.declared;
  }

  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      const { state } = this.#ports;
      if (isDeepStrictEqual(state.schemaPrimary, primary)) return;
      if (state.schemaPrimary !== undefined && state.schemaPrimary.site !== primary.site) {
        const change = { now: state.schemaPrimary, next: primary };
        refuse(whyNotSchemaPrimary(change, { follow: this.links.some(schemasFollow) }));
      }
      await state.putSchemaPrimary(primary, signal);
    });
  }

  putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView> {
    return this.#order(async () => {
      const id = linkId(link);
      const { site, state } = this.#ports;
      if (link.to !== site)
        throw new Problem('WRONG_SITE', `the link ${id} ends at site ${link.to}, this is the worker of site ${site}`);
      const policy = state.prefixPolicy;
      if (policy === undefined)
        throw new Problem('POLICY_MISSING', `the link ${id} cannot run without a prefix policy`);
      const running = this.#links.get(id);
      if (running !== undefined) return await this.#redeclare(running, link, signal);
      await checkStart(this.#checksOf(link, policy), signal);
      const formerLife = { link: id, at: this.#ports.clock.now() };
      await endRebuilds(state, formerLife, signal);
      await endRebuilds(reconcileJournal(state), formerLife, signal);
      await state.putLink(link, signal);
      return this.#startLink(link, policy).view();
    });
  }

  deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      const running = this.link(id);
      const { followed, rebuilds, tails } = running;
      const rebuilt = [...rebuilds.held, ...tails.reconciliations.held];
      refuse(whyNotDeleted({ ...this.#standing(), id, followed, rebuilt }, mode));
      await this.#ports.state.removeLink(id, signal);
      await this.#pauses.forget(id, signal);
      this.#links.delete(id);
      await running.stop();
      this.#ports.workers.taskChanged(`the link ${id} was detached`);
      await this.#untilIdle(id, signal);
    });
  }

  /** When it resolves nobody appends to the copy, or to any copy of the link. */
  pause({ link: id, topic }: PauseSubject, signal: AbortSignal): Promise<void> {
    return this.#order(() => {
      const link = this.link(id);
      return topic === undefined ? this.#pauses.pauseLink(link, signal) : this.#pauses.pauseTopic(link, topic, signal);
    });
  }

  /** Copying goes on exactly where it stopped. */
  resume(subject: PauseSubject, signal: AbortSignal): Promise<void> {
    return this.#order(() => this.#pauses.resume(this.link(subject.link), subject, signal));
  }

  /** Orders are carried out one after the other: no two plans are confirmed at once. A drill gives way to what is meant. */
  async beginMove(
    link: LinkControl,
    { request, hash }: { readonly request: MoveRequest; readonly hash: string },
    signal: AbortSignal,
  ): Promise<OperationView> {
    const execute = (): Promise<OperationView> => this.#order(() => link.moves.execute(request, hash, signal));
    const gaveWay = await this.drills.giveWay(`a ${request.kind} to site ${link.spec.to} was confirmed`, signal);
    return gaveWay ? untilLevel(execute, signal) : execute();
  }

  /** Whoever is told that the link is gone may rely on it: nobody appends any more. */
  async #untilIdle(id: string, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 0; !this.#ports.workers.idle && !hasAborted(this.#stopping.signal); attempt++) {
      await pause.wait(signal, Math.min(retryDelays.after(attempt), 500));
      if (hasAborted(signal))
        throw new Problem('NOT_READY', `the link ${id} was detached, but some worker has not stopped copying yet`);
    }
  }

  async #redeclare(running: LinkControl, link: LinkSpec, signal: AbortSignal): Promise<LinkView> {
    if (!isDeepStrictEqual(running.spec, link)) {
      const orphans = running.topicViews().flatMap(({ name, state }) => (state === 'orphaned' ? [name] : []));
      const { operations } = this.#standing();
      refuse(whyNotRedeclared({ now: running.spec, next: link }, { operations, orphans }));
      const newlyRefuses = link.acls?.leaks === 'refuse' && running.spec.acls?.leaks !== 'refuse';
      if (newlyRefuses) await refuseLeaks(this.#checksOf(link, running.policy));
      await this.#ports.state.putLink(link, signal);
      running.redeclare(link);
    }
    return running.view();
  }

  /** Topics that are not primary at home, whether a link runs or not. */
  roles(): readonly MovedRoleView[] {
    return movedRoleViews(this.#ports.state);
  }

  #standing(): SiteStanding {
    const { state } = this.#ports;
    return {
      ...{ links: [...this.#links.keys()], operations: openOperations(state.moves) },
      ...{ moved: this.roles().map(({ topic }) => topic), copies: state.shadowTopics() },
    };
  }

  #checksOf(link: LinkSpec, policy: PrefixPolicy): StartChecks {
    const { clusters, rights, state } = this.#ports;
    return {
      ...{ link, policy, schemaPrimary: state.schemaPrimary, moved: () => this.#moved.names() },
      ...{ source: clusters[link.from], target: clusters[link.to] },
      rights: { source: rights[link.from], target: rights[link.to] },
    };
  }

  #order<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#orders.then(() => {
      if (this.#stopping.signal.aborted) throw new Problem('NOT_READY', 'another worker leads the site now');
      return work();
    });
    // The queue goes on after a failed order; who gave it is told by `done`.
    this.#orders = done.catch(() => undefined);
    return done;
  }

  #startLink(link: LinkSpec, policy: PrefixPolicy): LinkControl {
    const { state, workers, clock, logger, discoveryIntervalMs, pair, version } = this.#ports;
    const control = new LinkControl({
      ...this.#checksOf(link, policy),
      ...{ state, workers, clock, logger, discoveryIntervalMs, pair, version },
      events: this.events,
      schemaPrimary: () => state.schemaPrimary,
      quarantineFolder: this.#ports.quarantineFolder,
      quarantineArchive: this.#ports.quarantineArchive,
      repoint: this.#ports.repoint,
      isRetired: (topic) => this.drills.canaries.isRetired(topic),
    });
    this.#links.set(control.id, control);
    logger.info({ link: control.id }, 'link started');
    return control;
  }

  async #watchLoop(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let failures = 0;
    while (!hasAborted(signal)) {
      try {
        await this.#look();
        this.#notice();
        failures = 0;
      } catch (error) {
        if (hasAborted(signal)) return;
        failures += 1;
        this.#ports.logger.warn({ err: error, failures }, 'looking at the own cluster failed; trying again');
      }
      const againMs = lookIntervalMs(this.#ports.discoveryIntervalMs, this.#partitionsSeen);
      await pause.wait(signal, failures === 0 ? againMs : retryDelays.after(failures));
    }
  }

  /** Tells what an operator would see change from one look to the next. */
  #notice(): void {
    const now = snapshotOf(this.links, this.#violations);
    for (const notice of noticesBetween(this.#seen, now)) this.events.report(notice);
    this.#seen = now;
  }

  async #look(): Promise<void> {
    const { site, state, clusters } = this.#ports;
    const { prefixPolicy, schemaPrimary } = state;
    const owners = prefixPolicy?.owners;
    const ending = linkId({ from: otherSite(site), to: site });
    const copies = state.shadows().filter(({ link }) => link === ending);
    // What this site took over is where it belongs, for now.
    const taken = this.roles().filter(({ primary }) => primary === site);
    const shadows = new Set([...copies, ...taken].map(({ topic }) => topic));
    const sight = await watchSite(clusters[site], { site, owners, schemaPrimary, shadows });
    this.#clusterId = sight.clusterId;
    this.#violations = sight.violations;
    this.#partitionsSeen = sight.partitions;
  }
}

function refuse(problem: Problem | undefined): void {
  if (problem !== undefined) throw problem;
}

/** Over the link or back. */
function schemasFollow({ id, syncs }: LinkControl): boolean {
  const { bound } = syncs.schemasRole;
  if (bound !== undefined) return bound;
  throw new Problem('NOT_READY', `whether schemas follow over the link ${id} or back cannot be told yet`);
}

/** Rights of applications on a principal of umbra would open what the fence closes. */
function refuseOwnPrincipals({ applications }: DeclaredPolicy, rights: SiteControlPorts['rights']): void {
  for (const site of sites) {
    const { principals } = rights[site];
    const own = principals.kind === 'known' ? principals.names : [];
    const index = applications[site].findIndex(({ principal }) => own.includes(principal));
    if (index < 0) continue;
    const name = applications[site][index]?.principal ?? '';
    throw new Problem(
      'INVALID_INPUT',
      `body.applications.${site}[${index}].principal: ${name} is umbra's own principal`,
    );
  }
}
