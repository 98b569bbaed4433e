import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import type { RoleView } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { EventSink } from '../events/event.ts';
import type { PeerState } from '../moves/peer-state.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import type { SiteState } from '../state/state.ts';
import { reconcileSection } from './reconcile-journal.ts';
import { type ReplayRecord, replaySection } from './replay-record.ts';
import { replayTail } from './replay-tail.ts';

export interface ReplaysPorts {
  /** Where tails are appended: the site of the new primary. */
  readonly site: SiteId;
  readonly link: string;
  readonly source: Cluster;
  readonly target: Cluster;
  readonly state: Pick<SiteState, 'section' | 'moves' | 'roles'>;
  readonly peer: Pick<PeerState, 'state' | 'roles'>;
  /** Umbra's rights on topics that are home here: it may not write them but while they are copies. Both idempotent. */
  readonly own: {
    readonly grant: (signal: AbortSignal) => Promise<void>;
    /** Where nothing else needs them. */
    readonly takeBack: (signal: AbortSignal) => Promise<void>;
  };
  readonly isHome: (topic: string) => boolean;
  readonly mayAct: () => boolean;
  readonly logger: Logger;
  readonly events: EventSink;
}

const lookMs = 500;
const troubleCharsMax = 1_000;

type DueRecord = RebuildRecord & { readonly tail: NonNullable<RebuildRecord['tail']> };

/**
 * What this site does for reconciliations of the other one: it appends the tails that are to be replayed to its own
 * topics, and says so in its own `_umbra`. The other site's journal asks for it; nothing else is said between them.
 */
export class Replays {
  readonly #ports: ReplaysPorts;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  /** Anything that is written at the other site makes its roles another object. */
  #asOf: RoleView | undefined;

  constructor(ports: ReplaysPorts) {
    this.#ports = ports;
    this.#loop = this.#keep(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Never rejects. */
  async #keep(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let failures = 0;
    while (!hasAborted(signal)) {
      const { roles } = this.#ports.peer;
      if (roles !== this.#asOf && this.#ports.mayAct()) {
        const whole = await this.#round(signal);
        failures = whole ? 0 : failures + 1;
        if (whole) this.#asOf = roles;
      }
      await pause.wait(signal, failures === 0 ? lookMs : retryDelays.after(failures));
    }
  }

  /** Whether all that is due was done. */
  async #round(signal: AbortSignal): Promise<boolean> {
    let whole = true;
    for (const record of this.#due()) {
      try {
        await this.#replay(record, signal);
      } catch (error) {
        if (hasAborted(signal)) return false;
        whole = false;
        await this.#sayTrouble(record, error, signal);
      }
    }
    return whole;
  }

  /** Only tails that a promotion of this site cut off, of topics that are primary here in that term. */
  #due(): readonly DueRecord[] {
    const { peer, state, site } = this.#ports;
    const roles = state.roles();
    return reconcileSection(peer.state)
      .all()
      .flatMap((record) => {
        const { topic, tail, step } = record;
        if (step.kind !== 'replaying' || tail === undefined || roles.kind === 'unread') return [];
        const role = roles.records.get(topic);
        const ours = role?.primary === site && role.term === tail.term;
        const known = this.#known(record.topic, tail.operation);
        return ours && state.moves.cut(topic)?.operation === tail.operation && known?.state !== 'done'
          ? [{ ...record, tail }]
          : [];
      });
  }

  #known(topic: string, operation: string): ReplayRecord | undefined {
    return replaySection(this.#ports.state)
      .all()
      .find((record) => record.topic === topic && record.operation === operation);
  }

  async #replay(record: DueRecord, signal: AbortSignal): Promise<void> {
    const { source, target, state, own, isHome, mayAct, logger, events, link } = this.#ports;
    const { topic, tail } = record;
    const records = await replayTail(
      {
        ...{ source, target, mayAct, known: this.#known(topic, tail.operation) },
        put: (next, abort) => replaySection(state).write([[topic, next]], abort),
        prepare: (abort) => (isHome(topic) ? own.grant(abort) : Promise.resolve()),
      },
      record,
      signal,
    );
    logger.warn({ link, topic, records, operation: tail.operation }, 'the tail of an old primary was appended');
    events.report({ kind: 'tail replayed', link, message: `${topic}: ${records} records of site ${tail.site}` });
    if (isHome(topic)) await own.takeBack(signal);
  }

  async #sayTrouble({ topic, tail }: DueRecord, error: unknown, signal: AbortSignal): Promise<void> {
    const { state, logger, link } = this.#ports;
    logger.warn({ err: error, link, topic }, 'the tail of an old primary cannot be appended; trying again');
    const known = this.#known(topic, tail.operation);
    const trouble = (error instanceof Error ? error.message : String(error)).slice(0, troubleCharsMax);
    if (known === undefined || known.trouble === trouble) return;
    await replaySection(state)
      .write([[topic, { ...known, trouble }]], signal)
      .catch((lost: unknown) => logger.warn({ err: lost, link, topic }, 'and the other site cannot be told why'));
  }
}
