import {
  type Acl,
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { type ClusterConfigInput } from '../kafka/cluster-config.ts';
import { type AclBinding } from '../prefix-policy/acls.ts';

/** The ACLs of one cluster, through a super user. */
export interface AclApi {
  /** All that can be said as an {@link AclBinding}; others (other resources, other operations) are not ours to see. */
  list(): Promise<readonly AclBinding[]>;
  create(bindings: readonly AclBinding[]): Promise<void>;
  remove(bindings: readonly AclBinding[]): Promise<void>;
  close(): Promise<void>;
}

const requestTimeoutMs = 15_000;
const retriesMax = 3;

const resourceTypes: readonly AclBinding['resourceType'][] = ['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID'];
const patternTypes: readonly AclBinding['patternType'][] = ['LITERAL', 'PREFIXED'];
const permissions: readonly AclBinding['permission'][] = ['ALLOW', 'DENY'];
const operations: readonly AclBinding['operation'][] = [
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'ALTER_CONFIGS',
  'DESCRIBE_CONFIGS',
];

export function openAclApi(config: ClusterConfigInput): AclApi {
  const { sasl } = config;
  if (sasl !== undefined && !('username' in sasl)) throw new Error(`a local cluster has no ${sasl.mechanism}`);
  const admin = new Admin({
    clientId: 'umbra-local',
    bootstrapBrokers: config.bootstrapServers,
    connectTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retries: retriesMax,
    ...(sasl === undefined ? {} : { sasl }),
  });
  return {
    async list() {
      const resources = await admin.describeAcls({ filter: everything });
      return resources.flatMap((resource) => resource.acls.flatMap((acl) => fromWire({ ...resource, ...acl })));
    },
    create: (bindings) => admin.createAcls({ creations: bindings.map(toWire) }),
    async remove(bindings) {
      await admin.deleteAcls({ filters: bindings.map(toWire) });
    },
    close: () => admin.close(),
  };
}

const everything = {
  resourceType: ResourceTypes.ANY,
  resourceName: null,
  resourcePatternType: ResourcePatternTypes.ANY,
  principal: null,
  host: null,
  operation: AclOperations.ANY,
  permissionType: AclPermissionTypes.ANY,
};

function toWire(binding: AclBinding): Acl {
  return {
    resourceType: ResourceTypes[binding.resourceType],
    resourceName: binding.resourceName,
    resourcePatternType: ResourcePatternTypes[binding.patternType],
    principal: binding.principal,
    host: binding.host,
    operation: AclOperations[binding.operation],
    permissionType: AclPermissionTypes[binding.permission],
  };
}

/** One binding, or none for an ACL that our words do not cover. */
function fromWire(acl: Acl): readonly AclBinding[] {
  const resourceType = resourceTypes.find((name) => ResourceTypes[name] === acl.resourceType);
  const patternType = patternTypes.find((name) => ResourcePatternTypes[name] === acl.resourcePatternType);
  const operation = operations.find((name) => AclOperations[name] === acl.operation);
  const permission = permissions.find((name) => AclPermissionTypes[name] === acl.permissionType);
  if (resourceType === undefined || patternType === undefined || operation === undefined) return [];
  if (permission === undefined) return [];
  const { resourceName, principal, host } = acl;
  return [{ resourceType, resourceName, patternType, principal, host, operation, permission }];
}
