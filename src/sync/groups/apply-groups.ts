import { errorName } from '../../kafka/errors.ts';
import {
  commitGroupOffsets,
  deleteGroup,
  deleteGroupOffsets,
  type OffsetToCommit,
  type WriteGuard,
} from '../../kafka/group-admin.ts';
import type { GroupAnswer, GroupCoordinators, GroupRequest } from '../../kafka/group-coordinators.ts';
import type { Answer } from '../../kafka/log-queries.ts';
import type { GroupFinding, GroupPlan } from './plan-groups.ts';

/** A commit of many positions is one record batch of the broker's, which has a limit of its own. */
const commitBytesMax = 256 * 1024;
const positionBytes = 64;
/** Brokers handle the requests of one connection one after the other, and a commit waits for the disks of others. */
const writeLanes = 8;

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const coordinatorMoved: ReadonlySet<number> = new Set([14, 15, 16]);
/**
 * ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC,
 * FENCED_MEMBER_EPOCH, STALE_MEMBER_EPOCH: somebody has joined since we looked.
 */
const hasMembers: ReadonlySet<number> = new Set([22, 25, 27, 68, 86, 110, 113]);
const metadataTooLarge = 12;
const topicAuthorizationFailed = 29;
const groupAuthorizationFailed = 30;

/** What came of a plan: nothing to add, or what is to be said of the group instead. */
export type Applied = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly finding: GroupFinding };

type Refusals = ReadonlyMap<string, number>;

/**
 * Carries out what the plans name: commits, then removals, then deletions of groups, of each group in this order, many
 * groups at a time. The answer has every group that was to be written. Throws `NotSentError` when the guard says no:
 * nothing more is written then. Does not record anything.
 */
export async function applyGroups(
  plans: readonly GroupPlan[],
  coordinators: GroupCoordinators,
  guard: WriteGuard,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Applied>> {
  const byGroup = new Map(plans.filter(isDue).map((plan) => [plan.group, plan]));
  const request: GroupRequest<Refusals> = {
    purpose: 'group-writes',
    groupsMax: 1,
    lanes: writeLanes,
    async send(broker, groups) {
      const answers = new Map<string, Answer<Refusals>>();
      for (const group of groups) {
        const plan = byGroup.get(group);
        if (plan !== undefined) answers.set(group, answerOf(await carryOut(plan, broker, guard)));
      }
      return answers;
    },
  };
  const answers = await coordinators.ask([...byGroup.keys()], request, signal);
  return new Map([...answers].map(([group, answer]) => [group, applied(answer)]));
}

function isDue({ commits, removals, deleteGroup: end }: GroupPlan): boolean {
  return commits.length > 0 || removals.length > 0 || end;
}

type Broker = Parameters<typeof commitGroupOffsets>[0];

async function carryOut(plan: GroupPlan, broker: Broker, guard: WriteGuard): Promise<Refusals> {
  const refused = new Map<string, number>();
  for (const part of inParts(plan.commits)) {
    for (const [key, code] of await commitGroupOffsets(broker, plan.group, part, guard)) refused.set(key, code);
  }
  if (plan.removals.length > 0) {
    for (const [key, code] of await deleteGroupOffsets(broker, plan.group, plan.removals, guard))
      refused.set(key, code);
  }
  if (plan.deleteGroup) {
    const code = await deleteGroup(broker, plan.group, guard);
    if (code !== undefined) refused.set('the group', code);
  }
  return refused;
}

/** All of it is asked for again when the coordinator moved in between: every part may be done twice. */
function answerOf(refused: Refusals): Answer<Refusals> {
  const moved = [...refused.values()].find((code) => coordinatorMoved.has(code));
  return moved === undefined ? { ok: true, value: refused } : { ok: false, code: moved };
}

function applied(answer: GroupAnswer<Refusals>): Applied {
  switch (answer.kind) {
    case 'unreachable':
      return failed({ state: 'unread', why: `the standby's coordinator does not answer: ${answer.message}` });
    case 'refused':
      return failed({ state: 'refused', why: refusalWhy('the group', answer.code) });
    case 'answered': {
      const [first] = answer.value;
      if (first === undefined) return { kind: 'done' };
      if ([...answer.value.values()].some((code) => hasMembers.has(code))) {
        return failed({
          state: 'live-at-standby',
          why: 'somebody joined it at the standby while it was to be written',
        });
      }
      const more = answer.value.size > 1 ? `, and ${answer.value.size - 1} more` : '';
      return failed({ state: 'refused', why: `${refusalWhy(...first)}${more}` });
    }
  }
}

function failed(finding: GroupFinding): Applied {
  return { kind: 'failed', finding };
}

function refusalWhy(what: string, code: number): string {
  return `the standby refused ${what}: ${errorName(code)}${remedy(code)}`;
}

function remedy(code: number): string {
  switch (code) {
    case metadataTooLarge:
      return '; raise offset.metadata.max.bytes of its brokers to that of the source';
    case topicAuthorizationFailed:
      return "; grant READ on the topic to umbra's principal";
    case groupAuthorizationFailed:
      return "; grant READ and DELETE on the group to umbra's principal";
    default:
      return '';
  }
}

function inParts(commits: readonly OffsetToCommit[]): readonly (readonly OffsetToCommit[])[] {
  const parts: OffsetToCommit[][] = [];
  let bytes = Infinity;
  for (const commit of commits) {
    const size = positionBytes + Buffer.byteLength(commit.topic) + Buffer.byteLength(commit.metadata);
    if (bytes + size > commitBytesMax) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)?.push(commit);
  }
  return parts;
}
