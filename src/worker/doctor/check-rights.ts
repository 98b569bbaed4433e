import { type Acl, aclText, everybody, type KnownOperation } from '../../kafka/acl-words.ts';
import type { Operations } from '../../kafka/authorized-operations.ts';
import { otherSite } from '../../pair/site.ts';
import { type AclOperation, type Grant, renderSiteGrants } from '../../prefix-policy/acls.ts';
import { rehearsalPrefix, reservedPrefix, stateTopic } from '../../prefix-policy/internal-names.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { Finding } from '../finding.ts';
import { kafkaTool } from './commands.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { PairSight, SiteSight } from './site-sight.ts';

/** Ends made-up names, by which rights on prefixes are found. Nobody creates them. */
const madeUp = 'umbra-doctor';
const namesShownMax = 5;
const unknownPrincipal = "User:<umbra's principal>";

/** The names whose rights are to be asked for at a site, so that {@link checkRights} can judge them. Pure. */
export function namesToAsk(
  sight: Pick<SiteSight, 'site' | 'metadata'>,
  pair: PairSight,
): { readonly topics: readonly string[]; readonly groups: readonly string[]; readonly transactionalId: string } {
  const needs = needsOf(sight.site, pair);
  const probes = (type: Grant['resource']['resourceType']): string[] =>
    needs.filter(({ resource }) => resource.resourceType === type).map(({ resource }) => probeOf(resource));
  const existing = [...sight.metadata.topics.keys()];
  return {
    topics: [...new Set([...probes('TOPIC'), ...existing])],
    groups: [...new Set(probes('GROUP'))],
    transactionalId: `${reservedPrefix}${madeUp}`,
  };
}

/** Rights of umbra's principal at a site against what the grants of docs/rights.md say it needs. Pure. */
export function checkRights(sight: SiteSight, pair: PairSight): readonly Finding[] {
  const { site, rights, authorizer } = sight;
  const fence = authorizer === 'absent' ? [unfenced(sight)] : [];
  if (rights === undefined) return fence;
  const missing = needsOf(site, pair).flatMap((need) => lacking(need, sight, rights));
  if (missing.length > 0 || fence.length > 0) return [...fence, ...missing];
  return [inOrder(site, 'rights', 'umbra has every right it needs')];
}

interface Need {
  readonly resource: Grant['resource'];
  readonly operations: readonly AclOperation[];
  readonly why: string;
}

/** The grants to umbra at that site, as far as prefixes are known; several on one resource become one. Pure. */
function needsOf(site: SiteSight['site'], { owners, policy, schemaPrimary }: PairSight): readonly Need[] {
  const umbra = 'User:umbra';
  const given = owners ?? { a: '\0a', b: '\0b' };
  const grants = renderSiteGrants({
    ...{ site, owners: given, principals: { umbra } },
    ...(policy === undefined ? {} : { groups: policy.groups, transactionalIds: policy.transactionalIds }),
  });
  const known = grants.filter(({ resource, operations }) => {
    if (resource.resourceName.startsWith('\0')) return false;
    if (resource.resourceName !== schemasTopic) return true;
    // Of the two grants on the schemas the one for the site's role; without a primary nobody copies them.
    return schemaPrimary !== undefined && operations.includes('WRITE') === (schemaPrimary.site === otherSite(site));
  });
  const byResource = Map.groupBy(known, ({ resource }) => JSON.stringify(resource));
  return [...byResource.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const operations = [...new Set(same.flatMap((grant) => grant.operations))];
    return [{ resource: first.resource, operations, why: same.map(({ why }) => why).join('; ') }];
  });
}

function probeOf({ resourceName, patternType }: Grant['resource']): string {
  if (patternType === 'PREFIXED') return `${resourceName}${madeUp}`;
  return resourceName === '*' ? `${madeUp}.${madeUp}` : resourceName;
}

