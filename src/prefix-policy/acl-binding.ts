export type AclOperation =
  'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'ALTER' | 'DESCRIBE' | 'ALTER_CONFIGS' | 'DESCRIBE_CONFIGS';

/** One Kafka ACL, in the words of Kafka's own tools. */
export interface AclBinding {
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID';
  readonly resourceName: string;
  readonly patternType: 'LITERAL' | 'PREFIXED';
  /** With its type, e.g. `User:umbra`. */
  readonly principal: string;
  /** An address, or `*`. */
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: 'ALLOW' | 'DENY';
}

/** Two bindings with the same key are the same ACL. */
export function bindingKey(binding: AclBinding): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = binding;
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permission]);
}
