import { ruleOf } from '../../pair/config-rules.ts';
import type { RefusedChange } from './apply-configs.ts';
import type { PlannedChange } from './plan-configs.ts';

/** A change that is not tried for a while. */
export interface Hold {
  readonly topic: string;
  readonly name: string;
  readonly to: string | undefined;
  readonly message: string;
  readonly untilMs: number;
}

export const holdBounds = {
  /** What the target refused is tried again after this; a value that was wrong seldom becomes right by itself. */
  refusedMs: 300_000,
  /**
   * A broker that was asked right after a change may not have heard of it: for so long its old answer is no edit. Shorter
   * than the time between two looks, so that who sets the same value again and again is seen.
   */
  settlingMs: 3_000,
  /** This many edits of one config within `contestedMs` are a fight: it is left alone for `refusedMs`. */
  editsMax: 5,
  contestedMs: 600_000,
} as const;

interface Settling {
  readonly before: string | undefined;
  readonly untilMs: number;
}

/**
 * What one process remembers of changes that were refused, that were made a moment ago, or that others undo again and
 * again. Nothing of it outlives the process: the next one tries once and learns the same.
 */
export class ConfigHolds {
  readonly #holds = new Map<string, Map<string, Hold>>();
  readonly #settling = new Map<string, Map<string, Settling>>();
  readonly #edits = new Map<string, readonly number[]>();

  held(topic: string, nowMs: number): ReadonlyMap<string, string | undefined> {
    return valid(this.#holds, topic, nowMs, ({ to }) => to);
  }

  settling(topic: string, nowMs: number): ReadonlyMap<string, string | undefined> {
    return valid(this.#settling, topic, nowMs, ({ before }) => before);
  }

  hold(topic: string, name: string): Hold | undefined {
    return this.#holds.get(topic)?.get(name);
  }

  refused(topic: string, { name, to, message }: RefusedChange, nowMs: number): Hold {
    return this.#hold({ topic, name, to, message, untilMs: nowMs + holdBounds.refusedMs });
  }

  /** A change was made. Answers the hold when others have undone it too often: the next edit is left alone. */
  made(topic: string, { name, to, from, edited }: PlannedChange, nowMs: number): Hold | undefined {
    this.#holds.get(topic)?.delete(name);
    put(this.#settling, topic, name, { before: from, untilMs: nowMs + holdBounds.settlingMs });
    // Without these a copy is none: they are set again at every look, whoever fights for another value.
    const { kind } = ruleOf(name).sync;
    if (!edited || kind === 'override' || kind === 'always') return undefined;
    const key = `${topic}\n${name}`;
    const { editsMax, contestedMs, refusedMs } = holdBounds;
    const edits = [...(this.#edits.get(key) ?? []), nowMs].filter((atMs) => nowMs - atMs < contestedMs);
    this.#edits.set(key, edits);
    if (edits.length < editsMax) return undefined;
    this.#edits.delete(key);
    const message = `somebody else changed it ${editsMax} times within ${contestedMs / 60_000} min: left alone for ${refusedMs / 60_000} min; find who sets it, or exclude it from the link`;
    return this.#hold({ topic, name, to, message, untilMs: nowMs + refusedMs });
  }

  /** Forgets what is over, and topics that are no longer synced. */
  prune(topics: ReadonlySet<string>, nowMs: number): void {
    for (const each of [this.#holds, this.#settling]) {
      for (const [topic, names] of each) {
        for (const [name, { untilMs }] of names) if (untilMs <= nowMs) names.delete(name);
        if (names.size === 0 || !topics.has(topic)) each.delete(topic);
      }
    }
    for (const [key, edits] of this.#edits) {
      if (edits.every((atMs) => nowMs - atMs >= holdBounds.contestedMs)) this.#edits.delete(key);
    }
  }

  #hold(hold: Hold): Hold {
    put(this.#holds, hold.topic, hold.name, hold);
    return hold;
  }
}

const none: ReadonlyMap<string, never> = new Map<string, never>();

function valid<T extends { readonly untilMs: number }>(
  from: ReadonlyMap<string, ReadonlyMap<string, T>>,
  topic: string,
  nowMs: number,
  value: (entry: T) => string | undefined,
): ReadonlyMap<string, string | undefined> {
  const names = from.get(topic);
  if (names === undefined) return none;
  const now = [...names].filter(([, { untilMs }]) => untilMs > nowMs);
  // One object for "nothing": who compares by identity sees that nothing has changed.
  if (now.length === 0) return none;
  return new Map(now.map(([name, entry]) => [name, value(entry)]));
}

function put<T>(into: Map<string, Map<string, T>>, topic: string, name: string, entry: T): void {
  const names = into.get(topic) ?? new Map<string, T>();
  into.set(topic, names.set(name, entry));
}
