/**
 * ACLs in the words of Kafka's own tools, and their codes on the wire (KIP-140, KIP-290, KIP-373, KIP-939). Known are all
 * that Kafka 3.3 to 4.x knows. A code of a newer broker keeps its number in its name (`OPERATION_17`): it is shown as
 * such and never dropped.
 */
import { AclOperations, AclPermissionTypes, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka';

const resourceTypes = [
  'TOPIC',
  'GROUP',
  'CLUSTER',
  'TRANSACTIONAL_ID',
  'DELEGATION_TOKEN',
  'USER',
] as const satisfies readonly (keyof typeof ResourceTypes)[];

const patternTypes = ['LITERAL', 'PREFIXED'] as const satisfies readonly (keyof typeof ResourcePatternTypes)[];

export const knownOperations = [
  'ALL',
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'CREATE_TOKENS',
  'DESCRIBE_TOKENS',
  'TWO_PHASE_COMMIT',
] as const satisfies readonly (keyof typeof AclOperations)[];

const permissions = ['ALLOW', 'DENY'] as const satisfies readonly (keyof typeof AclPermissionTypes)[];

export type KnownOperation = (typeof knownOperations)[number];

/** One ACL as a cluster stores it. Two of them with the same {@link aclKey} are the same ACL. */
export interface Acl {
  readonly resourceType: (typeof resourceTypes)[number] | `RESOURCE_TYPE_${number}`;
  /** The literal `*` stands for every name of that type; a prefixed `*` does not. */
  readonly resourceName: string;
  readonly patternType: (typeof patternTypes)[number] | `PATTERN_TYPE_${number}`;
  /** With its type, e.g. `User:orders`. `User:*` is everybody, whatever the type of their principal. */
  readonly principal: string;
  /** An address as brokers see it, or `*`. */
  readonly host: string;
  readonly operation: KnownOperation | `OPERATION_${number}`;
  readonly permission: (typeof permissions)[number] | `PERMISSION_${number}`;
}

/** What a cluster says of its ACLs. Without an authorizer brokers answer SECURITY_DISABLED (54): nothing is refused there. */
export type AclsSeen = { readonly kind: 'seen'; readonly acls: readonly Acl[] } | { readonly kind: 'no authorizer' };

export const anyName = '*';
export const anyHost = '*';
export const everybody = 'User:*';

/** What makes an ACL the one it is, as text: for sets and maps. */
export function aclKey(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl;
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permission]);
}

/** One line for people: `ALLOW WRITE on TOPIC orders (PREFIXED) to User:app from *`. */
export function aclText(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl;
  return `${permission} ${operation} on ${resourceType} ${resourceName} (${patternType}) to ${principal} from ${host}`;
}

/** Whether every word of it is one that this version knows; others cannot be judged. */
export function isKnown(acl: Acl): boolean {
  return (
    includes(resourceTypes, acl.resourceType) &&
    includes(patternTypes, acl.patternType) &&
    includes(knownOperations, acl.operation) &&
    includes(permissions, acl.permission)
  );
}

function includes(words: readonly string[], word: string): boolean {
  return words.includes(word);
}

/** An ACL as the codecs of the library read and write it; codes may be ones that the library has no name for. */
export interface WireAcl {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly resourcePatternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export function fromWire(wire: WireAcl): Acl {
  const { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType } = wire;
  return {
    resourceType: resourceTypes.find((word) => ResourceTypes[word] === resourceType) ?? `RESOURCE_TYPE_${resourceType}`,
    resourceName,
    patternType:
      patternTypes.find((word) => ResourcePatternTypes[word] === resourcePatternType) ??
      `PATTERN_TYPE_${resourcePatternType}`,
    principal,
    host,
    operation: knownOperations.find((word) => AclOperations[word] === operation) ?? `OPERATION_${operation}`,
    permission:
      permissions.find((word) => AclPermissionTypes[word] === permissionType) ?? `PERMISSION_${permissionType}`,
  };
}

export function toWire(acl: Acl): WireAcl {
  return {
    resourceType: codeOf(ResourceTypes, acl.resourceType),
    resourceName: acl.resourceName,
    resourcePatternType: codeOf(ResourcePatternTypes, acl.patternType),
    principal: acl.principal,
    host: acl.host,
    operation: codeOf(AclOperations, acl.operation),
    permissionType: codeOf(AclPermissionTypes, acl.permission),
  };
}

/** The code of a known word, or the number that the name of an unknown one ends with. */
function codeOf(codes: Readonly<Record<string, number>>, word: string): number {
  return codes[word] ?? Number(word.slice(word.lastIndexOf('_') + 1));
}