function lacking(need: Need, sight: SiteSight, rights: NonNullable<SiteSight['rights']>): readonly Finding[] {
  const { resource, operations } = need;
  switch (resource.resourceType) {
    case 'CLUSTER':
      return report(need, without(operations, rights.cluster), sight);
    case 'GROUP':
      return report(need, without(operations, rights.groups.get(probeOf(resource))), sight);
    case 'TRANSACTIONAL_ID':
      // WRITE implies DESCRIBE.
      return report(need, rights.transactions ? [] : operations, sight);
    case 'TOPIC': {
      const ofPrefix = without(operations, rights.topics.get(probeOf(resource)));
      return [...report(need, ofPrefix, sight), ...ofSingleTopics(need, ofPrefix, sight, rights.topics)];
    }
  }
}

/** Topics that lack what their prefix has: somebody denied it by name. */
function ofSingleTopics(
  need: Need,
  ofPrefix: readonly AclOperation[],
  sight: SiteSight,
  seen: ReadonlyMap<string, Operations>,
): readonly Finding[] {
  const { resourceName, patternType } = need.resource;
  if (patternType !== 'PREFIXED') return [];
  const names = [...sight.metadata.topics.keys()].filter((name) => name.startsWith(resourceName));
  const lacks = names.map((name) => ({ name, missing: without(need.operations, seen.get(name), ofPrefix) }));
  const alike = Map.groupBy(
    lacks.filter(({ missing }) => missing.length > 0),
    ({ missing }) => missing.join(),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const resource = { ...need.resource, resourceName: first.name, patternType: 'LITERAL' as const };
    const others = group.slice(1, namesShownMax).map(({ name }) => name);
    const more = group.length > namesShownMax ? ` and ${group.length - namesShownMax} more` : '';
    const also = others.length === 0 ? '' : `, and on ${others.join(', ')}${more}`;
    return report({ ...need, resource, why: `${need.why}${also}` }, first.missing, sight);
  });
}

function without(
  operations: readonly AclOperation[],
  granted: Operations | undefined,
  known: readonly AclOperation[] = [],
): readonly AclOperation[] {
  if (granted === undefined) return [];
  return operations.filter((operation) => !granted.has(operation) && !known.includes(operation));
}

/** Without these copying goes on. */
function isMinor({ resource }: Need, operation: AclOperation): boolean {
  if (resource.resourceType === 'CLUSTER') return operation === 'DESCRIBE_CONFIGS';
  if (resource.resourceType === 'GROUP') return operation === 'DELETE' || resource.resourceName === rehearsalPrefix;
  return resource.resourceName === '*';
}

function report(need: Need, missing: readonly AclOperation[], sight: SiteSight): readonly Finding[] {
  const [minor, major] = [
    missing.filter((each) => isMinor(need, each)),
    missing.filter((each) => !isMinor(need, each)),
  ];
  return [
    ...(major.length === 0 ? [] : [finding('RIGHT_MISSING', need, major, sight)]),
    ...(minor.length === 0 ? [] : [finding('RIGHT_WANTED', need, minor, sight)]),
  ];
}

function finding(
  code: 'RIGHT_MISSING' | 'RIGHT_WANTED',
  need: Need,
  missing: readonly AclOperation[],
  sight: SiteSight,
): Finding {
  const { resource, why } = need;
  const effects = missing.flatMap((operation) => effectOf(resource, operation) ?? []);
  const what = effects.length === 0 ? '' : `: ${[...new Set(effects)].join('; ')}`;
  const denials = denialsOf(sight, resource, missing);
  const denied =
    denials.length === 0 ? '' : ` First remove what denies it: ${denials.map((acl) => aclText(acl)).join('; ')}.`;
  return found(code, {
    site: sight.site,
    message: `${sight.principal ?? "umbra's principal"} lacks ${missing.join(', ')} on ${nameOf(resource)}${what} (needed to ${why})`,
    remedy: `Grant it: ${grantCommand(sight, resource, missing)}${denied}`,
  });
}

const resourceWords = {
  TOPIC: 'topic',
  GROUP: 'group',
  TRANSACTIONAL_ID: 'transactional id',
  CLUSTER: 'cluster',
} as const;

