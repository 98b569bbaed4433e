/**
 * Pulumi property values as they travel over gRPC (a `google.protobuf.Struct`), with the two marks the engine adds:
 * a secret is an object with a signature, an unknown is a sentinel string (seen in previews only). Both are turned into
 * types of their own here, so that no other file can mistake a mark for a value.
 * Omitted: assets, archives and resource references (no umbra resource takes them).
 * Source of the constants: pulumi `sdk/go/common/resource/plugin/rpc.go` and `sdk/nodejs/runtime/rpc.ts`.
 */
const signatureKey = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';
const unknownString = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const unknownSentinels: ReadonlySet<unknown> = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // boolean
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // number
  unknownString,
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // array
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // object
]);

/** A value the engine does not know yet: an output of a resource that is still to be created. */
export const unknownValue: unique symbol = Symbol('unknown');

/** A value the engine encrypts in its state and prints as `[secret]`. Printing this object shows `****`. */
export class SecretProperty {
  readonly #value: PropertyValue;

  constructor(value: PropertyValue) {
    this.#value = value;
  }

  reveal(): PropertyValue {
    return this.#value;
  }

  toString(): string {
    return '****';
  }

  toJSON(): string {
    return '****';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '****';
  }
}

export type PropertyValue =
  boolean | number | string | readonly PropertyValue[] | PropertyMap | SecretProperty | typeof unknownValue;

export interface PropertyMap {
  readonly [key: string]: PropertyValue;
}

/** Plain JSON, without marks. `undefined` members are left out, as in JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Reads what `Struct.toJavaScript()` gave. Null members are dropped: to Pulumi they mean "not set". */
export function decodeProperties(wire: unknown): PropertyMap {
  const decoded = decode(wire);
  return decoded !== undefined && isPropertyMap(decoded) ? decoded : {};
}

function decode(wire: unknown): PropertyValue | undefined {
  if (unknownSentinels.has(wire)) return unknownValue;
  if (typeof wire === 'boolean' || typeof wire === 'number' || typeof wire === 'string') return wire;
  if (Array.isArray(wire)) return wire.map(decode).filter((item) => item !== undefined);
  if (typeof wire !== 'object' || wire === null) return undefined;
  if (signatureOf(wire) === secretSignature) {
    const inner = decode((wire as { value?: unknown }).value); // as: the signature says that this is the shape
    return inner === undefined ? undefined : new SecretProperty(inner);
  }
  const entries = Object.entries(wire).map(([key, value]) => [key, decode(value)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, PropertyValue] => entry[1] !== undefined));
}

function signatureOf(wire: object): unknown {
  return (wire as Record<string, unknown>)[signatureKey]; // as: any object may be asked for a member
}

/** What `Struct.fromJavaScript()` takes. */
export function encodeProperties(map: PropertyMap): Record<string, EncodedValue> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, encode(value)]));
}

export type EncodedValue = boolean | number | string | EncodedValue[] | { [key: string]: EncodedValue };

function encode(value: PropertyValue): EncodedValue {
  if (value === unknownValue) return unknownString;
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  if (value instanceof SecretProperty) return { [signatureKey]: secretSignature, value: encode(value.reveal()) };
  if (isPropertyList(value)) return value.map(encode);
  return encodeProperties(value);
}

export function isPropertyList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

export function isPropertyMap(value: PropertyValue): value is PropertyMap {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof SecretProperty);
}

/** True when any part of the value is unknown. */
export function hasUnknown(value: PropertyValue): boolean {
  if (value === unknownValue) return true;
  if (value instanceof SecretProperty) return hasUnknown(value.reveal());
  if (isPropertyList(value)) return value.some(hasUnknown);
  return isPropertyMap(value) && Object.values(value).some(hasUnknown);
}

/** The plain value without marks, for code that parses it. Throws on an unknown: ask {@link hasUnknown} first. */
export function revealProperty(value: PropertyValue): Json {
  if (value === unknownValue) throw new Error('invariant: an unknown value was read');
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  if (value instanceof SecretProperty) return revealProperty(value.reveal());
  if (isPropertyList(value)) return value.map(revealProperty);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revealProperty(member)]));
}

/** JSON → property value; `null` and `undefined` members are dropped. */
export function toProperty(json: Json): PropertyValue | undefined {
  return decode(json);
}

/**
 * Wraps the values at the paths as secrets, once. A path is a list of keys; `*` stands for every key of an object.
 * Missing and unknown members are left as they are (the mark is added when the value is known).
 */
export function markSecrets(map: PropertyMap, paths: readonly (readonly string[])[]): PropertyMap {
  return paths.reduce<PropertyMap>((marked, path) => {
    const next = markPath(marked, path);
    return isPropertyMap(next) ? next : marked;
  }, map);
}

function markPath(value: PropertyValue, path: readonly string[]): PropertyValue {
  const [head, ...rest] = path;
  if (value instanceof SecretProperty || value === unknownValue) return value;
  if (head === undefined) return new SecretProperty(value);
  if (!isPropertyMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, head === '*' || head === key ? markPath(member, rest) : member]),
  );
}

/** Equal values with equal marks; an unknown equals nothing, not even another unknown. */
export function equalProperties(left: PropertyValue | undefined, right: PropertyValue | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (left === unknownValue || right === unknownValue) return false;
  if (left instanceof SecretProperty || right instanceof SecretProperty) {
    if (!(left instanceof SecretProperty && right instanceof SecretProperty)) return false;
    return equalProperties(left.reveal(), right.reveal());
  }
  if (isPropertyList(left) || isPropertyList(right)) {
    if (!isPropertyList(left) || !isPropertyList(right) || left.length !== right.length) return false;
    return left.every((item, index) => equalProperties(item, right[index]));
  }
  if (!isPropertyMap(left) || !isPropertyMap(right)) return left === right;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => equalProperties(left[key], right[key]));
}
