import { type AclBinding } from '../prefix-policy/acls.ts';

/** What has to be done so that a cluster has the wanted ACLs. */
export interface GrantsPlan {
  readonly create: readonly AclBinding[];
  readonly remove: readonly AclBinding[];
}

/** Two bindings with the same key are the same ACL. */
export function bindingKey(binding: AclBinding): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = binding;
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permission]);
}

/**
 * Pure. Created: what is wanted and missing. Removed: what we once applied, nobody wants any more and is still there.
 * ACLs that somebody else made are never touched.
 */
export function planGrants(input: {
  readonly wanted: readonly AclBinding[];
  readonly appliedByUs: readonly AclBinding[];
  readonly existing: readonly AclBinding[];
}): GrantsPlan {
  const wanted = keysOf(input.wanted);
  const existing = keysOf(input.existing);
  return {
    create: input.wanted.filter((binding) => !existing.has(bindingKey(binding))),
    remove: input.appliedByUs.filter((binding) => {
      const key = bindingKey(binding);
      return !wanted.has(key) && existing.has(key);
    }),
  };
}

function keysOf(bindings: readonly AclBinding[]): ReadonlySet<string> {
  return new Set(bindings.map(bindingKey));
}