function nameOf({ resourceType, resourceName, patternType }: Grant['resource']): string {
  if (resourceType === 'CLUSTER') return 'the cluster';
  const word = resourceWords[resourceType];
  if (resourceName === '*') return `every ${word} (*)`;
  return patternType === 'PREFIXED' ? `${word}s that begin with "${resourceName}"` : `the ${word} ${resourceName}`;
}

type Effects = Readonly<Partial<Record<KnownOperation, string>>>;

const topicEffects: Effects = {
  READ: 'records cannot be read and compared',
  WRITE: 'nothing can be appended',
  CREATE: 'new topics get no copy',
  ALTER: 'copies get no more partitions',
  ALTER_CONFIGS: 'configs are not kept level',
  DESCRIBE_CONFIGS: 'configs cannot be read',
  DELETE: 'the start of the log cannot follow, and no copy can be rebuilt',
  DESCRIBE: 'they are not seen at all',
};
const groupEffects: Effects = {
  READ: 'positions of groups are not committed',
  DESCRIBE: 'groups are not seen',
  DELETE: 'groups that were deleted at the source stay',
};
const clusterEffects: Effects = {
  ALTER: 'gaps are not filled (MARKERS_DENIED), and ACLs are not carried over',
  DESCRIBE: 'ACLs and groups are not seen',
  DESCRIBE_CONFIGS: "the brokers' settings and quotas stay unchecked",
};

function effectOf({ resourceType, resourceName }: Grant['resource'], operation: AclOperation): string | undefined {
  switch (resourceType) {
    case 'CLUSTER':
      return clusterEffects[operation];
    case 'TRANSACTIONAL_ID':
      return 'no worker can lead the site, and nothing is copied';
    case 'GROUP':
      if (resourceName === rehearsalPrefix) return 'drills of level L3 fail';
      return resourceName === reservedPrefix ? 'no worker can take part' : groupEffects[operation];
    case 'TOPIC':
      if (resourceName === '*') return 'names that belong to no site are not found';
      return resourceName === stateTopic && (operation === 'READ' || operation === 'WRITE')
        ? 'workers cannot keep their state'
        : topicEffects[operation];
  }
}

const optionOf = { TOPIC: '--topic', GROUP: '--group', TRANSACTIONAL_ID: '--transactional-id' } as const;

function grantCommand(sight: SiteSight, resource: Grant['resource'], missing: readonly AclOperation[]): string {
  const { resourceType, resourceName, patternType } = resource;
  const where =
    resourceType === 'CLUSTER'
      ? '--cluster'
      : `${optionOf[resourceType]} ${resourceName === '*' ? "'*'" : resourceName}` +
        (patternType === 'PREFIXED' ? ' --resource-pattern-type prefixed' : '');
  const operations = missing.map((operation) => `--operation ${toolWord(operation)}`).join(' ');
  const principal = `--allow-principal '${sight.principal ?? unknownPrincipal}'`;
  return kafkaTool('kafka-acls', sight, `--add ${principal} ${operations} ${where}`);
}

/** `ALTER_CONFIGS` → `AlterConfigs`. */
function toolWord(operation: string): string {
  return operation
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');
}

/** DENYs that may be the reason; an ALLOW does not help against them. */
function denialsOf(
  { acls, principal }: SiteSight,
  { resourceType, resourceName }: Grant['resource'],
  missing: readonly AclOperation[],
): readonly Acl[] {
  return (acls ?? []).filter(
    (acl) =>
      acl.permission === 'DENY' &&
      acl.resourceType === resourceType &&
      (acl.principal === everybody || acl.principal === principal) &&
      (acl.operation === 'ALL' || missing.some((operation) => operation === acl.operation)) &&
      (acl.resourceName === '*' || acl.resourceName === resourceName || resourceName.startsWith(acl.resourceName)),
  );
}

function unfenced(sight: SiteSight): Finding {
  return found('UNFENCED', {
    site: sight.site,
    message: 'the cluster has no authorizer: copies here are unfenced, anybody can write them',
    remedy:
      'Set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer on every broker and controller, and grant rights by docs/rights.md.',
  });
}
