import { coordinatorMove } from '../../src/operations/coordinate.ts';
import type { WorkState } from '../../src/operations/work-state.ts';
import { isOver, isPromoted, type OperationKind, type PartState, type Step } from '../../src/operations/operation.ts';
import { partMove } from '../../src/operations/take-part.ts';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';

/** A model of two sites with one topic: what is durable, what a life of its controller knows, what clients can do. */
interface Operation {
  readonly kind: OperationKind;
  readonly unconfirmed: boolean;
  readonly startedAtMs: number;
  step: Step;
}

interface Journal {
  readonly operations: Map<string, Operation>;
  readonly parts: Map<string, { state: PartState; reason: string | undefined }>;
  role: { term: number; primary: SiteId };
  /** `_umbra` calls this site's topic a copy. */
  shadow: boolean;
}

/** What is gone with the process. */
interface Life {
  readonly work: Map<string, WorkState>;
  readonly sinceMs: Map<string, number>;
  peer: Journal | undefined;
  copying: boolean;
  cancelled: boolean;
}

interface Site {
  journal: Journal;
  life: Life;
  /** Clients may write: the ACLs of its cluster. */
  open: boolean;
  log: number[];
  quarantine: number[];
}

const drainMsMax = 60_000;

/** The order of things, whole: what a test may replace by something wrong, to see that it is noticed. */
export interface Rules {
  readonly coordinator: typeof coordinatorMove;
  readonly part: typeof partMove;
}

const theRules: Rules = { coordinator: coordinatorMove, part: partMove };

/** Every random choice is given from outside, so that a run can be replayed. */
export class PairModel {
  readonly #rules: Rules;
  readonly sites: Readonly<Record<SiteId, Site>>;
  /** Acknowledged to clients. */
  readonly acknowledged = new Set<number>();
  /** A failover went on without proof that the old side is fenced, and it is not fenced yet. */
  unproven = false;
  /** Some failover was promoted. */
  lossAllowed = false;
  connected = true;
  #nowMs = 0;
  #records = 0;
  #ids = 0;

  constructor(rules = theRules) {
    this.#rules = rules;
    this.sites = { a: this.#site('a'), b: this.#site('b') };
  }

  /** One event; `pick` chooses among what may go wrong in it. */
  play(event: ModelEvent, pick: number): void {
    switch (event.kind) {
      case 'read': {
        this.#read(event.site);
        return;
      }
      case 'tick': {
        this.#tick(event.site, pick);
        return;
      }
      case 'crash':
        this.sites[event.site].life = newLife();
        return;
      case 'write': {
        this.#write(event.site);
        return;
      }
      case 'copy': {
        this.#copy(event.site);
        return;
      }
      case 'work':
        for (let round = 0; round < event.rounds; round++) {
          this.#read(event.site);
          this.#tick(event.site, pick);
          for (let copy = 0; copy < 4; copy++) this.#copy(event.site);
        }
        return;
      case 'cut':
        this.connected = false;
        return;
      case 'heal':
        this.connected = true;
        return;
      case 'wait':
        this.#nowMs += event.ms;
        return;
      case 'start': {
        this.#start(event.site, event.operation, event.unconfirmed);
        return;
      }
      case 'cancel':
        this.sites[event.site].life.cancelled = true;
        return;
      case 'reconcile': {
        this.#reconcile(event.site);
        return;
      }
    }
  }

  /** Everything that must hold after every event; the violation in words. */
  violation(): string | undefined {
    const { a, b } = this.sites;
    if (a.open && b.open && !this.unproven) return 'two sites may be written';
    if (this.#flowsTo('a') && this.#flowsTo('b')) return 'both directions flow';
    return undefined;
  }

  /** After everything has healed and come to rest. */
  violationAtRest(): string | undefined {
    const open = sites.filter((site) => this.sites[site].open);
    if (open.length !== 1) return `${open.length} sites may be written at rest`;
    const writable = open[0] ?? 'a';
    for (const site of sites) {
      for (const [id, { step }] of this.sites[site].journal.operations) {
        if (!isOver(step)) return `${id} is at ${step.kind} at rest`;
      }
    }
    const kept = new Set(sites.flatMap((site) => [...this.sites[site].log, ...this.sites[site].quarantine]));
    const lost = [...this.acknowledged].filter((record) => !kept.has(record));
    if (lost.length > 0) return `acknowledged and nowhere: ${lost.join(', ')}`;
    if (this.lossAllowed) return undefined;
    const present = new Set(this.sites[writable].log);
    const missing = [...this.acknowledged].filter((record) => !present.has(record));
    return missing.length === 0 ? undefined : `acknowledged and not at the primary: ${missing.join(', ')}`;
  }

  /** Heals, and lets both sites go on until nothing moves any more. */
  settle(): void {
    this.connected = true;
    for (const site of sites) this.sites[site].life.cancelled = false;
    for (let round = 0; round < 60; round++) {
      for (const site of sites) {
        this.#read(site);
        this.#tick(site, 0);
        for (let copy = 0; copy < 50; copy++) this.#copy(site);
      }
      this.#nowMs += 5_000;
    }
  }

  #site(site: SiteId): Site {
    return {
      journal: {
        operations: new Map(),
        parts: new Map(),
        role: { term: 0, primary: 'a' },
        shadow: site === 'b',
      },
      life: newLife(),
      open: site === 'a',
      log: [],
      quarantine: [],
    };
  }

  #read(site: SiteId): void {
    if (this.connected) this.sites[site].life.peer = structuredClone(this.sites[otherSite(site)].journal);
  }

