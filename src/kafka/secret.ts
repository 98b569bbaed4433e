import { inspect } from 'node:util';

/**
 * A value that must never be printed. `String()`, template literals, JSON, `util.inspect` and errors show `****`;
 * only {@link Secret.reveal} hands it out, and only to code that puts it on the wire.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '****';
  }

  toJSON(): string {
    return '****';
  }

  [inspect.custom](): string {
    return '****';
  }
}
