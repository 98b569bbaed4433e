import type { Acl, KnownOperation } from '../../kafka/acl-words.ts';
import { allows } from './effective-rights.ts';

/** What an ALLOW at the source becomes at the standby. */
export interface ShadowRight {
  /** Granted at once: what the right says, or implies, and does not change the topic. */
  readonly synced: readonly KnownOperation[];
  /** Whether the right itself waits for the promotion. */
  readonly withheld: boolean;
  readonly why: string;
}

const meaningless: ShadowRight = { synced: [], withheld: true, why: 'means nothing on a topic' };

/** Rights on a shadow topic. Only the link may change one: whatever is not reading is withheld, what it implies is not. */
export const shadowTopicRights: Readonly<Record<KnownOperation, ShadowRight>> = {
  READ: { synced: ['READ'], withheld: false, why: 'consumers read copies' },
  DESCRIBE: { synced: ['DESCRIBE'], withheld: false, why: 'changes nothing' },
  DESCRIBE_CONFIGS: { synced: ['DESCRIBE_CONFIGS'], withheld: false, why: 'changes nothing' },
  WRITE: { synced: ['DESCRIBE'], withheld: true, why: 'a record of anybody else moves every later offset' },
  CREATE: { synced: [], withheld: true, why: 'a topic made by hand stands in the way of its copy' },
  DELETE: { synced: ['DESCRIBE'], withheld: true, why: 'would delete the copy, or records of it' },
  ALTER: { synced: ['DESCRIBE'], withheld: true, why: 'partitions that the source does not have' },
  ALTER_CONFIGS: {
    synced: ['DESCRIBE_CONFIGS'],
    withheld: true,
    why: 'retention and compression of a copy are its link’s',
  },
  ALL: {
    synced: ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'],
    withheld: true,
    why: 'holds WRITE; what of it only reads is granted one by one',
  },
  CLUSTER_ACTION: meaningless,
  IDEMPOTENT_WRITE: meaningless,
  CREATE_TOKENS: meaningless,
  DESCRIBE_TOKENS: meaningless,
  TWO_PHASE_COMMIT: meaningless,
};

/** Types of resources that a link syncs. */
export const syncedTypes = ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'] as const;

export type SyncedType = (typeof syncedTypes)[number];

/** Resources whose ACLs belong to a cluster and are never synced. */
export const unsyncedTypes: Readonly<Record<string, string>> = {
  CLUSTER: 'rights on the cluster are each site’s own',
  DELEGATION_TOKEN: 'tokens are issued by one cluster and unknown to the other',
  USER: 'who may act for whom is each site’s own',
};

const operationsOf: Readonly<Record<SyncedType, readonly KnownOperation[]>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  TRANSACTIONAL_ID: ['WRITE', 'DESCRIBE', 'TWO_PHASE_COMMIT'],
};

/** The operations that mean something on such a resource and that an ALLOW of `operation` gives. */
export function operationsGiven(type: SyncedType, operation: Acl['operation']): readonly KnownOperation[] {
  return operationsOf[type].filter((each) => allows(operation, each));
}
