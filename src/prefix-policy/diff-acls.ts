import { type AclBinding, bindingKey } from './acl-binding.ts';

/** What has to be done so that a cluster has the wanted ACLs: what a preview shows. */
export interface AclDiff {
  readonly add: readonly AclBinding[];
  readonly remove: readonly AclBinding[];
}

/**
 * Pure. Added: what is wanted and not there. Removed: what we once made (`owned`), nobody wants any more and is still
 * there. ACLs that somebody else made are never touched.
 */
export function diffAcls(input: {
  /** What the cluster shows now. */
  readonly now: readonly AclBinding[];
  readonly wanted: readonly AclBinding[];
  readonly owned: readonly AclBinding[];
}): AclDiff {
  const wanted = keysOf(input.wanted);
  const now = keysOf(input.now);
  return {
    add: input.wanted.filter((binding) => !now.has(bindingKey(binding))),
    remove: input.owned.filter((binding) => {
      const key = bindingKey(binding);
      return !wanted.has(key) && now.has(key);
    }),
  };
}

function keysOf(bindings: readonly AclBinding[]): ReadonlySet<string> {
  return new Set(bindings.map(bindingKey));
}
