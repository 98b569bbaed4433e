import { isOver, type StepKind } from '../../operations/operation.ts';
import type { SiteState } from '../state/state.ts';

/** At these nobody may append to the copies, also after a restart. Behind them they are no copies any more. */
const holding: ReadonlySet<StepKind> = new Set(['settling', 'sealing', 'promoting']);

interface Held {
  readonly at: bigint;
  readonly held: ReadonlySet<string>;
  /** By topic the operation. */
  readonly busy: ReadonlyMap<string, string>;
}

/** Which topics an operation keeps from being copied, and which it has in hand at all: by the journal alone. */
export class HeldTopics {
  readonly #state: Pick<SiteState, 'moves' | 'end'>;
  readonly #names = new Map<string, readonly string[]>();
  #newest: Held | undefined;

  constructor(state: Pick<SiteState, 'moves' | 'end'>) {
    this.#state = state;
  }

  /** Must not be appended to. */
  holds(topic: string): boolean {
    return this.#read().held.has(topic);
  }

  /** The operation that has it in hand. */
  operationOf(topic: string): string | undefined {
    return this.#read().busy.get(topic);
  }

  /** Asked for each topic at each look: answered from memory until something is written. */
  #read(): Held {
    const { end, moves } = this.#state;
    if (this.#newest?.at === end) return this.#newest;
    const held = new Set<string>();
    const busy = new Map<string, string>();
    for (const { id, step } of moves.operations()) {
      if (isOver(step)) continue;
      for (const topic of this.#topicsOf(id)) {
        busy.set(topic, id);
        if (holding.has(step.kind)) held.add(topic);
      }
    }
    this.#newest = { at: end, held, busy };
    return this.#newest;
  }

  #topicsOf(id: string): readonly string[] {
    const known = this.#names.get(id) ?? this.#state.moves.topicsOf(id);
    this.#names.set(id, known);
    return known;
  }
}