  #write(site: SiteId): void {
    if (!this.sites[site].open) return;
    const record = this.#records++;
    this.sites[site].log.push(record);
    this.acknowledged.add(record);
  }

  /** Whether records are copied to the site, as its controller sees it. */
  #flowsTo(site: SiteId): boolean {
    const { journal, life } = this.sites[site];
    if (!journal.shadow || !life.copying || life.peer === undefined) return false;
    const { role } = journal;
    const newest = life.peer.role.term > role.term ? life.peer.role : role;
    return newest.primary !== site && life.peer.role.primary !== site;
  }

  #copy(site: SiteId): void {
    if (!this.connected || !this.#flowsTo(site)) return;
    const from = this.sites[otherSite(site)].log;
    const to = this.sites[site].log;
    if (!isPrefix(to, from)) throw new Error(`the copy at ${site} differs from its source`);
    const next = from[to.length];
    if (next !== undefined) to.push(next);
  }

  #start(site: SiteId, kind: OperationKind, unconfirmed: boolean): void {
    const { journal, life } = this.sites[site];
    const isCopy = journal.shadow && journal.role.primary !== site;
    const busy = [...journal.operations.values()].some(({ step }) => !isOver(step));
    if (!isCopy || busy) return;
    if (kind === 'switchover' && (life.peer === undefined || life.peer.role.primary === site)) return;
    const id = `${kind}-${this.#ids++}`;
    journal.operations.set(id, { kind, unconfirmed, startedAtMs: this.#nowMs, step: { kind: 'fencing' } });
    life.cancelled = false;
  }

  #tick(site: SiteId, pick: number): void {
    const { journal, life } = this.sites[site];
    for (const [id, operation] of journal.operations)
      if (!isOver(operation.step)) this.#coordinate(site, id, operation);
    for (const [id, operation] of life.peer?.operations ?? []) this.#takePart(site, { id, operation }, pick);
  }

  #coordinate(site: SiteId, id: string, operation: Operation): void {
    const { journal, life } = this.sites[site];
    const key = `${id}/${operation.step.kind}`;
    const waitedMs = this.#waited(life, key);
    const work = life.work.get(key) ?? { kind: 'none' };
    const part = life.peer?.parts.get(id);
    const move = this.#rules.coordinator({
      operation,
      part,
      work,
      waitedMs,
      silent: !this.connected,
      cancelled: life.cancelled,
    });
    switch (move.kind) {
      case 'work':
        life.work.set(key, this.#coordinatorWork(site, move.work, { operation, waitedMs }));
        return;
      case 'promote': {
        journal.role = { term: Math.max(journal.role.term, life.peer?.role.term ?? 0) + 1, primary: site };
        journal.shadow = false;
        operation.step = move.step;
        if (operation.kind === 'failover') {
          this.lossAllowed = true;
          if (part?.state !== 'fenced') this.unproven = true;
        }
        return;
      }
      case 'note':
        operation.step = move.step;
        return;
      case 'wait':
      case 'over':
    }
  }

  #coordinatorWork(
    site: SiteId,
    work: string,
    { operation, waitedMs }: { readonly operation: Operation; readonly waitedMs: number },
  ): WorkState {
    const own = this.sites[site];
    const other = this.sites[otherSite(site)];
    const level = this.connected && own.log.length === other.log.length;
    switch (work) {
      case 'drain':
        if (level) return { kind: 'done' };
        return waitedMs > drainMsMax ? { kind: 'failed', reason: 'not drained in time' } : { kind: 'none' };
      case 'settle':
        own.life.copying = false;
        if (operation.kind === 'failover' || level) return { kind: 'done' };
        return { kind: 'failed', reason: 'the ends differ' };
      case 'prepare':
        own.life.copying = false;
        return { kind: 'done' };
      case 'grant':
        own.open = true;
        return { kind: 'done' };
      case 'release':
        own.life.copying = true;
        return { kind: 'done' };
      default:
        return { kind: 'done' };
    }
  }

  #takePart(
    site: SiteId,
    { id, operation }: { readonly id: string; readonly operation: Operation },
    pick: number,
  ): void {
    const own = this.sites[site];
    const { journal, life } = own;
    const part = journal.parts.get(id);
    const key = `part/${id}/${part?.state ?? ''}`;
    const waitedMs = this.#waited(life, key);
    const work = life.work.get(key) ?? { kind: 'none' };
    const move = this.#rules.part({ operation, ageMs: this.#nowMs - operation.startedAtMs, part, work, waitedMs });
    switch (move.kind) {
      case 'work':
        life.work.set(key, this.#partWork(site, move.work, pick));
        return;
      case 'note':
        journal.parts.set(id, { state: move.state, reason: move.reason });
        // Accepting the new terms is written together with this.
        if ((move.state === 'reversing' || move.state === 'returned') && life.peer !== undefined) {
          if (life.peer.role.term > journal.role.term) journal.role = { ...life.peer.role };
        }
        if (move.state === 'reversed') {
          journal.shadow = true;
          life.copying = true;
        }
        return;
      case 'wait':
      case 'over':
    }
  }

  #partWork(site: SiteId, work: string, pick: number): WorkState {
    const own = this.sites[site];
    switch (work) {
      case 'raise': {
        const bypassed = pick % 16 === 1 && !this.lossAllowed;
        if (bypassed) return { kind: 'failed', reason: 'an ACL bypasses the fence' };
        own.open = false;
        this.unproven = false;
        return { kind: 'done' };
      }
      case 'seal':
        return own.open ? { kind: 'failed', reason: 'somebody was let in again' } : { kind: 'done' };
      case 'lower':
        if (own.journal.role.primary === site) own.open = true;
        return { kind: 'done' };
      case 'reverse': {
        if (!this.connected) return { kind: 'none' };
        if (!isPrefix(own.log, this.sites[otherSite(site)].log)) throw new Error(`${site} is reversed and has a tail`);
        return { kind: 'done' };
      }
      default:
        throw new Error(work);
    }
  }

  /** What a person decides when an old primary has come back. */
  #reconcile(site: SiteId): void {
    const own = this.sites[site];
    const other = this.sites[otherSite(site)];
    const returned = [...own.journal.parts.values()].some(({ state }) => state === 'returned');
    if (!returned || !this.connected || own.journal.shadow || own.open || own.journal.role.primary === site) return;
    if (own.life.peer === undefined || own.life.peer.role.term !== own.journal.role.term) return;
    let fork = 0;
    while (fork < own.log.length && own.log[fork] === other.log[fork]) fork += 1;
    own.quarantine.push(...own.log.splice(fork));
    own.journal.shadow = true;
    own.life.copying = true;
  }

  #waited(life: Life, key: string): number {
    const since = life.sinceMs.get(key);
    if (since !== undefined) return this.#nowMs - since;
    life.sinceMs.set(key, this.#nowMs);
    return 0;
  }

  describe(): string {
    return sites
      .map((site) => {
        const { journal, open, log } = this.sites[site];
        const operations = [...journal.operations].map(([id, { step }]) => `${id} ${step.kind}`).join(', ');
        const parts = [...journal.parts].map(([id, { state }]) => `${id} ${state}`).join(', ');
        const promotedNow = [...journal.operations.values()].filter(({ step }) => isPromoted(step)).length;
        return `${site}: term ${journal.role.term} ${journal.role.primary}, open ${open}, shadow ${journal.shadow}, log ${log.join(' ')}, operations [${operations}] (${promotedNow} promoted), parts [${parts}]`;
      })
      .join('\n');
  }
}

export type ModelEvent =
  | { readonly kind: 'read' | 'tick' | 'crash' | 'write' | 'copy' | 'cancel' | 'reconcile'; readonly site: SiteId }
  | { readonly kind: 'cut' | 'heal' }
  /** Some turns of one site, undisturbed. */
  | { readonly kind: 'work'; readonly site: SiteId; readonly rounds: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'start'; readonly site: SiteId; readonly operation: OperationKind; readonly unconfirmed: boolean };

function newLife(): Life {
  return { work: new Map(), sinceMs: new Map(), peer: undefined, copying: true, cancelled: false };
}

function isPrefix(short: readonly number[], long: readonly number[]): boolean {
  return short.length <= long.length && short.every((record, index) => record === long[index]);
}
