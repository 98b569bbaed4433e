const namedMax = 10;

/** Names in one line: the first ones, and how many there are beside them. */
export function someOf(names: readonly string[], count = names.length): string {
  const first = names.slice(0, namedMax);
  const others = count - first.length;
  return others > 0 ? `${first.join(', ')} and ${others} more` : first.join(', ');
}
