import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import {
  isPartOver,
  isPromoted,
  operationKinds,
  type OperationRecord,
  type PartRecord,
  type PartState,
} from '../../operations/operation.ts';
import { isReleasable, partMove, type PartWork } from '../../operations/take-part.ts';
import type { WorkState } from '../../operations/work-state.ts';
import type { RoleRecord } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import type { EventSink } from '../events/event.ts';
import { Problem } from '../problems.ts';
import { partsToForget } from '../state/operation-memory.ts';
import type { SiteState } from '../state/state.ts';
import type { PeerState } from './peer-state.ts';
import type { Reversal } from './reversal.ts';
import type { SiteFence } from './site-fence.ts';
import { untilStill } from './stand-still.ts';

export interface ParticipationPorts {
  /** The link that leaves this site: operations on it make the other site primary. */
  readonly link: string;
  /** Of this site. */
  readonly cluster: Cluster;
  readonly state: SiteState;
  readonly peer: PeerState;
  readonly fence: SiteFence;
  readonly reversal: Reversal;
  /** Writes down how many producer ids this site has given out: the other one must not give them out again. */
  readonly tellProducerIds: (signal: AbortSignal) => Promise<unknown>;
  readonly mayAct: () => boolean;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
}

/** Longest time between two looks while an operation goes on, and while none does: what the other site writes ends it. */
const lookMs = { waits: 100, rests: 1_000 } as const;
type Going = 'acts' | keyof typeof lookMs;
/** A look that takes longer is waited for no longer; what was read before is gone by. */
const readMsMax = 2_000;
const frozenApartMs = 100;
/** The same when the fence is sealed: it stood still then already. */
const sealApartMs = 20;
/** What is in flight when the rights are withdrawn is answered within that time, and transactions end. */
const frozenMsMax = { failover: 5_000, switchover: 10_000 } as const;
/** After a fence that does not hold it is tried again. */
const againMs = 2_000;

interface Working {
  readonly state: PartState | undefined;
  readonly sinceMs: number;
  work: WorkState;
  againAtMs: number;
}

/**
 * What this site does for operations of the other one that make that one primary: it fences its own topics, gives the
 * rights back where the operation is given up, and accepts the new terms, also when it was away while they grew. It decides
 * nothing: see `partMove`.
 */
export class Participation {
  readonly #ports: ParticipationPorts;
  readonly #working = new Map<string, Working>();
  readonly #released = new Set<string>();
  /** What each operation was last held up by, in words. */
  readonly #troubles = new Map<string, string>();
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(ports: ParticipationPorts) {
    this.#ports = ports;
    this.#loop = this.#keep(this.#stopping.signal);
  }

  /** What this site has done for operations of the other one, newest first. */
  views(): readonly PartRecord[] {
    const { state, link } = this.#ports;
    return state.moves
      .parts()
      .filter((part) => part.link === link)
      .toSorted((left, right) => right.since.localeCompare(left.since));
  }

