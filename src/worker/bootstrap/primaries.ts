import type { Logger } from 'pino';
import { addressText, parseAddress } from '../../kafka/address.ts';
import { Cluster } from '../../kafka/cluster.ts';
import { defaultLimits } from '../../kafka/connection.ts';
import type { RoleViews } from '../../pair/ownership.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { ownerOf } from '../../prefix-policy/prefix-policy.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { schemasHome } from '../../pair/schemas-home.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { Problem } from '../problems.ts';
import type { WorkerConfig } from '../worker-config.ts';
import type { BootstrapAnswer, BootstrapView, SiteAddresses } from './bootstrap-view.ts';
import { type FoundPrimary, primaryOfPrefix, primaryOfTopic } from './find-primary.ts';
import { RoleWatch } from './role-watch.ts';

/** An application learns of a move so much later, at most, from a worker of the site that it moved to. */
const ownLookMs = 200;
/** From a worker of the other site. */
const otherLookMs = 500;
/** Of either site, while no application has asked for so long: still often enough for an answer to be proven. */
const idleLookMs = 2_000;
const idleAfterMs = 60_000;
/** A view that is older proves nothing any more. */
const provenMs = 3_000;
/** A site that hangs must not hold up a look for longer. */
const limits = { ...defaultLimits, connectTimeoutMs: 3_000, requestTimeoutMs: 3_000 };
/** Different questions whose answers are remembered. */
const rememberedMax = 1_000;

/** At most one of them; none asks for the prefixes of both owners. */
export interface BootstrapQuery {
  readonly topic?: string | undefined;
  readonly prefix?: string | undefined;
}

export interface PrimariesPorts {
  readonly config: Pick<WorkerConfig, 'site' | 'pair' | 'clusters' | 'clients'>;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

/**
 * Who is primary of what, for applications: answered by every worker of either site from what it has seen last of both
 * `_umbra`, without asking anybody. It takes no part in the group and needs none, so it goes on answering while its own
 * cluster is gone.
 */
export class Primaries {
  readonly #ports: PrimariesPorts;
  readonly #clusters: readonly Cluster[];
  readonly #watches: Readonly<Record<SiteId, RoleWatch>>;
  readonly #remembered = new Map<string, FoundPrimary>();
  #rememberedVersions = '';
  #askedAtMs = -Infinity;
  #running: Promise<unknown> = Promise.resolve();

  constructor(ports: PrimariesPorts) {
    this.#ports = ports;
    const { config, clock, logger } = ports;
    const cluster = (site: SiteId): Cluster =>
      new Cluster(`site ${site}`, config.clusters[site], { clientId: `umbra-${config.pair}-${config.site}`, limits });
    const clusters = { a: cluster('a'), b: cluster('b') };
    const watch = (site: SiteId): RoleWatch =>
      new RoleWatch({
        ...{ site, cluster: clusters[site], clock, logger },
        lookMs: () => (this.#isIdle() ? idleLookMs : site === config.site ? ownLookMs : otherLookMs),
      });
    this.#clusters = Object.values(clusters);
    this.#watches = { a: watch('a'), b: watch('b') };
  }

  /** Begins to look at both sites, each at its own pace. Once. */
  begin(signal: AbortSignal): void {
    this.#running = Promise.all(sites.map((site) => this.#watches[site].run(signal)));
  }

  /** After the signal of {@link begin} has fired. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#clusters.map((each) => each.close()));
    await this.#running;
  }

  /** Throws `NOT_READY` before anything was seen, and `NOT_FOUND` for a name that neither site owns. */
  answer({ topic, prefix }: BootstrapQuery): BootstrapAnswer {
    this.#noteAsked();
    const owners = this.#owners();
    if (topic !== undefined) {
      const home = topic === schemasTopic ? this.#schemasHome() : ownerOf(topic, owners);
      if (home === undefined) throw unowned(`the topic "${topic}"`, owners);
      return this.#view(
        { topic },
        this.#remember(`topic ${topic}`, () => primaryOfTopic({ name: topic, home }, this.#views())),
      );
    }
    if (prefix !== undefined) return this.#ofPrefix(prefix);
    return { prefixes: sites.map((site) => this.#ofPrefix(owners[site])) };
  }

  #isIdle(): boolean {
    return this.#ports.clock.monotonicMs() - this.#askedAtMs > idleAfterMs;
  }

  /** Who asks once goes on asking: it is told of a move as soon as can be from now on. */
  #noteAsked(): void {
    const wasIdle = this.#isIdle();
    this.#askedAtMs = this.#ports.clock.monotonicMs();
    if (wasIdle) for (const site of sites) this.#watches[site].lookNow();
  }

