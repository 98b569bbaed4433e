import type { Primary } from './primary.ts';

/** What became of an answer. */
export type Judgement =
  /** The first one that is believed. */
  | 'first'
  /** Of a higher term, with another primary. */
  | 'moved'
  /** The same primary: addresses may be different. */
  | 'refreshed'
  /** Of a lower term, so it is older; or its term is known with another primary. */
  | 'ignored'
  /** Nothing is known yet, and this one may be behind: it waits until every worker was asked. */
  | 'kept';

/** What a client takes for the primary. A term is only ever believed upwards: workers learn of a move one after the other. */
export class Belief {
  #primary: Primary | undefined;
  #candidate: Primary | undefined;
  #allAsked = false;

  get primary(): Primary | undefined {
    return this.#primary;
  }

  take(answer: Primary): Judgement {
    const known = this.#primary;
    if (known === undefined) return this.#takeFirst(answer);
    if (answer.term < known.term) return 'ignored';
    if (answer.term === known.term && answer.site !== known.site) return 'ignored';
    this.#primary = answer;
    return answer.site === known.site ? 'refreshed' : 'moved';
  }

  /** Every worker has answered once, or has been given up once: the best of what they said has to do. */
  allAsked(): Judgement {
    this.#allAsked = true;
    if (this.#primary !== undefined || this.#candidate === undefined) return 'ignored';
    this.#primary = this.#candidate;
    return 'first';
  }

  #takeFirst(answer: Primary): Judgement {
    if (this.#candidate === undefined || answer.term > this.#candidate.term) this.#candidate = answer;
    if (!answer.proven && !this.#allAsked) return 'kept';
    this.#primary = this.#candidate;
    return 'first';
  }
}