  /** Its rights are given back, for a person made sure that the other site will not take these topics over. */
  release(id: string): PartRecord {
    const part = this.#ports.state.moves.part(id);
    if (part?.link !== this.#ports.link)
      throw new Problem('NOT_FOUND', `this site takes no part in an operation ${id}`);
    if (!isReleasable(part.state))
      throw new Problem('MOVE_REFUSED', `${id} is ${part.state} at this site: there is nothing to be released`);
    const known = this.#ports.peer.state.moves.operation(id);
    if (known !== undefined && isPromoted(known.step)) {
      const what = `site ${known.to} has taken the topics of ${id} over`;
      throw new Problem('MOVE_REFUSED', `${what}: rights that are given back here would make a second writer`);
    }
    this.#released.add(id);
    return part;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Never rejects. */
  async #keep(signal: AbortSignal): Promise<void> {
    let troubled = false;
    while (!hasAborted(signal)) {
      const { peer } = this.#ports;
      let going: Going = 'rests';
      const silence = await this.#read(signal);
      const seen = peer.position;
      try {
        // Also while the other site is silent: what was begun with is not held for ever.
        going = await this.#round(signal);
        if (silence !== undefined) throw silence;
        await this.#forgetParts(signal);
        troubled = false;
      } catch (error) {
        if (hasAborted(signal)) return;
        // A site that does not answer is said elsewhere; here it would be said every second.
        if (!troubled)
          this.#ports.logger.warn({ err: error }, 'taking part in operations of the other site has to wait');
        troubled = true;
      }
      // What has just been done may be followed by more at once.
      if (going !== 'acts') await peer.untilMore(seen, lookMs[going], signal);
    }
  }

  /** Why the other site could not be read. Never rejects. */
  async #read(signal: AbortSignal): Promise<Error | undefined> {
    try {
      await this.#ports.peer.read(AbortSignal.any([signal, AbortSignal.timeout(readMsMax)]));
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #forgetParts(signal: AbortSignal): Promise<void> {
    const { peer, state, mayAct } = this.#ports;
    if (!mayAct()) return;
    const gone = partsToForget({ parts: this.views(), operations: peer.state.moves.operations() });
    if (gone.length > 0) await state.moves.forgetParts(gone, signal);
  }

  /** Those of the other site, and those that this site has begun with and cannot read about now. */
  #operations(): readonly OperationRecord[] {
    const { peer, link, state } = this.#ports;
    const known = peer.state.moves
      .operations()
      .filter((operation) => operation.link === link && !this.#isPast(operation));
    const ids = new Set(known.map(({ id }) => id));
    const begun = state.moves.parts().filter((part) => part.link === link && !isPartOver(part.state));
    return [...known, ...begun.filter(({ operation }) => !ids.has(operation)).map(unheard)];
  }

  /** One that cannot go on now does not hold up the others: another one's rights may be due to be given back. */
  async #round(signal: AbortSignal): Promise<Going> {
    if (!this.#ports.mayAct()) return 'rests';
    const all = new Set<Going>();
    for (const operation of this.#operations()) {
      try {
        all.add(await this.#takePart(operation, signal));
        this.#troubles.delete(operation.id);
      } catch (error) {
        if (hasAborted(signal)) throw error;
        const working = this.#working.get(operation.id);
        if (working !== undefined) working.againAtMs = this.#ports.clock.monotonicMs() + lookMs.rests;
        this.#sayTrouble(operation, error);
      }
    }
    return all.has('acts') ? 'acts' : all.has('waits') ? 'waits' : 'rests';
  }

  /** Once for each reason: it is tried again many times a second. */
  #sayTrouble({ id }: OperationRecord, error: unknown): void {
    const { logger, events, link, state } = this.#ports;
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#troubles.get(id) === reason) return;
    this.#troubles.set(id, reason);
    const part = state.moves.part(id)?.state ?? 'not begun';
    logger.warn({ err: error, operation: id, part }, 'taking part in an operation has to be tried again');
    const message = `${id}: this site is ${part} and tries again: ${reason}`.slice(0, 2_000);
    events.report({ kind: 'operation step', level: 'warn', link, message });
  }

  /**
   * It made the other site primary of topics that are all at this one again, and nothing is known of a part here: the site's
   * `_umbra` is younger than the operation. There is nothing to be fenced any more.
   */
  #isPast({ id, step }: OperationRecord): boolean {
    const { peer, state } = this.#ports;
    if (!isPromoted(step) || state.moves.part(id) !== undefined) return false;
    const topics = peer.state.moves.topicsOf(id);
    return topics.length > 0 && !topics.some((topic) => this.#isLost(topic));
  }

  /** The other site is its primary, as far as it knows. */
  #isLost(topic: string): boolean {
    const { roles } = this.#ports.peer;
    return roles.kind === 'unread' || linkLeadsTo(this.#ports.link) === roles.records.get(topic)?.primary;
  }

  async #takePart(operation: OperationRecord, signal: AbortSignal): Promise<Going> {
    const { state, clock } = this.#ports;
    const part = state.moves.part(operation.id);
    const working = this.#workingOn(operation.id, part?.state);
    const ageMs = clock.now().getTime() - Date.parse(operation.startedAt);
    const waitedMs = clock.monotonicMs() - working.sinceMs;
    const released = this.#released.has(operation.id);
    const move = partMove({ operation, part, ageMs, work: working.work, waitedMs, released });
    switch (move.kind) {
      case 'over':
        return 'rests';
      case 'wait':
        return part !== undefined && !isPartOver(part.state) ? 'waits' : 'rests';
      case 'work':
        if (clock.monotonicMs() < working.againAtMs) return 'rests';
        await this.#work(operation, { work: move.work, working }, signal);
        return 'acts';
      case 'note':
        await this.#note(operation, { state: move.state, reason: move.reason }, signal);
        return 'acts';
    }
  }

  #workingOn(id: string, state: PartState | undefined): Working {
    const known = this.#working.get(id);
    if (known !== undefined && known.state === state) return known;
    const begun: Working = { state, sinceMs: this.#ports.clock.monotonicMs(), work: { kind: 'none' }, againAtMs: 0 };
    this.#working.set(id, begun);
    return begun;
  }

