import { awaitAcls, createAcls, deleteAcls, type RefusedAcl } from '../../kafka/acl-admin.ts';
import { type Acl, aclKey } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { NotSentError } from '../../kafka/errors.ts';
import { type AclMemory, changedPages, type OwnedAcl, readBook } from './acl-memory.ts';
import { type AclPlan, isAllow } from './plan-acls.ts';

export interface ApplyPorts {
  readonly target: Cluster;
  readonly memory: AclMemory;
  /** Asked right before each request that changes something; no stops with NotSentError. */
  readonly mayAct: () => boolean;
}

export interface Applied {
  readonly refused: readonly RefusedAcl[];
  /** Brokers that do not show the change yet. */
  readonly behind: readonly number[];
}

/** How long every broker of the standby may take to show a change, before the round goes on without it. */
export const settleMs = 10_000;

/**
 * Carries out a plan. What is to be created is recorded as intended before and as created after, what is removed is
 * forgotten after: whatever is interrupted is known to the next round as ours. In between nobody has a right that he has
 * neither before nor after: DENYs come first and go last.
 */
export async function applyAcls(
  plan: Pick<AclPlan, 'create' | 'remove' | 'adopt' | 'withheld'>,
  ports: ApplyPorts,
  signal: AbortSignal,
): Promise<Applied> {
  const { create, remove, adopt } = plan;
  const maySend = (): boolean => !signal.aborted && ports.mayAct();
  const withheld = new Map(plan.withheld.map((acl) => [aclKey(acl), acl]));
  const record = async (change: (owned: Map<string, OwnedAcl>) => void): Promise<void> => {
    const now = readBook(ports.memory.pages());
    const owned = new Map(now.owned);
    change(owned);
    // Together: `_umbra` takes what is waiting in one transaction.
    const results = await Promise.allSettled(
      changedPages(now, { owned, withheld }).map(async (page) => {
        if (!maySend()) throw new NotSentError('this worker may not write any more');
        await ports.memory.putPage(page, signal);
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  await record((owned) => {
    for (const acl of create) owned.set(aclKey(acl), { acl, state: 'intended' });
    for (const acl of adopt) owned.set(aclKey(acl), { acl, state: 'created' });
  });
  if (create.length === 0 && remove.length === 0) return { refused: [], behind: [] };
  const refused: RefusedAcl[] = [];
  for (const { does, acls } of inSafeOrder(create, remove)) {
    refused.push(...(await does(ports.target, acls, maySend)));
  }
  const refusedKeys = new Set(refused.map(({ acl }) => aclKey(acl)));
  const done = (acl: Acl): boolean => !refusedKeys.has(aclKey(acl));
  const [present, absent] = [create.filter(done), remove.filter(done)];
  await record((owned) => {
    for (const acl of present) owned.set(aclKey(acl), { acl, state: 'created' });
    for (const acl of create) if (!done(acl)) owned.delete(aclKey(acl));
    for (const acl of absent) owned.delete(aclKey(acl));
  });
  const behind = await awaitAcls(ports.target, { present, absent }, { timeoutMs: settleMs, signal });
  return { refused, behind };
}

interface Change {
  readonly does: typeof createAcls;
  readonly acls: readonly Acl[];
}

function inSafeOrder(create: readonly Acl[], remove: readonly Acl[]): readonly Change[] {
  const isDenial = (acl: Acl): boolean => !isAllow(acl);
  return [
    { does: createAcls, acls: create.filter(isDenial) },
    { does: deleteAcls, acls: remove.filter(isAllow) },
    { does: createAcls, acls: create.filter(isAllow) },
    { does: deleteAcls, acls: remove.filter(isDenial) },
  ];
}
