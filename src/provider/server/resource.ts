import type { z } from 'zod';
import type { CheckFailure, Finding, Job, Outcome, Plan, ResourceHandler, State } from './handler.ts';
import { parseKnownInputs } from './known-inputs.ts';
import { UnfinishedError } from './provider-errors.ts';
import {
  decodeProperties,
  equalProperties,
  markSecrets,
  type PropertyMap,
  type PropertyValue,
  unknownValue,
} from './property.ts';
import { unreachable } from './unreachable.ts';

/** An output of its own: why the last creation or update stopped half-way. It outlives a refresh and asks for an update. */
const unfinishedMark = 'unfinished';

export interface Difference {
  readonly changed: readonly string[];
  readonly replaces: readonly string[];
}

export interface Stored {
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface Replacing {
  /** Outputs and inputs of the last success, as the engine keeps them. */
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
}

/** A kind of resource with everything typed hidden behind property maps: what the gRPC methods call. */
export interface Resource {
  readonly type: string;
  check(news: PropertyMap, olds: PropertyMap): { inputs: PropertyMap; failures: readonly CheckFailure[] };
  diff(request: Replacing): Difference;
  previewCreate(news: PropertyMap, job: Job): PropertyMap;
  previewUpdate(request: Replacing, job: Job): Promise<PropertyMap>;
  create(news: PropertyMap, job: Job): Promise<Stored>;
  read(state: Stored, inputs: PropertyMap, job: Job): Promise<(Stored & { inputs: PropertyMap }) | undefined>;
  update(request: Replacing, job: Job): Promise<PropertyMap>;
  delete(state: Stored, job: Job): Promise<void>;
}

/** Binds a typed handler to the property maps of the engine: parsing, comparing and marking happen here, once. */
export function bindResource<I extends z.ZodObject, O extends z.ZodObject>(handler: ResourceHandler<I, O>): Resource {
  const codec = stateCodec(handler);
  const diff = (request: Replacing): Difference => {
    const outputs = parsePartly(handler.outputs, request.olds);
    const halfWay = unfinishedMark in request.olds ? [unfinishedMark] : [];
    const changed = [...changedInputs(handler, request), ...handler.heal(outputs), ...halfWay];
    return { changed, replaces: changed.filter((name) => handler.replacedBy.includes(name)) };
  };
  return {
    type: handler.type,
    check(news, olds) {
      const next = parseKnownInputs(handler.inputs, news, handler.secrets);
      const hasOld = Object.keys(olds).length > 0;
      const old = hasOld ? parsePartly(handler.inputs, olds) : undefined;
      const failures = next.failures.length > 0 ? next.failures : handler.check(next.known, old);
      return { inputs: markSecrets(next.complete, handler.secrets), failures };
    },
    diff,
    previewCreate(news, job) {
      const plan = handler.planCreate(parsePartly(handler.inputs, news));
      return codec.planned(news, plan, job);
    },
    async previewUpdate(request, job) {
      const next = parsePartly(handler.inputs, request.news);
      const change = { old: codec.state(request.olds), next, changed: diff(request).changed };
      await handler.previewUpdate?.(change, job);
      return codec.planned(request.news, handler.planUpdate(change), job);
    },
    async create(news, job) {
      const inputs = codec.inputs(news);
      return codec.stored({ id: handler.id(inputs), news, outcome: await handler.create(inputs, job) });
    },
    async read(stored, inputs, job) {
      const finding = await handler.read(codec.state({ ...inputs, ...stored.outputs }), job);
      return codec.found(stored, inputs, { finding, job });
    },
    async update(request, job) {
      const next = codec.inputs(request.news);
      const change = { old: codec.state(request.olds), next, changed: diff(request).changed };
      const outcome = await handler.update(change, job);
      return codec.stored({ id: handler.id(next), news: request.news, outcome }).outputs;
    },
    async delete(stored, job) {
      await handler.delete(codec.state(stored.outputs), job);
    },
  };
}

function changedInputs(handler: { inputs: z.ZodObject }, { oldInputs, news }: Replacing): readonly string[] {
  return Object.keys(handler.inputs.shape).filter((name) => !equalProperties(oldInputs[name], news[name]));
}

interface StateCodec<Inputs, Outputs> {
  inputs(news: PropertyMap): Inputs;
  state(outputs: PropertyMap): State<Inputs, Outputs>;
  planned(news: PropertyMap, plan: Plan<Outputs>, job: Job): PropertyMap;
  stored(result: { id: string; news: PropertyMap; outcome: Outcome<Outputs> }): Stored;
  found(
    stored: Stored,
    inputs: PropertyMap,
    result: { finding: Finding<Inputs, Outputs>; job: Job },
  ): (Stored & { inputs: PropertyMap }) | undefined;
}

function stateCodec<I extends z.ZodObject, O extends z.ZodObject>(
  handler: ResourceHandler<I, O>,
): StateCodec<z.output<I>, z.output<O>> {
  const merge = (inputs: PropertyMap, outputs: unknown): PropertyMap =>
    markSecrets({ ...inputs, ...decodeProperties(outputs) }, handler.secrets);
  const parseInputs = (map: PropertyMap, what: string): z.output<I> => {
    const { known, failures } = parseKnownInputs(handler.inputs, only(handler.inputs, map), handler.secrets);
    if (failures.length > 0) throw new Error(`${what}: ${failures.map((failure) => failure.reason).join('; ')}`);
    return known as z.output<I>; // as: nothing is unknown outside previews, and every property was parsed
  };
  return {
    inputs: (news) => parseInputs(news, handler.type),
    state: (outputs) => ({
      ...parseInputs(outputs, `the state of this ${handler.type} cannot be read`),
      ...parsePartly(handler.outputs, outputs),
    }),
    planned(news, plan, job) {
      for (const line of plan.lines) job.report.info(line);
      const unknowns: Record<string, PropertyValue> = {};
      for (const name of Object.keys(handler.outputs.shape)) unknowns[name] = unknownValue;
      return markSecrets({ ...news, ...unknowns, ...decodeProperties(plan.outputs) }, handler.secrets);
    },
    stored({ id, news, outcome }) {
      const outputs = merge(news, outcome.outputs);
      if (outcome.kind === 'done') return { id, outputs };
      const { reasons } = outcome;
      throw new UnfinishedError({ id, outputs: { ...outputs, [unfinishedMark]: reasons.join('; ') }, reasons });
    },
    found(stored, inputs, { finding, job }) {
      switch (finding.kind) {
        case 'gone':
          return undefined;
        case 'unknown':
          job.report.warn(finding.reason);
          return { ...stored, inputs };
        case 'found': {
          const now = markSecrets({ ...inputs, ...decodeProperties(finding.drifted ?? {}) }, handler.secrets);
          const before = Object.entries(stored.outputs).filter(([name]) => !(name in handler.inputs.shape));
          const outputs = merge({ ...now, ...Object.fromEntries(before) }, finding.outputs);
          return { id: stored.id, outputs, inputs: now };
        }
        default:
          return unreachable(finding);
      }
    },
  };
}

/** What parses, leaving out the rest: for previews and for states of an unfinished creation. */
function parsePartly<S extends z.ZodObject>(schema: S, map: PropertyMap): Partial<z.output<S>> {
  return parseKnownInputs(schema, only(schema, map), []).known;
}

function only(schema: z.ZodObject, map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => name in schema.shape));
}
