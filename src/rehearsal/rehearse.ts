import { leftOutMax, type Rehearsal, restoredMax, topicsShownMax } from '../drill/rehearsal-record.ts';
import type { Cluster } from '../kafka/cluster.ts';
import type { CutRecord } from '../operations/cut.ts';
import { canaryInfix } from '../prefix-policy/internal-names.ts';
import { checkCuts } from './check-cuts.ts';
import type { KeptGroup } from './choose-groups.ts';
import { some } from './judge-group.ts';
import { rehearseGroups } from './rehearse-groups.ts';
import { restoreQuarantines } from './restore-quarantines.ts';
import { restoreSample } from './restore-sample.ts';
import { type CopySeen, scopeOf } from './scope.ts';

export interface RehearsalPorts {
  /** Where the copies are. */
  readonly here: Cluster;
  readonly source: Cluster;
  readonly mayAct: () => boolean;
  readonly clock: { now(): Date };
  /** Where quarantines of this site lie. */
  readonly quarantineFolder: string | undefined;
}

export interface RehearsalRequest {
  readonly run: string;
  /** Of this controller: its groups have names of their own. */
  readonly life: string;
  readonly planHash: string;
  readonly pair: string;
  readonly link: string;
  readonly version: string;
  /** Whose copies. */
  readonly topics: 'all' | readonly string[];
  readonly copies: readonly CopySeen[];
  /** Whose positions the link keeps here. */
  readonly groups: Iterable<KeptGroup>;
  /** Of promotions to this site. */
  readonly cuts: readonly CutRecord[];
}

/** Copies among which one with records is looked for. */
const sampledMax = 20;

/**
 * Reads what a move to this site would need: copies, as their groups would go on with them, and what is kept for a restore. Moves
 * nothing, writes no record, commits only under names of its own: see `removeGroups` for their end. May be begun again. Rejects
 * when aborted, and where the cluster here does not answer.
 */
export async function rehearse(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const { here, quarantineFolder: folder, clock } = ports;
  const scope = scopeOf(request.topics, request.copies);
  const kept = { run: request.run, life: request.life, kept: request.groups, topics: scope.topics };
  const { groups, topics, leftOut } = await rehearseGroups(ports, kept, signal);
  const inScope = request.topics === 'all' ? 'all' : new Set(request.topics);
  const quarantines = await restoreQuarantines(folder, inScope, signal);
  const cuts = await checkCuts(
    here,
    request.cuts.filter(({ topic }) => inScope === 'all' || inScope.has(topic)),
    signal,
  );
  const canariesFirst = [...scope.topics].toSorted(
    (left, right) => Number(right.includes(canaryInfix)) - Number(left.includes(canaryInfix)),
  );
  const { run, pair, link, version, planHash } = request;
  const sample =
    quarantines.restored.length > 0
      ? undefined
      : await restoreSample(
          here,
          {
            ...{ run, pair, link, version, planHash, folder },
            now: clock.now(),
            topics: canariesFirst.slice(0, sampledMax),
          },
          signal,
        );
  return {
    topics: topics.slice(0, topicsShownMax),
    groups: [...groups],
    restored: [...quarantines.restored, ...cuts.restored, ...(sample === undefined ? [] : [sample])].slice(
      0,
      restoredMax,
    ),
    leftOut: [...scope.leftOut, ...leftOut, ...quarantines.leftOut, ...cuts.leftOut].slice(0, leftOutMax),
    problems: some(scope.problems),
  };
}
