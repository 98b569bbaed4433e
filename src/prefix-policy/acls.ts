import { otherSite, type SiteId } from '../pair/site.ts';
import { type AclBinding, type AclOperation, bindingKey } from './acl-binding.ts';
import { type Grant, literal, type NamesOfSite, prefixed, type Prefixes, prefixesAt } from './grant.ts';
import { type MovedNames, movedWithin, type MovedTopics, nothingMoved } from './moved-names.ts';
import { umbraGrants } from './umbra-grants.ts';

export { type AclBinding, type AclOperation } from './acl-binding.ts';
export { type Grant } from './grant.ts';
export { copyGroupOperations, copyOperations } from './umbra-grants.ts';

export interface SiteAclInput extends NamesOfSite {
  /** With their type, e.g. `User:umbra`. `app` is an application at this site whose scope are the whole prefixes. */
  readonly principals: { readonly umbra: string; readonly app?: string };
  /** Applications at this site, each with its scope. */
  readonly applications?: readonly SiteApplication[];
}

/** An application at a site. Whose prefixes it has must begin with those of the site (`writes`) or the other one (`reads`). */
export interface SiteApplication {
  /** With its type, e.g. `User:orders`. */
  readonly principal: string;
  /** Where it connects from, as brokers see it; `*` for anywhere. */
  readonly host: string;
  /** Names of this site where it is at home; undefined for none. */
  readonly writes: string | undefined;
  /** Names of the other site whose copies it reads; undefined for none. */
  readonly reads: string | undefined;
}

/**
 * What umbra and the applications need at that site, and nothing more; the authorizer denies the rest. Applications at the
 * standby get everything on the other site's names but WRITE: withholding, since a DENY for everyone would also stop the
 * link. The order is that of the grants; no binding appears twice. Source: the least ACLs measured against Kafka 4.3.
 */
export function renderSiteAcls(input: SiteAclInput): readonly AclBinding[] {
  return bindingsOf(renderSiteGrants(input));
}

function bindingsOf(grants: readonly Grant[]): readonly AclBinding[] {
  const bindings = new Map<string, AclBinding>();
  for (const { principal, host = '*', resource, operations } of grants) {
    for (const operation of operations) {
      const binding: AclBinding = { ...resource, principal, host, operation, permission: 'ALLOW' };
      bindings.set(bindingKey(binding), binding);
    }
  }
  return [...bindings.values()];
}

/** The same as {@link renderSiteAcls}, by purpose. Two grants may overlap. */
export function renderSiteGrants(input: SiteAclInput): readonly Grant[] {
  const { own, foreign } = prefixesAt(input);
  const { umbra, app } = input.principals;
  const whole = app === undefined ? [] : [{ principal: app, host: '*', writes: own.topics, reads: foreign.topics }];
  return [
    ...whole.flatMap((application) => appGrants(application, { own, foreign, ...movedAt(input.site, nothingMoved) })),
    ...renderApplicationGrants(input),
    ...umbraGrants(umbra, input),
  ];
}

/** The declared applications of a site, and which names are not primary at home. */
export interface ApplicationAclInput extends Omit<SiteAclInput, 'principals'> {
  /** Default none. The same rights follow a topic: who reads its copy writes it where it is primary now, and the other way round. */
  readonly moved?: MovedNames;
}

/** Of {@link renderSiteGrants} those of the declared applications alone. */
export function renderApplicationGrants(input: ApplicationAclInput): readonly Grant[] {
  const names = { ...prefixesAt(input), ...movedAt(input.site, input.moved ?? nothingMoved) };
  return (input.applications ?? []).flatMap((application) => appGrants(application, names));
}

/** {@link renderApplicationGrants} as ACLs, each once. */
export function renderApplicationAcls(input: ApplicationAclInput): readonly AclBinding[] {
  return bindingsOf(renderApplicationGrants(input));
}