  async #work(
    operation: OperationRecord,
    { work, working }: { readonly work: PartWork; readonly working: Working },
    signal: AbortSignal,
  ): Promise<void> {
    const hindrance = await this.#do(operation, work, signal);
    if (hindrance === undefined) {
      working.work = { kind: 'done' };
      return;
    }
    const { id } = operation;
    const known = working.work.kind === 'failed' && working.work.reason === hindrance;
    working.work = { kind: 'failed', reason: hindrance };
    working.againAtMs = this.#ports.clock.monotonicMs() + againMs;
    if (known) return;
    this.#ports.logger.error({ operation: id, work, reason: hindrance }, 'the fence of an operation does not hold');
    this.#ports.events.report({ kind: 'operation step', level: 'error', message: `${id}: not fenced: ${hindrance}` });
  }

  /** Why it does not hold, in words; throws what passes. */
  async #do(operation: OperationRecord, work: PartWork, signal: AbortSignal): Promise<string | undefined> {
    const { fence, reversal, cluster, tellProducerIds } = this.#ports;
    const { id, kind } = operation;
    const known = this.#ports.peer.state.moves.topicsOf(id);
    const topics = known.length > 0 ? known : fence.topicsOf(id);
    const transactions = kind === 'switchover' ? 'end' : 'may stay open';
    switch (work) {
      case 'raise': {
        if (topics.length === 0) return 'its topics are not known as long as the other site does not answer';
        const lost = isPromoted(operation.step) ? topics.filter((topic) => this.#isLost(topic)) : topics;
        if (lost.length === 0) return undefined;
        const hindrance = await fence.raise(id, lost, signal);
        // Where the other site is primary already, what still came in is a tail.
        if (hindrance !== undefined || isPromoted(operation.step)) return hindrance;
        const withinMs = frozenMsMax[kind];
        return untilStill(cluster, topics, { apartMs: frozenApartMs, withinMs, transactions, signal });
      }
      case 'seal': {
        const still = { apartMs: sealApartMs, withinMs: 0, transactions, signal } as const;
        const [hindrance, moving] = await Promise.all([
          fence.stands(id),
          untilStill(cluster, topics, still),
          tellProducerIds(signal),
        ]);
        return hindrance ?? moving;
      }
      case 'lower':
        await fence.lower(id, signal);
        return undefined;
      case 'reverse':
        await reversal.prepare(operation, signal);
        return undefined;
    }
  }

  async #note(
    operation: OperationRecord,
    { state, reason }: { readonly state: PartState; readonly reason: string | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, events, logger } = this.#ports;
    const { id, link } = operation;
    const { state: own, reversal } = this.#ports;
    // The coordinator may look only now: what it tells people is why, not that.
    const why = reason ?? (state === 'restored' ? own.moves.part(id)?.reason : undefined);
    const part: PartRecord = {
      ...{ operation: id, link, state, since: clock.now().toISOString() },
      ...(why === undefined ? {} : { reason: why.slice(0, 2_000) }),
    };
    if (accepting.has(state)) {
      const shadows = state === 'reversed' ? reversal.prepared(id) : [];
      await own.moves.accept({ part, roles: this.#newRoles(operation), shadows }, signal);
    } else await own.moves.putPart(part, signal);
    if (state === 'reversed') reversal.done(id);
    logger.warn({ operation: id, part: state, reason }, 'taking part in an operation of the other site');
    events.report({
      kind: 'operation step',
      link,
      message: `${id}: this site is ${state}${reason === undefined ? '' : `: ${reason}`}`,
    });
  }

  /** The roles that the other site shows for these topics, as far as they are newer than those known here. */
  #newRoles({ id }: OperationRecord): readonly RoleRecord[] {
    const { peer, state } = this.#ports;
    const [theirs, ours] = [peer.roles, state.roles()];
    if (theirs.kind === 'unread' || ours.kind === 'unread') return [];
    return peer.state.moves.topicsOf(id).flatMap((topic) => {
      const role = theirs.records.get(topic);
      return role !== undefined && role.term > (ours.records.get(topic)?.term ?? 0) ? [role] : [];
    });
  }
}

/** States in which the new terms are known here. */
const accepting: ReadonlySet<PartState> = new Set(['returned', 'reversing', 'reversed']);

/**
 * An operation of which only the own part is known. As one that is still fencing: whatever it has come to, what follows from
 * that for a part that is not sealed is right (`partMove`), and one that is sealed waits.
 */
function unheard({ operation: id, link, since }: PartRecord): OperationRecord {
  const kind = operationKinds.find((each) => id.startsWith(each)) ?? 'failover';
  return {
    ...{ id, kind, link, to: linkLeadsTo(link), topics: 1, planHash: '', startedAt: since, since },
    ...{ unconfirmed: false, withoutIdBarrier: false, step: { kind: 'fencing' } },
  };
}

function linkLeadsTo(link: string): SiteId {
  return link.endsWith('a') ? 'a' : 'b';
}
