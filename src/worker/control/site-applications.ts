import type { Logger } from 'pino';
import type { Acl } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import type { SiteId } from '../../pair/site.ts';
import { renderApplicationAcls } from '../../prefix-policy/acls.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { type MovedNames, nothingMoved } from '../../prefix-policy/moved-names.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { ApplicationAcls } from '../../sync/acls/application-acls.ts';
import { readFences } from '../../sync/acls/fence-book.ts';
import { type ApplicationsView, renderApplications } from '../acl-view.ts';
import type { EventSink } from '../events/event.ts';
import { aclNotice } from '../events/sync-notices.ts';
import { fenceMemory } from '../state/fence-memory.ts';
import type { SiteState } from '../state/state.ts';

export interface SiteApplicationsPorts {
  readonly site: SiteId;
  readonly cluster: Cluster;
  readonly state: Pick<SiteState, 'prefixPolicy' | 'acls' | 'section'>;
  /** Which names are not primary at home; the same object until that changes. Default none. */
  readonly moved?: () => MovedNames;
  readonly mayAct: () => boolean;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
}

const intervalMs = 5_000;
/** One that hangs is given up, and begun anew. */
const roundMsMax = 60_000;
/** Of their pages in `_umbra`, beside those of links. */
const memoryOwner = 'applications';

/** What the prefix policy grants to the applications of this site, kept at its cluster in rounds by the controller. */
export class SiteApplications {
  readonly #ports: SiteApplicationsPorts;
  readonly #acls: ApplicationAcls;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  #turn: Promise<unknown> = Promise.resolve();
  #rendered: { readonly policy: PrefixPolicy; readonly moved: MovedNames; readonly acls: readonly Acl[] } | undefined;

  constructor(ports: SiteApplicationsPorts) {
    this.#ports = ports;
    const { site, cluster, state, mayAct, clock, logger } = ports;
    const fences = fenceMemory(state);
    this.#acls = new ApplicationAcls({
      ...{ cluster, mayAct, memory: state.acls(memoryOwner), now: () => clock.now() },
      wanted: () => this.#wanted(),
      withdrawn: () =>
        new Set([...readFences(fences.pages()).values()].flatMap((fence) => [...fence.withdrawn.keys()])),
      report: (event) => {
        const level = event.kind === 'acls refused' ? 'warn' : 'info';
        logger[level]({ site, of: 'applications', ...event }, event.kind);
        const notice = aclNotice(undefined, event);
        if (notice !== undefined) ports.events.report(notice);
      },
    });
    this.#loop = this.#keep(this.#stopping.signal);
  }

  view(): ApplicationsView {
    return renderApplications(this.#acls.view());
  }

  /** Now, not at the next look: what is declared is granted when this resolves, or the view says why not. */
  round(signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, this.#stopping.signal, AbortSignal.timeout(roundMsMax)]);
    const round = this.#turn.then(() => this.#acls.round(bounded));
    this.#turn = round.catch(() => undefined);
    return round;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#turn;
  }

  #wanted(): readonly Acl[] {
    const policy = this.#ports.state.prefixPolicy;
    if (policy === undefined) return [];
    const moved = this.#ports.moved?.() ?? nothingMoved;
    if (this.#rendered?.policy !== policy || this.#rendered.moved !== moved) {
      const { site } = this.#ports;
      const { owners, groups, transactionalIds, applications } = policy;
      const input = { site, owners, groups, transactionalIds, applications: applications[site], moved };
      this.#rendered = { policy, moved, acls: renderApplicationAcls(input) };
    }
    return this.#rendered.acls;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      try {
        await this.round(signal);
      } catch (error) {
        if (hasAborted(signal)) return;
        this.#ports.logger.error({ err: error }, 'a round of granting failed; it is tried again');
      }
      await pause.wait(signal, intervalMs);
    }
  }
}