  #ofPrefix(prefix: string): BootstrapView {
    const owners = this.#owners();
    const home = sites.find((site) => prefix.startsWith(owners[site]));
    if (home === undefined) throw unowned(`the prefix "${prefix}"`, owners);
    const copies = sites.flatMap((site) => this.#watches[site].seen.copies);
    return this.#view(
      { prefix },
      this.#remember(`prefix ${prefix}`, () => primaryOfPrefix({ prefix, home }, copies, this.#views())),
    );
  }

  #view(subject: BootstrapQuery, found: FoundPrimary): BootstrapView {
    const common = { ...subject, term: found.term, proven: this.#proven() };
    if (found.state !== 'settled') return { ...common, state: found.state };
    const { bootstrapServers, brokers } = this.#addressesOf(found.primary);
    const standby = this.#addressesOf(otherSite(found.primary));
    return { ...common, state: 'settled', primary: found.primary, bootstrapServers, brokers, standby };
  }

  /** Where applications are told of a listener of their own, the addresses that umbra is told are none of theirs. */
  #addressesOf(site: SiteId): SiteAddresses {
    const { clients, clusters } = this.#ports.config;
    const own = clients?.[site]?.bootstrapServers;
    const bootstrapServers = [...(own ?? clusters[site].bootstrapServers)];
    const advertised = own === undefined ? this.#watches[site].addresses : [];
    const known = new Set([...bootstrapServers, ...advertised.map(addressText)]);
    return { site, bootstrapServers, brokers: [...known].map((server) => parseAddress(server)) };
  }

  #proven(): boolean {
    return sites.every((site) => {
      const { ageMs } = this.#watches[site];
      return ageMs !== undefined && ageMs <= provenMs;
    });
  }

  #views(): RoleViews {
    return { a: this.#watches.a.seen.view, b: this.#watches.b.seen.view };
  }

  /** Both sites are told the same policy; either may be the one that can be read. */
  #owners(): Readonly<Record<SiteId, string>> {
    const { site } = this.#ports.config;
    const inOrder = [site, otherSite(site)].map((each) => this.#watches[each].seen);
    const owners = inOrder.find((seen) => seen.owners !== undefined)?.owners;
    if (owners !== undefined) return owners;
    const read = inOrder.some(({ view }) => view.kind === 'read');
    throw new Problem(
      'NOT_READY',
      read
        ? `no prefix policy is declared at site ${site}: who is primary of what is not known`
        : 'the state topic of neither site has been read yet: who is primary of what is not known',
    );
  }

  #schemasHome(): SiteId | undefined {
    const { site } = this.#ports.config;
    const declared = this.#watches[site].seen.schemaPrimary ?? this.#watches[otherSite(site)].seen.schemaPrimary;
    return schemasHome(declared === undefined ? undefined : { site: declared }, this.#views());
  }

  #remember(question: string, find: () => FoundPrimary): FoundPrimary {
    const versions = sites.map((site) => this.#watches[site].version).join();
    if (versions !== this.#rememberedVersions || this.#remembered.size >= rememberedMax) {
      this.#remembered.clear();
      this.#rememberedVersions = versions;
    }
    const known = this.#remembered.get(question) ?? find();
    this.#remembered.set(question, known);
    return known;
  }
}

function unowned(what: string, owners: Readonly<Record<SiteId, string>>): Problem {
  return new Problem('NOT_FOUND', `${what} begins with neither "${owners.a}" nor "${owners.b}": no site owns it`);
}
