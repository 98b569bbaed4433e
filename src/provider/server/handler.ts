import type { z } from 'zod';
import type { Json } from './property.ts';

/** What a handler is given for work that has effects. Lines appear under the resource's own heading. */
export interface Job {
  /** Aborted when the engine cancels (Ctrl-C) or the plugin ends. */
  readonly signal: AbortSignal;
  readonly report: Report;
}

export interface Report {
  info(line: string): void;
  warn(line: string): void;
  /** Replaced by the next line; gone when the resource is done. */
  progress(line: string): void;
}

/** `property` is a top-level input, or '' when the reason names the field itself (see `secrets` below). */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What a preview shows: outputs that are certain already (the others are unknown) and lines in plain words. */
export interface Plan<Outputs> {
  readonly outputs: Partial<Outputs>;
  readonly lines: readonly string[];
}

/**
 * `unfinished`: the thing exists, so it stays in the state and can be deleted, but it is not as wanted. The reasons are
 * shown as errors and the next `pulumi up` updates it.
 */
export type Outcome<Outputs> =
  | { readonly kind: 'done'; readonly outputs: Outputs }
  | { readonly kind: 'unfinished'; readonly outputs: Partial<Outputs>; readonly reasons: readonly string[] };

/** `unknown`: it could not be asked; the state stays as it was, which a warning says. */
export type Finding<Inputs, Outputs> =
  /** `outputs` that are left out stay as they were. `drifted`: inputs that somebody else changed. */
  | { readonly kind: 'found'; readonly outputs: Partial<Outputs>; readonly drifted?: Partial<Inputs> }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Inputs as they were applied; outputs may be missing after an unfinished creation. */
export type State<Inputs, Outputs> = Inputs & Partial<Outputs>;

export interface Change<Inputs, Outputs> {
  readonly old: State<Inputs, Outputs>;
  readonly next: Inputs;
  /** Top-level names that differ; outputs named by `heal` and `unfinished` included. */
  readonly changed: readonly string[];
}

export interface PlannedChange<Inputs, Outputs> {
  readonly old: State<Inputs, Outputs>;
  readonly next: Partial<Inputs>;
  readonly changed: readonly string[];
}

export type SecretPath = readonly string[];

/**
 * One kind of resource. `check`, `heal`, `planCreate` and `planUpdate` are pure; `previewUpdate`, `create`, `read`,
 * `update` and `delete` have effects, take an AbortSignal and throw errors whose message is one line for a person.
 * Inputs that are unknown in a preview are absent from the partial ones. `inputs` is strict, `outputs` lists only what
 * the inputs do not hold; both are plain JSON, secrets apart.
 */
export interface ResourceHandler<I extends z.ZodObject, O extends z.ZodObject> {
  /** `umbra:index:ShadowLink` */
  readonly type: string;
  readonly inputs: I;
  readonly outputs: O;
  /** Properties (input or output) that are encrypted in the state whatever the program says; `*` is any key. */
  readonly secrets: readonly SecretPath[];
  /** Inputs whose change needs another thing; the old one is deleted first. Everything else is updated in place. */
  readonly replacedBy: readonly string[];
  /** The stable id, from the inputs alone. */
  id(inputs: z.output<I>): string;
  /** Rules beyond the schema. `old` is absent at creation. */
  check(next: Partial<z.output<I>>, old: Partial<z.output<I>> | undefined): readonly CheckFailure[];
  /** Names of outputs that say that something must be repaired. */
  heal(outputs: Partial<z.output<O>>): readonly string[];
  planCreate(next: Partial<z.output<I>>): Plan<z.output<O>>;
  planUpdate(change: PlannedChange<z.output<I>, z.output<O>>): Plan<z.output<O>>;
  /** Asked in a preview, before anything changes: throws when the update is sure to be refused. */
  previewUpdate?(change: PlannedChange<z.output<I>, z.output<O>>, job: Job): Promise<void>;
  create(inputs: z.output<I>, job: Job): Promise<Outcome<z.output<O>>>;
  read(state: State<z.output<I>, z.output<O>>, job: Job): Promise<Finding<z.output<I>, z.output<O>>>;
  update(change: Change<z.output<I>, z.output<O>>, job: Job): Promise<Outcome<z.output<O>>>;
  delete(state: State<z.output<I>, z.output<O>>, job: Job): Promise<void>;
}

/** A function of the provider that programs can call. */
export interface InvokeHandler<I extends z.ZodObject> {
  /** `umbra:index:checkCluster` */
  readonly token: string;
  readonly inputs: I;
  call(inputs: z.output<I>, signal: AbortSignal): Promise<{ readonly [name: string]: Json }>;
}
