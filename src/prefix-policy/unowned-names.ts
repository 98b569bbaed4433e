import { type SiteId } from '../pair/site.ts';
import { type PrefixOwners } from '../pair/spec.ts';
import { type PrefixPolicy } from './declared-policy.ts';
import { registryGroup, registryGroupPrefix, reservedPrefix } from './internal-names.ts';
import { isInternal, ownerOf } from './prefix-policy.ts';

export type NameKind = 'topic' | 'group' | 'transactional id';

/** A name that belongs to no site: it is never carried over. `message` is one line: what and what to do. */
export interface UnownedName {
  readonly site: SiteId;
  readonly kind: NameKind;
  readonly name: string;
  readonly message: string;
}

export interface NamesAt {
  readonly site: SiteId;
  readonly topics?: Iterable<string>;
  readonly groups?: Iterable<string>;
  readonly transactionalIds?: Iterable<string>;
}

/** The names at one site that neither prefix owns, by kind and name. Kafka's, umbra's and registries' own are left out. */
export function unownedNames(at: NamesAt, policy: PrefixPolicy): readonly UnownedName[] {
  return [
    ...unownedOf('topic', at.topics, at.site, policy.owners),
    ...unownedOf('group', at.groups, at.site, policy.groups),
    ...unownedOf('transactional id', at.transactionalIds, at.site, policy.transactionalIds),
  ];
}

/** Why a link must not start, in one line; undefined when it may: the policy only reports, or there is nothing unowned. */
export function refusalOf(unowned: readonly UnownedName[], { unowned: decision }: PrefixPolicy): string | undefined {
  const [first] = unowned;
  if (decision === 'report' || first === undefined) return undefined;
  const others = unowned.length - 1;
  const more = others === 0 ? '' : `, and ${others} more`;
  return `names that belong to no site are refused (unowned: "refuse"): the ${first.kind} "${first.name}" at site ${first.site}${more}; rename or delete them, or declare unowned: "report"`;
}

function unownedOf(
  kind: NameKind,
  names: Iterable<string> | undefined,
  site: SiteId,
  owners: PrefixOwners,
): readonly UnownedName[] {
  const unowned = [...new Set(names)].filter((name) => !isOurs(kind, name) && ownerOf(name, owners) === undefined);
  return unowned.sort().map((name) => ({
    ...{ site, kind, name },
    message: `the ${kind} "${name}" at site ${site} begins with neither "${owners.a}" nor "${owners.b}": it is not carried over; rename it`,
  }));
}

/** Names that belong to each site for itself. */
function isOurs(kind: NameKind, name: string): boolean {
  if (kind === 'topic') return isInternal(name);
  if (kind === 'group' && (name === registryGroup || name.startsWith(registryGroupPrefix))) return true;
  return name.startsWith('__') || name.startsWith(reservedPrefix);
}
