/** What the engine shows a policy of one resource, as plain data. */
export interface SeenResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Inputs, and once it is made also outputs. What is not known yet is {@link unknownValue}. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  /** URN of the component it belongs to. */
  readonly parent?: string;
  /** By property: URNs of the resources its value came from. Known in a preview, when the value itself is not. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
}

/** Stands for a value that only exists after the update. It counts as given; what it says is judged when it is known. */
export const unknownValue: unique symbol = Symbol('unknown');

export type Level = 'mandatory' | 'advisory';

interface Common {
  readonly name: string;
  /** What has to be so, as a sentence. */
  readonly holds: string;
  /** What to do where it is not. */
  readonly remedy: string;
  /** `mandatory` stops the update; `advisory` warns. */
  readonly level: Level;
}

/** Judged before a resource is made or changed. */
export interface ResourceRule extends Common {
  readonly of: 'resource';
  /** Of which types. */
  readonly types: readonly string[];
  /** What is wrong, each as the end of a sentence about the resource. */
  readonly judge: (resource: SeenResource) => readonly string[];
}

export interface Finding {
  readonly urn: string;
  readonly what: string;
}

/** Judged at the end of a preview or an update, over the stack as a whole. */
export interface StackRule extends Common {
  readonly of: 'stack';
  readonly judge: (resources: readonly SeenResource[]) => readonly Finding[];
}

export type Rule = ResourceRule | StackRule;

/** The value at a path such as `a.b.c`; of lists the first member. Unknown when it or something above it is. */
export function at(props: unknown, path: string): unknown {
  return path.split('.').reduce(member, props);
}

function member(value: unknown, name: string): unknown {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (one === unknownValue) return unknownValue;
  return typeof one === 'object' && one !== null ? (one as Readonly<Record<string, unknown>>)[name] : undefined; // as: any object may be asked
}

/** Whether the value is one of those wanted, or may still become one. */
export function isOrWillBe(value: unknown, ...wanted: readonly unknown[]): boolean {
  return value === unknownValue || wanted.includes(value);
}

/** Something is given, whatever it is. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/** The resource and the components above it, from the inside out. */
export function lineage(resource: SeenResource, all: ReadonlyMap<string, SeenResource>): readonly SeenResource[] {
  const found: SeenResource[] = [];
  for (let each: SeenResource | undefined = resource; each !== undefined; each = all.get(each.parent ?? '')) {
    found.push(each);
    if (each.parent === each.urn) break;
  }
  return found;
}
