import type { Logger } from 'pino';
import { Cluster } from '../kafka/cluster.ts';
import { otherSite, sites } from '../pair/site.ts';
import { linkId, type LinkSpec, type PrefixOwners } from '../pair/spec.ts';
import { provePrefixes } from '../prefix-policy/prefix-policy.ts';
import { defaultReplicatorLimits } from '../replication/replicator-limits.ts';
import { retryDelays } from '../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../replication/waiting/wakeup.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { LinkRunner } from './link-runner.ts';
import { createMetrics } from './metrics.ts';
import { Problem } from './problems.ts';
import { endRebuilds } from './rebuild/end-rebuilds.ts';
import type { RebuildView } from './rebuild/rebuild-view.ts';
import type { LinkDeletion, WorkerService } from './service.ts';
import { lookIntervalMs } from './look-interval.ts';
import { watchSite } from './site-watch.ts';
import { ensureStateTopic, SiteState } from './state.ts';
import type { LinkView, PairView, TopicDetailView, TopicView, ViolationView } from './views.ts';
import type { WorkerConfig } from './worker-config.ts';

const version = '0.1.0';
const stopPatienceMs = 5_000;

/**
 * One worker: the link that ends at its site, the spec it is told over the API, and the views of both. State is in
 * `_umbra` of its own cluster; until that has been read the worker is not ready and takes no orders.
 */
export class PairWorker implements WorkerService {
  readonly #config: WorkerConfig;
  readonly #logger: Logger;
  readonly #clusters: Readonly<Record<'a' | 'b', Cluster>>;
  readonly #state: SiteState;
  readonly #links = new Map<string, LinkRunner>();
  readonly #stopping = new AbortController();
  readonly #startedAt = new Date();
  readonly #metrics: ReturnType<typeof createMetrics>;
  readonly #loop: Promise<void>;
  /** Orders are carried out one after the other. */
  #orders: Promise<unknown> = Promise.resolve();
  #loaded = false;
  #trouble = 'the state topic has not been read yet';
  #partitionsSeen = 0;
  #violations: readonly ViolationView[] = [];
  #clusterId: string | undefined;

  constructor(config: WorkerConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    const connect = (site: 'a' | 'b'): Cluster =>
      new Cluster(`site ${site}`, config.clusters[site], { clientId: `umbra-${config.pair}-${config.site}` });
    this.#clusters = { a: connect('a'), b: connect('b') };
    this.#state = new SiteState(this.#own);
    this.#metrics = createMetrics(config.pair, config.site, () => this.#links.values());
    this.#loop = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    const stopped = Promise.allSettled([...this.#links.values()].map((link) => link.stop()));
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
    return this.#loaded ? { ready: true, reason: 'ready' } : { ready: false, reason: this.#trouble };
  }

  metrics(): Promise<string> {
    return this.#metrics.metrics();
  }

  /** Before the state is read an empty answer would be a lie: links may be declared that are not yet known here. */
  #requireLoaded(): void {
    if (!this.#loaded) throw new Problem('NOT_READY', this.#trouble);
  }

  linkViews(): readonly LinkView[] {
    this.#requireLoaded();
    return [...this.#links.values()].map((link) => link.view());
  }

  topicViews(): readonly TopicView[] {
    return this.#details().map(
      ({ partitionViews: _views, sourceTopicId: _source, shadowTopicId: _shadow, ...view }) => view,
    );
  }

  topicView(name: string): TopicDetailView {
    const found = this.#details().find((topic) => topic.name === name);
    if (found === undefined)
      throw new Problem('NOT_FOUND', `no link of site ${this.#config.site} carries a topic named ${name}`);
    return found;
  }

  pairView(): PairView {
    this.#requireLoaded();
    const { prefixOwners, schemaPrimary } = this.#state;
    return {
      pair: this.#config.pair,
      site: this.#config.site,
      worker: { version, pid: process.pid, startedAt: this.#startedAt.toISOString() },
      ...(prefixOwners === undefined ? {} : { prefixes: prefixOwners }),
      ...(schemaPrimary === undefined ? {} : { schemaPrimary: schemaPrimary.site }),
      sites: sites.map((site) => ({
        site,
        bootstrapServers: [...this.#config.clusters[site].bootstrapServers],
        ...(site === this.#config.site && this.#clusterId !== undefined ? { clusterId: this.#clusterId } : {}),
      })),
      links: [...this.linkViews()],
      violations: [...this.#violations],
    };
  }

  putPrefixPolicy(owners: PrefixOwners, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      const wrong = provePrefixes(owners)[0];
      if (wrong !== undefined) throw new Problem('INVALID_INPUT', `${wrong.path} ${wrong.message}`);
      const known = this.#state.prefixOwners;
      if (known?.a === owners.a && known.b === owners.b) return;
      if (this.#links.size > 0) {
        throw new Problem(
          'POLICY_IN_USE',
          `the link ${[...this.#links.keys()].join(', ')} runs under the present prefixes`,
        );
      }
      await this.#state.putPrefixOwners(owners, signal);
    });
  }

  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      if (this.#state.schemaPrimary?.site === primary.site) return;
      await this.#state.putSchemaPrimary(primary, signal);
    });
  }

  putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView> {
    return this.#order(async () => {
      const id = linkId(link);
      const { site } = this.#config;
      if (link.to !== site)
        throw new Problem('WRONG_SITE', `the link ${id} ends at site ${link.to}, this is the worker of site ${site}`);
      const owners = this.#state.prefixOwners;
      if (owners === undefined)
        throw new Problem('POLICY_MISSING', `the link ${id} cannot run without a prefix policy`);
      const running = this.#links.get(id);
      if (running !== undefined) return await this.#redeclare(running, link, signal);
      await endRebuilds(this.#state, { link: id, at: new Date() }, signal);
      await this.#state.putLink(link, signal);
      return this.#startLink(link, owners).view();
    });
  }

  deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void> {
    return this.#order(async () => {
      const running = this.#links.get(id);
      if (running === undefined) throw new Problem('NOT_FOUND', `site ${this.#config.site} has no link ${id}`);
      const { followed, rebuilds } = running;
      const [held] = rebuilds.held;
      if (held !== undefined) {
        throw new Problem('REBUILD_BUSY', `the copy of ${held} on link ${id} is being rebuilt; nothing was changed`);
      }
      if (mode === 'refuse' && followed > 0) {
        throw new Problem(
          'LINK_FOLLOWS',
          `link ${id} follows ${followed} ${followed === 1 ? 'topic' : 'topics'}; nothing was changed`,
        );
      }
      await this.#state.removeLink(id, signal);
      this.#links.delete(id);
      await running.stop();
    });
  }

  async #redeclare(running: LinkRunner, link: LinkSpec, signal: AbortSignal): Promise<LinkView> {
    const { gap = 'fault' } = link;
    if (running.gap !== gap) {
      await this.#state.putLink(link, signal);
      running.decideGaps(gap);
    }
    return running.view();
  }

  rebuildView(topic: string): RebuildView {
    return this.#linkOf(topic).rebuilds.view(topic);
  }

  async planRebuild(topic: string): Promise<RebuildView> {
    return this.#linkOf(topic).rebuilds.plan(topic);
  }

  async executeRebuild(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView> {
    return this.#linkOf(topic).rebuilds.execute(topic, hash, signal);
  }

  #linkOf(topic: string): LinkRunner {
    const id = this.topicView(topic).link;
    const link = this.#links.get(id);
    if (link === undefined) throw new Problem('NOT_FOUND', `the link ${id} was just detached`);
    return link;
  }

  get #own(): Cluster {
    return this.#clusters[this.#config.site];
  }

  #details(): readonly TopicDetailView[] {
    this.#requireLoaded();
    return [...this.#links.values()].flatMap((link) => link.topicViews());
  }

  #order<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#orders.then(() => {
      this.#requireLoaded();
      return work();
    });
    // The queue goes on after a failed order; who gave it is told by `done`.
    this.#orders = done.catch(() => undefined);
    return done;
  }

  #startLink(link: LinkSpec, owners: PrefixOwners): LinkRunner {
    const { tuning } = this.#config;
    const runner = new LinkRunner({
      link,
      source: this.#clusters[link.from],
      target: this.#clusters[link.to],
      state: this.#state,
      owners,
      schemaPrimary: () => this.#state.schemaPrimary,
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      logger: this.#logger,
      limits: {
        ...defaultReplicatorLimits,
        bufferBytesMax: tuning.bufferBytesMax,
        foreignWriteCheckMs: tuning.foreignWriteCheckMs,
      },
      discoveryIntervalMs: tuning.discoveryIntervalMs,
      pair: this.#config.pair,
      version,
      quarantineFolder: this.#config.quarantineFolder,
    });
    this.#links.set(runner.id, runner);
    this.#logger.info({ link: runner.id }, 'link started');
    return runner;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let failures = 0;
    while (!hasAborted(signal)) {
      try {
        if (!this.#loaded) await this.#load(signal);
        await this.#look();
        failures = 0;
      } catch (error) {
        if (hasAborted(signal)) return;
        failures += 1;
        this.#trouble = error instanceof Error ? error.message : String(error);
        this.#logger.warn({ err: error, failures }, 'the own cluster does not answer as it should; trying again');
      }
      const againMs = lookIntervalMs(this.#config.tuning.discoveryIntervalMs, this.#partitionsSeen);
      await pause.wait(signal, failures === 0 ? againMs : retryDelays.after(failures));
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    await ensureStateTopic(this.#own);
    await this.#state.catchUp(signal);
    const owners = this.#state.prefixOwners;
    for (const link of this.#state.links()) {
      if (owners !== undefined && link.to === this.#config.site) this.#startLink(link, owners);
    }
    this.#loaded = true;
    this.#logger.info({ links: [...this.#links.keys()] }, 'state read; ready');
  }

  async #look(): Promise<void> {
    const { site } = this.#config;
    const { prefixOwners: owners, schemaPrimary } = this.#state;
    const shadows = new Set(
      this.#state
        .shadows()
        .filter(({ link }) => link === linkId({ from: otherSite(site), to: site }))
        .map(({ topic }) => topic),
    );
    const sight = await watchSite(this.#own, { site, owners, schemaPrimary, shadows });
    this.#clusterId = sight.clusterId;
    this.#violations = sight.violations;
    this.#partitionsSeen = sight.partitions;
  }
}
