import { SchemaIndex } from '../../schema-primary/schema-index.ts';
import { nodeHashes } from './node-hashes.ts';
import type { SchemaLog, SchemaLogSight } from './schema-log.ts';

/** One site's log as far as it is read. */
export type FollowedState =
  /** Never looked at with success. */
  | { readonly kind: 'unseen' }
  | { readonly kind: 'absent' }
  /** `reading` until everything is read that the last look showed. */
  | { readonly kind: 'reading' | 'read'; readonly sight: Extract<SchemaLogSight, { kind: 'present' }> };

/** Called when the log is read from its beginning, since it is another one or lost its head; all keys are forgotten. */
export type StartedAnew = (index: SchemaIndex) => void;

/** Records taken in one round: a registry has some thousands; a topic that is none must not hold up the controller. */
export const recordsPerRoundMax = 100_000;

/** Reads one site's log from where it was read to, into an index. */
export class FollowedLog {
  readonly #log: SchemaLog;
  #index = new SchemaIndex(nodeHashes);
  #state: FollowedState = { kind: 'unseen' };
  #readTo = 0n;
  /** The last look showed an end below what was read. */
  #shrunk = false;

  constructor(log: SchemaLog) {
    this.#log = log;
  }

  get index(): SchemaIndex {
    return this.#index;
  }

  get state(): FollowedState {
    return this.#state;
  }

  /** Whether all is in the index that the last look showed. */
  get isRead(): boolean {
    return this.#state.kind === 'read' || this.#state.kind === 'absent';
  }

  /** Everything below is in the index. */
  get readTo(): bigint {
    return this.#readTo;
  }

  /**
   * One look, and what was appended since. `changed` is told the key of every record. Throws what the log throws; what
   * was read until then stays.
   */
  async follow(
    on: { readonly changed: (name: string) => void; readonly startedAnew: StartedAnew },
    signal: AbortSignal,
  ): Promise<void> {
    const sight = await this.#log.look(signal);
    if (sight.kind === 'absent') {
      // Nobody has registered anything yet, or all is gone: an empty log either way.
      if (this.#state.kind !== 'absent') on.startedAnew(this.#begin(0n));
      this.#state = sight;
      return;
    }
    // A new leader may show less for a moment (protocol.md S5); what still is gone at the next look was lost.
    const shrunk = sight.end < this.#readTo;
    const wait = shrunk && !this.#shrunk;
    this.#shrunk = shrunk;
    if (!this.#isKnown(sight) || (shrunk && !wait)) on.startedAnew(this.#begin(sight.start));
    this.#state = { kind: 'reading', sight };
    if (wait) return;
    let records = 0;
    for await (const part of this.#log.read({ from: this.#readTo, to: sight.end }, signal)) {
      for (const record of part.records) on.changed(this.#index.apply(record));
      this.#readTo = part.readTo;
      records += part.records.length;
      if (records >= recordsPerRoundMax) break;
    }
    if (this.#readTo >= sight.end) this.#state = { kind: 'read', sight };
  }

  /** Whether the log is the one that was read, with the same beginning. */
  #isKnown(sight: Extract<SchemaLogSight, { kind: 'present' }>): boolean {
    if (this.#state.kind === 'unseen' || this.#state.kind === 'absent') return false;
    const before = this.#state.sight;
    return before.topicId === sight.topicId && before.start === sight.start;
  }

  #begin(start: bigint): SchemaIndex {
    this.#index = new SchemaIndex(nodeHashes);
    this.#readTo = start;
    this.#shrunk = false;
    return this.#index;
  }
}
