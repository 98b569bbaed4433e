import type { Command } from 'commander';
import { colours, type Colours } from './colours.ts';
import type { WorkerOptions } from './discovery.ts';
import type { Io } from './io.ts';
import { printableJson } from './printable.ts';

/** Options every verb understands. */
export interface CommonOptions extends WorkerOptions {
  readonly json?: boolean | undefined;
}

/** What a running verb has in hand. `signal` fires when the person presses Ctrl-C. */
export interface VerbContext {
  readonly io: Io;
  readonly colours: Colours;
  readonly options: CommonOptions;
  readonly signal: AbortSignal;
}

/** One verb of the command line. `run` resolves to the exit code; what it rejects with becomes lines on stderr. */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** In commander's notation, e.g. `[NAME]`. */
  readonly parameters?: string;
  /** Ctrl-C: it changes things and brings itself to an end in order. The others only read; they are simply left. */
  readonly endsItself?: boolean;
  /** Options beyond the common ones. */
  readonly declare?: (command: Command) => void;
  readonly run: (
    context: VerbContext,
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<number>;
}

export function verbContext(io: Io, options: CommonOptions, signal: AbortSignal): VerbContext {
  return { io, colours: colours(io.colour), options, signal };
}

/** The one place where a result is written: as JSON of a documented shape, or as text for a person. */
export function answer(context: VerbContext, value: unknown, render: (colours: Colours) => string): void {
  context.io.out(context.options.json === true ? printableJson(value) : render(context.colours));
}
