import policy from '@pulumi/policy';
import type { SeenResource } from './rule.ts';
import { unknownValue } from './rule.ts';

/** What both kinds of policies are told of a resource; of `@pulumi/policy`'s arguments as far as rules look at it. */
export interface PolicyResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly opts: { readonly protect: boolean; readonly parent?: string };
  readonly parent?: { readonly urn: string };
  readonly propertyDependencies?: Readonly<Record<string, readonly { readonly urn: string }[]>>;
}

/** As plain data, so that rules need neither catch nor know the engine. */
export function seen(resource: PolicyResource): SeenResource {
  const { urn, type, name, props, opts, propertyDependencies = {} } = resource;
  const parent = resource.parent?.urn ?? opts.parent;
  const sources = Object.entries(propertyDependencies).map(([property, of]) => [property, of.map((each) => each.urn)]);
  return {
    ...{ urn, type, name, protect: opts.protect },
    props: plain(props) as Readonly<Record<string, unknown>>, // as: a record stays one
    ...(parent === undefined || parent === '' ? {} : { parent }),
    sources: Object.fromEntries(sources) as SeenResource['sources'], // as: built of such entries
  };
}

/** Touching a value that is not known throws: of each member it is found out by touching it. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((_, index) => memberOf(value, index));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, memberOf(value, key)]));
}

function memberOf(holder: object, key: string | number): unknown {
  try {
    return plain((holder as Readonly<Record<string | number, unknown>>)[key]); // as: any object may be asked for a member
  } catch (error) {
    if (error instanceof policy.UnknownValueError) return unknownValue;
    throw error;
  }
}
