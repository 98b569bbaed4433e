import type { z } from 'zod';
import { parseSetting } from '../resources/setting-lines.ts';
import type { CheckFailure, SecretPath } from './handler.ts';
import { hasUnknown, type PropertyMap, type PropertyValue, revealProperty, toProperty } from './property.ts';

export interface KnownInputs<Inputs> {
  /** Parsed; a property with an unknown anywhere in it is absent. */
  readonly known: Partial<Inputs>;
  /** As offered, with the defaults of the schema filled in: what the state keeps. */
  readonly complete: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

/**
 * Parses each top-level property on its own, because others may still be unknown in a preview.
 * A failure is put on its property, unless the property holds secrets: the engine prints the offered value beside it.
 */
export function parseKnownInputs<I extends z.ZodObject>(
  schema: I,
  offered: PropertyMap,
  secrets: readonly SecretPath[],
): KnownInputs<z.output<I>> {
  const known: Record<string, unknown> = {};
  const complete: Record<string, PropertyValue> = { ...offered };
  const failures = unknownNames(schema, offered);
  for (const [name, field] of Object.entries(schema.shape)) {
    const value = offered[name];
    if (value !== undefined && hasUnknown(value)) continue;
    // as: the shape of an object schema holds full schemas
    const parsed = parseSetting(field as z.ZodType, value === undefined ? undefined : revealProperty(value), name);
    if ('lines' in parsed) {
      failures.push(...failuresOf(name, parsed.lines, secrets));
    } else if (parsed.data !== undefined) {
      known[name] = parsed.data;
      if (value === undefined) {
        const filled = toProperty(parsed.data as never); // as: defaults are JSON literals, `inputs` is plain JSON
        if (filled !== undefined) complete[name] = filled;
      }
    }
  }
  return { known: known as Partial<z.output<I>>, complete, failures }; // as: each member was parsed by its own schema
}

function unknownNames(schema: z.ZodObject, offered: PropertyMap): CheckFailure[] {
  const names = Object.keys(schema.shape);
  return Object.keys(offered)
    .filter((name) => !names.includes(name))
    .map((name) => ({ property: '', reason: `${name}: is not a property; known are ${names.join(', ')}` }));
}

function failuresOf(name: string, lines: readonly string[], secrets: readonly SecretPath[]): CheckFailure[] {
  const property = secrets.some(([head]) => head === name) ? '' : name;
  return lines.map((reason) => ({ property, reason }));
}