/** Where groups have a prefix of their own, `a_orders_` of the topics `a_` is `ga_orders_` of the groups `ga_`. */
function scoped(site: Prefixes, topics: string): Prefixes {
  if (!topics.startsWith(site.topics)) throw new Error(`the scope "${topics}" does not begin with "${site.topics}"`);
  const rest = topics.slice(site.topics.length);
  return { topics, groups: site.groups + rest, transactionalIds: site.transactionalIds + rest };
}

interface NamesAt {
  readonly own: Prefixes;
  readonly foreign: Prefixes;
  /** Of this site's topics, and of the other one's. */
  readonly left: MovedTopics;
  readonly promoted: MovedTopics;
}

function movedAt(site: SiteId, moved: MovedNames): Pick<NamesAt, 'left' | 'promoted'> {
  return { left: moved[site], promoted: moved[otherSite(site)] };
}

const producing: readonly AclOperation[] = ['READ', 'WRITE', 'DESCRIBE', 'CREATE'];
const consuming: readonly AclOperation[] = ['READ', 'DESCRIBE'];

/** At home on names of this site, a reader of the other site's; but for those that have moved. */
function appGrants(
  { principal, host, writes, reads }: SiteApplication,
  { own, foreign, left, promoted }: NamesAt,
): readonly Grant[] {
  const who = host === '*' ? { principal } : { principal, host };
  const home = writes === undefined ? undefined : scoped(own, writes);
  const away = reads === undefined ? undefined : scoped(foreign, reads);
  return [
    ...grantsOn(home, ({ topics }) => ({
      ...who,
      resource: prefixed('TOPIC', topics),
      // Of single topics that left nothing can be taken from a prefix: the fence on them denies it.
      ...(left.kind === 'all'
        ? { operations: consuming, why: 'consume the topics that left; WRITE is withheld until they come home' }
        : { operations: producing, why: 'produce to, consume and create the topics that are home here' }),
    })),
    ...grantsOn(away, ({ topics }) => ({
      ...who,
      resource: prefixed('TOPIC', topics),
      operations: consuming,
      why: 'consume the copies; WRITE is withheld until a promotion',
    })),
    ...promotedGrants(who, away, promoted),
    ...grantsOn(home, ({ transactionalIds }) => ({
      ...who,
      resource: prefixed('TRANSACTIONAL_ID', transactionalIds),
      operations: ['WRITE', 'DESCRIBE'],
      why: 'transactions under ids of this site',
    })),
    ...grantsOn(home, ({ groups }) => ({
      ...who,
      resource: prefixed('GROUP', groups),
      operations: ['READ', 'DESCRIBE'],
      why: 'consumer groups of this site',
    })),
    ...grantsOn(away, ({ groups }) => ({
      ...who,
      resource: prefixed('GROUP', groups),
      operations: ['READ', 'DESCRIBE'],
      why: 'groups of the other site that carry on here',
    })),
  ];
}

/** Where the other site's topics are primary now: what their applications may do at home. */
function promotedGrants(
  who: Pick<Grant, 'principal' | 'host'>,
  away: Prefixes | undefined,
  promoted: MovedTopics,
): readonly Grant[] {
  if (away === undefined) return [];
  const topics = movedWithin(promoted, away.topics);
  if (topics !== 'all' && topics.length === 0) return [];
  const resources =
    topics === 'all' ? [prefixed('TOPIC', away.topics)] : topics.map((topic) => literal('TOPIC', topic));
  return [
    ...resources.map((resource): Grant => ({
      ...who,
      resource,
      operations: producing,
      why: 'produce to topics that were promoted here',
    })),
    {
      ...who,
      resource: prefixed('TRANSACTIONAL_ID', away.transactionalIds),
      operations: ['WRITE', 'DESCRIBE'],
      why: 'transactions on topics that were promoted here',
    },
  ];
}

function grantsOn(prefixes: Prefixes | undefined, grant: (prefixes: Prefixes) => Grant): readonly Grant[] {
  return prefixes === undefined ? [] : [grant(prefixes)];
}
