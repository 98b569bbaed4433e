/** Phases of a recovery in the order in which they happen: a file has its keys in another one. */
const known = [
  'detect',
  'decide',
  'fence',
  'drain',
  'promote',
  'registry',
  'repoint',
  'firstAck',
  'firstRead',
  'steady',
];

/** Names in the order of phases; what is no known phase comes last, by name. */
export function phaseOrder(names: Iterable<string>): readonly string[] {
  const given = new Set(names);
  const others = [...given].filter((name) => !known.includes(name)).toSorted();
  return [...known.filter((name) => given.has(name)), ...others];
}

/** Phases with their milliseconds, in the order in which they happen. */
export function phasesInOrder(phases: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return phaseOrder(Object.keys(phases)).map((name) => [name, phases[name] ?? 0]);
}
