import type { Logger } from 'pino';
import type { Address } from '../../kafka/address.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import type { RoleView } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { SiteState } from '../state/state.ts';

/** Brokers come and go seldom; `_umbra` comes into being once. */
const addressesMs = 5_000;
/** For one look, all attempts together. */
const lookPatienceMs = 5_000;

export interface RoleWatchPorts {
  readonly site: SiteId;
  /** Connections of its own: a long answer to somebody else would hold up a look. */
  readonly cluster: Cluster;
  /** Time between two looks at the site's `_umbra`; asked before each pause. */
  readonly lookMs: () => number;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

/** What one site's `_umbra` says of roles, as of the last look that went well. */
export interface SeenRoles {
  readonly view: RoleView;
  readonly owners: PrefixOwners | undefined;
  /** Whose the schemas are. */
  readonly schemaPrimary: SiteId | undefined;
  /** Names of the copies at this site. */
  readonly copies: readonly string[];
}

const unseen: SeenRoles = { view: { kind: 'unread' }, owners: undefined, schemaPrimary: undefined, copies: [] };

/**
 * Follows one site's `_umbra` and its brokers' addresses, whichever worker leads, for those who ask often. What was seen
 * once stays known while the site does not answer; {@link ageMs} says how old it is.
 */
export class RoleWatch {
  readonly #ports: RoleWatchPorts;
  readonly #state: SiteState;
  #seen = unseen;
  #seenEnd: bigint | undefined;
  #seenAt: number | undefined;
  #addresses: readonly Address[] = [];
  #addressesAt: number | undefined;
  #exists = false;
  #version = 0;
  readonly #pause = new Wakeup();

  constructor(ports: RoleWatchPorts) {
    this.#ports = ports;
    this.#state = new SiteState(ports.cluster);
  }

  get seen(): SeenRoles {
    return this.#seen;
  }

  /** Grows whenever anything of it is different. */
  get version(): number {
    return this.#version;
  }

  /** What the brokers advertise to umbra. */
  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** Since the last look that went well; undefined before the first one. */
  get ageMs(): number | undefined {
    return this.#seenAt === undefined ? undefined : this.#ports.clock.monotonicMs() - this.#seenAt;
  }

  /** Until `signal` fires. Never rejects: who does not answer is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, site } = this.#ports;
    let failures = 0;
    while (!hasAborted(signal)) {
      try {
        await this.#look(AbortSignal.any([signal, AbortSignal.timeout(lookPatienceMs)]));
        if (failures > 0) logger.info({ site, failures }, 'the roles of the site can be read again');
        failures = 0;
      } catch (error) {
        if (hasAborted(signal)) return;
        failures += 1;
        if (failures === 1) logger.warn({ err: error, site }, 'the roles of the site cannot be read; trying again');
      }
      const lookMs = this.#ports.lookMs();
      await this.#pause.wait(signal, failures === 0 ? lookMs : Math.max(lookMs, retryDelays.after(failures)));
    }
  }

  /** Ends the pause between two looks. */
  lookNow(): void {
    this.#pause.wake();
  }

  async #look(signal: AbortSignal): Promise<void> {
    // Before it is asked: what is written while the answer is on its way is not in it.
    const at = this.#ports.clock.monotonicMs();
    const exists = await this.#lookAtAddresses(at);
    if (exists) await this.#state.catchUp(signal);
    const { end } = this.#state;
    if (this.#seenEnd !== end || this.#seen === unseen) {
      this.#seen = {
        view: this.#state.roles(),
        owners: this.#state.prefixPolicy?.owners,
        schemaPrimary: this.#state.schemaPrimary?.site,
        copies: this.#state.shadowTopics(),
      };
      this.#seenEnd = end;
      this.#version += 1;
    }
    this.#seenAt = at;
  }

  /** Whether there is an `_umbra`: where there is none nothing has run yet, so no role can have moved. */
  async #lookAtAddresses(now: number): Promise<boolean> {
    const due = this.#addressesAt === undefined || now - this.#addressesAt >= addressesMs || !this.#exists;
    if (!due) return true;
    const { cluster } = this.#ports;
    const { topics } = await cluster.metadata([stateTopic]);
    const addresses = cluster.nodeIds().flatMap((id) => cluster.addressOf(id) ?? []);
    if (textOf(addresses) !== textOf(this.#addresses)) this.#version += 1;
    this.#addresses = addresses;
    this.#addressesAt = now;
    this.#exists ||= topics.has(stateTopic);
    return this.#exists;
  }
}

function textOf(addresses: readonly Address[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join();
}
