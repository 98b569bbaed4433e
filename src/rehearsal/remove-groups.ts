import type { Cluster } from '../kafka/cluster.ts';
import { errorName } from '../kafka/errors.ts';
import { deleteGroup } from '../kafka/group-admin.ts';
import { GroupCoordinators, type GroupRequest } from '../kafka/group-coordinators.ts';
import { rehearsalPrefix } from '../prefix-policy/internal-names.ts';
import { runOfGroup } from './group-names.ts';

const nonEmptyGroup = 68;
const groupAuthorizationFailed = 30;

/**
 * Deletes the groups of rehearsals: of this run, and of every other one that is over (`goesOn`: it is not). Resolves to what is
 * left of them, a line each; those with members may be gone when it is called again. Idempotent. Throws when no broker answers.
 */
export async function removeGroups(
  here: Cluster,
  { goesOn, mayAct }: { readonly goesOn: (run: string) => boolean; readonly mayAct: () => boolean },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const coordinators = new GroupCoordinators(here);
  const { groups, troubles } = await coordinators.list('groups', signal);
  const ours = [...groups.keys()].filter((group) => {
    const run = runOfGroup(group);
    return run !== undefined && !goesOn(run);
  });
  const request: GroupRequest<number | undefined> = {
    ...{ purpose: 'group-writes', groupsMax: 1, lanes: 2 },
    send: async (broker, [group]) =>
      new Map(
        group === undefined
          ? []
          : [[group, { ok: true, value: await deleteGroup(broker, group, { maySend: mayAct }) }]],
      ),
  };
  const left = [...troubles];
  for (const [group, answer] of await coordinators.ask(ours, request, signal)) {
    if (answer.kind === 'unreachable') left.push(`the group ${group} is left: ${answer.message}`);
    else if (answer.kind === 'refused') left.push(refusal(group, answer.code));
    else if (answer.value !== undefined) left.push(refusal(group, answer.value));
  }
  return left;
}

function refusal(group: string, code: number): string {
  if (code === nonEmptyGroup) return `the group ${group} still has a member`;
  const remedy = code === groupAuthorizationFailed ? `; grant DELETE on groups that begin with ${rehearsalPrefix}` : '';
  return `the group ${group} is left: ${errorName(code)}${remedy}`;
}
