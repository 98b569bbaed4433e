import type { Rehearsal } from '../drill/rehearsal-record.ts';

export interface CopySeen {
  readonly name: string;
  readonly state: string;
}

export interface RehearsalScope {
  readonly topics: ReadonlySet<string>;
  readonly leftOut: Rehearsal['leftOut'];
  /** Of topics that were named. */
  readonly problems: readonly string[];
}

/** States in which a copy holds what a move would make primary. */
const readable: ReadonlySet<string> = new Set(['following', 'paused']);

/** The copies that are read: all of them, or those that are named. Pure. */
export function scopeOf(asked: 'all' | readonly string[], copies: readonly CopySeen[]): RehearsalScope {
  const wanted = (name: string): boolean => asked === 'all' || asked.includes(name);
  const known = new Set(copies.map(({ name }) => name));
  const inScope = copies.filter(({ name }) => wanted(name));
  const others = inScope.filter(({ state }) => !readable.has(state));
  const strange = asked === 'all' ? [] : asked.filter((name) => !known.has(name));
  return {
    topics: new Set(inScope.filter(({ state }) => readable.has(state)).map(({ name }) => name)),
    leftOut: asked === 'all' ? others.map(({ name, state }) => ({ name, why: `it is ${state}` })) : [],
    problems: [
      ...strange.map((name) => `${name} is no copy at this site`),
      ...(asked === 'all' ? [] : others.map(({ name, state }) => `the copy ${name} is ${state}`)),
    ],
  };
}
