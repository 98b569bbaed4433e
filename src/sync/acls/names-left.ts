import { contains, covers, type NamePattern, patternText } from './name-pattern.ts';

/** Names that are in `within` and in none of `except`; never empty: `example` is one of them. */
export interface NamesLeft {
  readonly within: NamePattern;
  /** Each is a part of `within`, none contains another. */
  readonly except: readonly NamePattern[];
  readonly example: string;
}

/** What a topic can be called: Kafka's limit and letters. Ids of groups and transactions are not asked about here. */
const nameLengthMax = 249;
const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-');
const notTopics = new Set(['.', '..']);

/** What is left of `within` when `taken` is taken away; undefined when nothing a topic can be called is. Exact. */
export function namesLeft(within: NamePattern, taken: readonly NamePattern[]): NamesLeft | undefined {
  if (taken.some((each) => contains(each, within))) return undefined;
  const inside = taken.filter((each) => contains(within, each));
  const example = within.kind === 'literal' ? within.name : exampleOf(within.prefix, inside);
  if (example === undefined) return undefined;
  return { within, except: inside.filter((each) => isWidest(each, inside)), example };
}

/** `"a_"* except "a_x"`. */
export function namesText({ within, except }: NamesLeft): string {
  return except.length === 0
    ? patternText(within)
    : `${patternText(within)} except ${except.map(patternText).join(', ')}`;
}

/**
 * The shortest name with that prefix that is not taken, by letter. Walks only where something is taken: below a prefix
 * that no pattern touches, the prefix itself is the answer.
 */
function exampleOf(prefix: string, taken: readonly NamePattern[]): string | undefined {
  let level: readonly { readonly prefix: string; readonly taken: readonly NamePattern[] }[] = [{ prefix, taken }];
  while (level.length > 0) {
    for (const { prefix: name, taken: here } of level) {
      if (isTopicName(name) && !here.some((each) => covers(each, name))) return name;
    }
    level = level.flatMap((node) => childrenOf(node.prefix, node.taken));
  }
  return undefined;
}

function childrenOf(
  prefix: string,
  taken: readonly NamePattern[],
): { readonly prefix: string; readonly taken: readonly NamePattern[] }[] {
  if (prefix.length >= nameLengthMax) return [];
  return letters.flatMap((letter) => {
    const child = prefix + letter;
    const all: NamePattern = { kind: 'prefix', prefix: child };
    if (taken.some((each) => contains(each, all))) return [];
    return [{ prefix: child, taken: taken.filter((each) => contains(all, each)) }];
  });
}

function isTopicName(name: string): boolean {
  return name !== '' && name.length <= nameLengthMax && !notTopics.has(name);
}

function isWidest(pattern: NamePattern, among: readonly NamePattern[]): boolean {
  return !among.some(
    (other, index) =>
      other !== pattern &&
      contains(other, pattern) &&
      // Of two that are the same the first one stays.
      (!contains(pattern, other) || index < among.indexOf(pattern)),
  );
}
