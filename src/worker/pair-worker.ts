import type { Logger } from 'pino';
import { sumExposures } from '../exposure/exposure.ts';
import { Cluster } from '../kafka/cluster.ts';
import { Secret } from '../kafka/secret.ts';
import { sites } from '../pair/site.ts';
import type { LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { CopierClock } from '../replication/waiting/copier-clock.ts';
import { retryDelays } from '../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../replication/waiting/wakeup.ts';
import type { TailDecision } from '../quarantine/manifest.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import type { AclsView } from './acl-view.ts';
import type { BootstrapAnswer } from './bootstrap/bootstrap-view.ts';
import { type BootstrapQuery, Primaries } from './bootstrap/primaries.ts';
import type { WorkerReport } from './copying/worker-report.ts';
import type { DrillService } from './drill/drill-service.ts';
import type { ChangeInHand, ChangeIntent, EventsQuery, EventSink, EventsView } from './events/event.ts';
import type { FaultNotice } from './group/fault-notice.ts';
import { Peers } from './group/peers.ts';
import type { LinkControl } from './control/link-control.ts';
import { isOwnSite } from './own-site.ts';
import type { Scrape } from './metrics/metric.ts';
import { createMetrics } from './metrics/registry.ts';
import { gatherForScrape, scrape } from './metrics/scrape.ts';
import { Problem } from './problems.ts';
import type { MovedRoleView, MovePlan, MoveRequest, OperationView, PartView } from './moves/operation-view.ts';
import type { RebuildView } from './rebuild/rebuild-view.ts';
import type { Controller, LinkDeletion, WorkerService } from './service.ts';
import type { SiteControl } from './control/site-control.ts';
import { StoredSpecs } from './spec-desk.ts';
import type { SiteState } from './state/state.ts';
import {
  type LinkConfigsView,
  type LinkGroupsView,
  type LinkSchemasView,
  renderGroups,
  renderSchemas,
} from './sync-views.ts';
import type { LinkView, PairView, TopicDetailView, TopicView } from './views.ts';
import { peerToken, type WorkerConfig } from './worker-config.ts';
import { WorkerLife } from './worker-life.ts';

const version = '0.1.0';
const stopPatienceMs = 5_000;
const clock: CopierClock = { monotonicMs: () => performance.now(), now: () => new Date() };

/**
 * One worker process: a life in the group of its site's workers, another one when the group went on without it, and the
 * services of the API. State is in `_umbra` of its own cluster; until the group has given it its part it is not ready.
 */
export class PairWorker implements WorkerService {
  readonly #config: WorkerConfig;
  readonly #logger: Logger;
  readonly #clusters: Readonly<Record<'a' | 'b', Cluster>>;
  readonly #peers: Peers;
  readonly #primaries: Primaries;
  readonly #stopping = new AbortController();
  readonly #startedAt = new Date();
  readonly #metrics: ReturnType<typeof createMetrics>;
  #living: Promise<void> = Promise.resolve();
  #life: WorkerLife | undefined;
  /** Why it has not begun, until it has. */
  #notBegun = 'the worker has not begun yet';
  readonly specs = new StoredSpecs(() => this.#ledSite());
  readonly drills = (): DrillService => this.#control().drills;

  constructor(config: WorkerConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    const connect = (site: 'a' | 'b'): Cluster =>
      new Cluster(`site ${site}`, config.clusters[site], { clientId: `umbra-${config.pair}-${config.site}` });
    this.#clusters = { a: connect('a'), b: connect('b') };
    const token = peerToken(config.api);
    this.#peers = new Peers(token === undefined ? undefined : new Secret(token));
    this.#primaries = new Primaries({ config, clock, logger });
    this.#metrics = createMetrics(config.pair, config.site, () => this.#scrape());
  }

  /** Joins the workers of its site; `url` is where they reach this one's API. Once. */
  begin(url: string): void {
    this.#primaries.begin(this.#stopping.signal);
    this.#living = this.#live(this.#config.api.advertisedUrl ?? url, this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const life = this.#life;
    const stopped = Promise.allSettled([this.#living, life?.stop(), this.#primaries.stop()]);
    // Answers on their way are waited for, but not those of a broker that hangs.
    const patience = new Wakeup();
    void stopped.then(() => patience.wake());
    await patience.wait(new AbortController().signal, stopPatienceMs);
    await Promise.allSettled(sites.map((site) => this.#clusters[site].close()));
    await stopped;
  }

  healthy(): boolean {
    return !this.#stopping.signal.aborted;
  }

  readiness(): { readonly ready: boolean; readonly reason: string } {
    const trouble = this.#life === undefined ? this.#notBegun : this.#life.trouble;
    return trouble === undefined ? { ready: true, reason: 'ready' } : { ready: false, reason: trouble };
  }

  async metrics(): Promise<string> {
    await gatherForScrape(this.#life);
    return this.#metrics.metrics();
  }

  /** What {@link metrics} shows, for other forms of it. */
  async scraped(): Promise<Scrape> {
    await gatherForScrape(this.#life);
    return this.#scrape();
  }

  controller(): Controller {
    const life = this.#life;
    if (life?.trouble !== undefined || life === undefined) return { kind: 'unknown', reason: this.readiness().reason };
    if (life.control !== undefined) return { kind: 'here' };
    const { controllerUrl: url } = life;
    if (url === undefined || url === life.url) {
      const why = life.leadTrouble === undefined ? '' : `: ${life.leadTrouble}`;
      return { kind: 'unknown', reason: `no worker leads the site at this moment${why}` };
    }
    return { kind: 'elsewhere', url };
  }

  workerReport(): WorkerReport {
    if (this.#life === undefined) throw new Problem('NOT_READY', this.readiness().reason);
    return this.#life.report();
  }

  async takeNotice(notice: FaultNotice): Promise<void> {
    this.#control();
    await this.#life?.takeNotice(notice);
  }

  async linkViews(signal: AbortSignal): Promise<readonly LinkView[]> {
    const control = await this.#gathered(signal);
    return control.links.map((link) => link.view());
  }

  async topicViews(signal: AbortSignal): Promise<readonly TopicView[]> {
    const details = await this.#details(signal);
    return details.map(({ partitionViews: _views, sourceTopicId: _source, shadowTopicId: _shadow, ...view }) => view);
  }

  async topicView(name: string, signal: AbortSignal): Promise<TopicDetailView> {
    const found = (await this.#details(signal)).find((topic) => topic.name === name);
    if (found === undefined)
      throw new Problem('NOT_FOUND', `no link of site ${this.#config.site} carries a topic named ${name}`);
    return found;
  }

  async pairView(signal: AbortSignal): Promise<PairView> {
    const links = await this.linkViews(signal);
    const control = this.#control();
    const state = this.#life?.state;
    const oldSide = control.links.map(({ tails }) => tails.returned.view()).find((view) => view !== undefined);
    return {
      pair: this.#config.pair,
      site: this.#config.site,
      worker: { version, pid: process.pid, startedAt: this.#startedAt.toISOString() },
      ...(state?.prefixPolicy === undefined ? {} : { prefixes: state.prefixPolicy.owners }),
      ...(state?.schemaPrimary === undefined ? {} : { schemaPrimary: state.schemaPrimary.site }),
      sites: sites.map((site) => ({
        site,
        bootstrapServers: [...this.#config.clusters[site].bootstrapServers],
        ...(site === this.#config.site && control.clusterId !== undefined ? { clusterId: control.clusterId } : {}),
      })),
      links: [...links],
      exposure: sumExposures(links.map(({ exposure }) => exposure)),
      violations: [...control.violations],
      ...(oldSide === undefined ? {} : { oldSide }),
      ...(this.specs.view === undefined ? {} : { channel: this.specs.view }),
    };
  }

  configViews(): readonly LinkConfigsView[] {
    return this.#control().links.map(({ id, syncs }) => ({ link: id, ...syncs.configs.view() }));
  }

  groupViews(): readonly LinkGroupsView[] {
    return this.#control().links.map(({ id, syncs }) => renderGroups(id, syncs.groups.view()));
  }

  aclsView(): AclsView {
    const { links, applications } = this.#control();
    return { links: links.map(({ syncs }) => syncs.acls.view()), applications: applications.view() };
  }

  schemaViews(): readonly LinkSchemasView[] {
    return this.#control().links.map(({ id, syncs }) => renderSchemas(id, syncs.schemas.view(), syncs.samples.view()));
  }

  bootstrapView(query: BootstrapQuery): BootstrapAnswer {
    return this.#primaries.answer(query);
  }

  events(query: EventsQuery): EventsView {
    return { site: this.#config.site, ...this.#control().events.view(query) };
  }

  async beginChange(intent: Omit<ChangeIntent, 'begunAt'>): Promise<ChangeInHand> {
    return this.#control().events.begin(intent);
  }

  prefixPolicy(): DeclaredPolicy {
    const policy = this.#control().prefixPolicy;
    if (policy === undefined)
      throw new Problem('NOT_FOUND', `no prefix policy is declared at site ${this.#config.site}`);
    return policy;
  }

  async putPrefixPolicy(policy: DeclaredPolicy, signal: AbortSignal): Promise<void> {
    await this.#control().putPrefixPolicy(policy, signal);
  }

  async putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void> {
    await this.#control().putSchemaPrimary(primary, signal);
  }

  async putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView> {
    return this.#control().putLink(link, signal);
  }

  async deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void> {
    await this.#control().deleteLink(id, mode, signal);
  }

  async pauseTopic(topic: string, signal: AbortSignal): Promise<TopicDetailView> {
    const { id } = await this.#unmovedLinkOf(topic, signal);
    await this.#control().pause({ link: id, topic }, signal);
    return this.topicView(topic, signal);
  }

  async resumeTopic(topic: string, signal: AbortSignal): Promise<TopicDetailView> {
    const { id } = await this.#linkOf(topic, signal);
    await this.#control().resume({ link: id, topic }, signal);
    return this.topicView(topic, signal);
  }

  async pauseLink(id: string, signal: AbortSignal): Promise<LinkView> {
    await this.#control().pause({ link: id }, signal);
    return this.#control().link(id).view();
  }

  async resumeLink(id: string, signal: AbortSignal): Promise<LinkView> {
    await this.#control().resume({ link: id }, signal);
    return this.#control().link(id).view();
  }

  async planMove(request: MoveRequest, signal: AbortSignal): Promise<MovePlan> {
    return this.#linkHere().moves.plan(request, signal);
  }

  async beginMove(request: MoveRequest, hash: string, signal: AbortSignal): Promise<OperationView> {
    return this.#control().beginMove(this.#linkHere(), { request, hash }, signal);
  }

  operations(): readonly OperationView[] {
    return this.#control().links.flatMap(({ moves }) => moves.views());
  }

  operation(id: string): OperationView {
    const found = this.operations().find((operation) => operation.id === id);
    if (found === undefined) throw new Problem('NOT_FOUND', `site ${this.#config.site} coordinates no operation ${id}`);
    return found;
  }

  parts(): readonly PartView[] {
    return this.#control().links.flatMap(({ moves }) => moves.parts());
  }

  releaseOperation(id: string): PartView {
    return this.#linkHere().moves.release(id);
  }

  abortOperation(id: string): OperationView {
    this.operation(id);
    return this.#linkHere().moves.abort(id);
  }

  roles(): readonly MovedRoleView[] {
    const control = this.#control();
    return control.links.reduce<readonly MovedRoleView[]>(
      (roles, { tails }) => tails.returned.besides(roles),
      control.roles(),
    );
  }

  reconciliationView(topic: string): RebuildView {
    return this.#linkHere().tails.reconciliations.view(topic);
  }

  async planReconciliation(topic: string, decision: TailDecision | undefined): Promise<RebuildView> {
    return this.#unpaused(this.#linkHere(), topic).tails.reconciliations.plan(topic, decision);
  }

  async executeReconciliation(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView> {
    return this.#unpaused(this.#linkHere(), topic).tails.reconciliations.execute(topic, hash, signal);
  }

  async rebuildView(topic: string, signal: AbortSignal): Promise<RebuildView> {
    return (await this.#linkOf(topic, signal)).rebuilds.view(topic);
  }

  async planRebuild(topic: string, signal: AbortSignal): Promise<RebuildView> {
    return (await this.#unpausedLinkOf(topic, signal)).rebuilds.plan(topic);
  }

  async executeRebuild(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView> {
    return (await this.#unpausedLinkOf(topic, signal)).rebuilds.execute(topic, hash, signal);
  }

  /** Before the state is read an empty answer would be a lie: links may be declared that are not yet known here. */
  #control(): SiteControl {
    const control = this.#life?.control;
    if (control !== undefined && this.#life?.trouble === undefined) return control;
    const { ready, reason } = this.readiness();
    throw new Problem('NOT_READY', ready ? 'another worker leads the site' : reason);
  }

  #ledSite(): { readonly state: SiteState; readonly events: EventSink } {
    const { events } = this.#control();
    if (this.#life === undefined) throw new Problem('NOT_READY', this.readiness().reason);
    return { state: this.#life.state, events };
  }

  /** The one whose copies can become primary here. */
  #linkHere(): LinkControl {
    const [link] = this.#control().links;
    if (link === undefined) throw new Problem('NOT_FOUND', `no link ends at site ${this.#config.site}`);
    return link;
  }

  async #gathered(signal: AbortSignal): Promise<SiteControl> {
    this.#control();
    await this.#life?.workers.gather(signal);
    return this.#control();
  }

  async #details(signal: AbortSignal): Promise<readonly TopicDetailView[]> {
    const control = await this.#gathered(signal);
    return control.links.flatMap((link) => link.topicViews());
  }

  async #linkOf(topic: string, signal: AbortSignal): Promise<LinkControl> {
    const { link } = await this.topicView(topic, signal);
    return this.#control().link(link);
  }

  /** What an operation has in hand is nobody else's. */
  async #unmovedLinkOf(topic: string, signal: AbortSignal): Promise<LinkControl> {
    const link = await this.#linkOf(topic, signal);
    const operation = link.moves.held.operationOf(topic);
    if (operation === undefined) return link;
    throw new Problem('MOVE_BUSY', `${operation} moves ${topic}; nothing was changed`);
  }

  async #unpausedLinkOf(topic: string, signal: AbortSignal): Promise<LinkControl> {
    return this.#unpaused(await this.#unmovedLinkOf(topic, signal), topic);
  }

  /** A rebuild ends with a new copy that is filled. */
  #unpaused(link: LinkControl, topic: string): LinkControl {
    if (link.paused === undefined) return link;
    throw new Problem(
      'REBUILD_REFUSED',
      `the link ${link.id} is paused, so a new copy of ${topic} would not be filled`,
    );
  }

  #scrape(): Scrape {
    return scrape(this.#life, { ready: this.readiness().ready, channel: this.specs.view });
  }

  async #live(url: string, signal: AbortSignal): Promise<void> {
    const logger = this.#logger;
    const ports = { config: this.#config, clusters: this.#clusters, peers: this.#peers };
    const { site } = this.#config;
    const own = { cluster: this.#clusters[site], site, logger, told: (why: string) => void (this.#notBegun = why) };
    if (!(await isOwnSite(own, signal))) return;
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      const life = new WorkerLife({ ...ports, version, url, clock, logger });
      this.#life = life;
      const { kind, reason } = await life.run(signal);
      if (hasAborted(signal)) return;
      logger.warn({ incarnation: life.incarnation, reason }, 'the site went on without this worker');
      await life.stop();
      // It would push out the one that has its place now, which would come back and push it out in turn.
      if (kind === 'replaced') return;
      await pause.wait(signal, retryDelays.firstMs);
    }
  }
}
