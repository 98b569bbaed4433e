import { otherSite, sites, type SiteId } from '../pair/site.ts';
import { type PrefixOwners, prefixOwnersSchema } from '../pair/spec.ts';
import { type SchemaPrimary, schemasTopic } from '../schema-primary/schema-primary.ts';
import { internalTopics, isInternal, reservedPrefix } from './internal-names.ts';

export { isInternal } from './internal-names.ts';

/** Kafka allows 249 characters for a whole topic name; this leaves room for what follows the prefix. */
export const prefixLengthMax = 100;

/** One reason why two prefixes are not safe. `message` is one line that reads on from the path: what, the bound, what to do. */
export interface PolicyError {
  readonly path: string;
  readonly message: string;
}

/**
 * Proves that the two prefixes can never both own a name, nor an internal one. An empty answer is the proof; without
 * it no link may run. `at` is the path of `owners` in what the user wrote.
 */
export function provePrefixes(owners: PrefixOwners, at = 'prefixPolicy.owners'): readonly PolicyError[] {
  return objectionsTo(owners).map(({ site, message }) => ({ path: `${at}.${site}`, message }));
}

/** {@link prefixOwnersSchema} together with the proof, for configuration: each reason is an issue at its own field. */
export const provenOwnersSchema = prefixOwnersSchema.superRefine((owners, context) => {
  for (const { site, message } of objectionsTo(owners)) context.addIssue({ code: 'custom', path: [site], message });
});

/**
 * The site where this name is home, or undefined for internal and foreign names.
 * Throws when both prefixes match: owners that were never proven must not decide what is copied.
 */
export function ownerOf(name: string, owners: PrefixOwners): SiteId | undefined {
  if (isInternal(name)) return undefined;
  const matching = sites.filter((site) => name.startsWith(owners[site]));
  if (matching.length > 1) {
    throw new Error(`both prefixes own "${name}": the prefixes "${owners.a}" and "${owners.b}" were not proven`);
  }
  return matching[0];
}

/** As {@link ownerOf}; the schemas are home at the schema primary. Who is primary of a topic now is asked of `directionOf`. */
export function homeOf(name: string, owners: PrefixOwners, schemaPrimary?: SchemaPrimary): SiteId | undefined {
  return name === schemasTopic ? schemaPrimary?.site : ownerOf(name, owners);
}

interface Objection {
  readonly site: SiteId;
  readonly message: string;
}

/** Two prefixes are compared only when each is sound: an empty one contains everything, which says nothing new. */
function objectionsTo(owners: PrefixOwners): readonly Objection[] {
  const unsound = sites.flatMap((site) => {
    const message = faultOf(owners[site]);
    return message === undefined ? [] : [{ site, message }];
  });
  if (unsound.length > 0) return unsound;
  const message = overlapOf(owners);
  return message === undefined ? [] : [{ site: 'b', message }];
}

function faultOf(prefix: string): string | undefined {
  if (prefix === '') return 'is empty and would own every topic; give it at least one character, such as "a_"';
  if (prefix.length > prefixLengthMax) {
    return `has ${prefix.length} characters, at most ${prefixLengthMax} are allowed; shorten it`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(prefix)) {
    return `is ${JSON.stringify(prefix)}: topic names take only a-z, A-Z, 0-9, ".", "_" and "-"; remove the others`;
  }
  const internal = internalTopics.find((name) => asKafkaCounts(name).startsWith(asKafkaCounts(prefix)));
  if (internal !== undefined) {
    return `is "${prefix}" and would own the internal topic ${internal} or collide with it; begin it with a letter, such as "a_"`;
  }
  if (asKafkaCounts(prefix).startsWith('__')) {
    return `is "${prefix}": names that begin with "__" are Kafka's own; begin it with a letter, such as "a_"`;
  }
  if (prefix.startsWith(reservedPrefix) || reservedPrefix.startsWith(prefix)) {
    return `is "${prefix}" and overlaps "${reservedPrefix}", with which umbra's own groups and transactional ids begin; choose another`;
  }
  return undefined;
}

function overlapOf({ a, b }: PrefixOwners): string | undefined {
  if (a === b) return `is "${b}", the prefix of site a too; each site needs one of its own`;
  if (b.startsWith(a)) return `is "${b}", which begins with the prefix "${a}" of site a; neither may contain the other`;
  if (a.startsWith(b)) return `is "${b}", with which the prefix "${a}" of site a begins; neither may contain the other`;
  const [countedA, countedB] = [asKafkaCounts(a), asKafkaCounts(b)];
  if (countedA.startsWith(countedB) || countedB.startsWith(countedA)) {
    return `is "${b}", which Kafka cannot tell from "${a}" of site a: "." and "_" collide in its metric names; choose another`;
  }
  return undefined;
}

/** Kafka refuses to create `a.x` beside `a_x`: in metric names both are `a_x`. */
function asKafkaCounts(name: string): string {
  return name.replaceAll('.', '_');
}

/** A topic that breaks the policy. It is reported, never copied and never touched. */
export interface Violation {
  readonly site: SiteId;
  readonly topic: string;
  /** `unowned`: neither prefix matches. `squatter`: a name of the other site that is not the copy of its topic. */
  readonly kind: 'unowned' | 'squatter';
  /** One line: what and what to do. */
  readonly message: string;
}

export interface SiteTopics {
  readonly site: SiteId;
  /** Names of all topics at the site. */
  readonly topics: Iterable<string>;
  /** Names of which the site's `_umbra` says that they are copies (promoted ones included). */
  readonly shadows: ReadonlySet<string>;
  readonly owners: PrefixOwners;
  readonly schemaPrimary?: SchemaPrimary | undefined;
}

/** The topics of one site that break the policy, by name. */
export function judgeTopics(input: SiteTopics): readonly Violation[] {
  const violations: Violation[] = [];
  for (const topic of [...new Set(input.topics)].sort()) {
    const violation = judgeTopic(topic, input);
    if (violation !== undefined) violations.push(violation);
  }
  return violations;
}

function judgeTopic(topic: string, { site, shadows, owners, schemaPrimary }: SiteTopics): Violation | undefined {
  const other = otherSite(site);
  const home = homeOf(topic, owners, schemaPrimary);
  if (home === undefined) {
    if (isInternal(topic)) return undefined;
    const message = `"${topic}" at site ${site} begins with neither "${owners.a}" nor "${owners.b}": it is not copied; recreate it under a prefix`;
    return { site, topic, kind: 'unowned', message };
  }
  if (home !== other || shadows.has(topic)) return undefined;
  const reason =
    topic === schemasTopic
      ? `site ${other} is the schema primary`
      : `names with "${owners[other]}" belong to site ${other}`;
  const message = `"${topic}" at site ${site} is not a copy made by umbra, and ${reason}: it is neither copied nor overwritten; move its records and delete it`;
  return { site, topic, kind: 'squatter', message };
}
