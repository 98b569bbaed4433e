import { z } from 'zod';
import { type AclBinding, bindingKey } from '../prefix-policy/acl-binding.ts';
import { diffAcls } from '../prefix-policy/diff-acls.ts';
import { type AclApi, openAclApi } from './acl-api.ts';
import { waitUntil } from './bounded-wait.ts';
import { clusterPaths } from './cluster-paths.ts';
import { type LocalCluster, type LocalOptions } from './local-cluster.ts';
import { LocalProblem } from './local-problems.ts';
import { readJson, writePrivateJson } from './private-file.ts';

const bindingSchema = z.strictObject({
  resourceType: z.enum(['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID']),
  resourceName: z.string(),
  patternType: z.enum(['LITERAL', 'PREFIXED']),
  principal: z.string(),
  host: z.string(),
  operation: z.enum(['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'ALTER_CONFIGS', 'DESCRIBE_CONFIGS']),
  permission: z.enum(['ALLOW', 'DENY']),
});

/** `grants.json`: every ACL that this room may have made and nobody has asked to forget. */
const grantsFileSchema = z.strictObject({ applied: z.array(bindingSchema) });

export interface AppliedGrants {
  readonly created: number;
  readonly removed: number;
}

/** What is needed of a cluster to grant rights on it. */
export type GrantedCluster = Pick<LocalCluster, 'name' | 'home' | 'security' | 'connection'>;

const settleTimeoutMs = 15_000;
const settleIntervalMs = 50;

/**
 * Makes the ACLs of a cluster be these, as far as they are ours: creates what is missing, removes what an earlier call
 * made and this one does not want, reads back until the cluster says the same. ACLs made by others stay.
 * @throws {LocalProblem} GRANTS_FAILED; INVALID_SPEC for a cluster without authorizer
 */
export async function applyGrants(
  cluster: GrantedCluster,
  wanted: readonly AclBinding[],
  { signal }: LocalOptions,
): Promise<AppliedGrants> {
  if (cluster.security === 'none') {
    throw new LocalProblem('INVALID_SPEC', `Cluster ${cluster.name} has no authorizer: it takes no grants.`);
  }
  const file = clusterPaths(cluster.home).grants;
  const applied = (await readJson(file, grantsFileSchema))?.applied ?? [];
  // Noted before they are made: an interruption leaves none that nobody remembers.
  const union = new Map([...applied, ...wanted].map((binding) => [bindingKey(binding), binding]));
  await writePrivateJson(file, { applied: [...union.values()] });
  const acls = openAclApi(cluster.connection('admin'));
  try {
    const done = await settle(acls, { wanted, owned: applied }, signal);
    await writePrivateJson(file, { applied: wanted });
    return done;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LocalProblem) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LocalProblem('GRANTS_FAILED', `The grants of cluster ${cluster.name} failed: ${why}.`, { cause: error });
  } finally {
    await acls.close();
  }
}

async function settle(
  acls: AclApi,
  goal: { readonly wanted: readonly AclBinding[]; readonly owned: readonly AclBinding[] },
  signal: AbortSignal,
): Promise<AppliedGrants> {
  const first = diffAcls({ ...goal, now: await acls.list() });
  if (first.add.length > 0) await acls.create(first.add);
  if (first.remove.length > 0) await acls.remove(first.remove);
  const settled = await waitUntil(
    async () => {
      const rest = diffAcls({ ...goal, now: await acls.list() });
      return rest.add.length === 0 && rest.remove.length === 0;
    },
    { timeoutMs: settleTimeoutMs, intervalMs: settleIntervalMs, signal },
  );
  if (!settled) throw new LocalProblem('GRANTS_FAILED', `The grants are not visible after ${settleTimeoutMs} ms.`);
  return { created: first.add.length, removed: first.remove.length };
}
