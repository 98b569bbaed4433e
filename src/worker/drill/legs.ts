import { canaryTopicOf } from '../../canary/canary-topic.ts';
import { nonProduction } from '../../drill/drill-spec.ts';
import { movesRealTopics } from '../../drill/level.ts';
import type { CutRecord } from '../../operations/cut.ts';
import { isOver, isPromoted, type OperationRecord } from '../../operations/operation.ts';
import type { LegSeen } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { phaseName } from '../../drill/script.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import type { MoveRequest } from '../moves/operation-view.ts';
import { Problem } from '../problems.ts';
import type { RunAnswer } from '../state/drill-memory.ts';
import type { OperationMemory } from '../state/operation-memory.ts';
import type { DrillPorts } from './drill-ports.ts';
import { lookUntil } from './look-until.ts';

/** What both sites know of the operations of a run. */
export interface LegSight {
  readonly own: Pick<OperationMemory, 'operations'>;
  readonly peer: Pick<OperationMemory, 'operations'>;
  /** Of the other site; undefined before it has said anything. */
  readonly answer: Pick<RunAnswer, 'refusals'> | undefined;
  /** Of this one. */
  readonly refused: ReadonlyMap<number, string>;
}

/** The operation of a leg, wherever it is coordinated. */
export function operationOfLeg(
  { own, peer }: Pick<LegSight, 'own' | 'peer'>,
  run: string,
  leg: number,
): OperationRecord | undefined {
  const isIt = ({ drill }: OperationRecord): boolean => drill?.run === run && drill.leg === leg;
  return own.operations().find(isIt) ?? peer.operations().find(isIt);
}

/** Of the site that coordinates it: its topics and cuts are there. */
export function memoryOf(
  { state, link }: Pick<DrillPorts, 'state' | 'link'>,
  { id }: Pick<OperationRecord, 'id'>,
): OperationMemory {
  const peer = link()?.peer.state.moves;
  return peer === undefined || state.moves.operation(id) !== undefined ? state.moves : peer;
}

/** Of its topics, where copying ended; a topic that was cut again since, or that is forgotten, is not among them. */
export function cutsOfLeg(
  ports: Pick<DrillPorts, 'state' | 'link'>,
  sight: LegSight,
  { run, leg }: { readonly run: string; readonly leg: number },
): readonly CutRecord[] {
  const operation = operationOfLeg(sight, run, leg);
  if (operation === undefined) return [];
  const memory = memoryOf(ports, operation);
  return memory.topicsOf(operation.id).flatMap((topic) => {
    const cut = memory.cut(topic);
    return cut?.operation === operation.id ? [cut] : [];
  });
}

export function legSeen(sight: LegSight, run: string, leg: number): LegSeen {
  const operation = operationOfLeg(sight, run, leg);
  if (operation === undefined) {
    const reason = sight.refused.get(leg) ?? sight.answer?.refusals.find((refusal) => refusal.leg === leg)?.reason;
    return reason === undefined ? { kind: 'not begun' } : { kind: 'refused', reason };
  }
  const { step } = operation;
  if (step.kind === 'done') return { kind: 'done' };
  if (step.kind === 'aborted') return { kind: 'given up', reason: step.reason };
  return { kind: 'going on', promoted: isPromoted(step), aborting: step.kind === 'aborting' };
}

/** Operations that are not over and are not of this run: somebody else moves roles. */
export function otherOperations(
  { own, peer }: Pick<LegSight, 'own' | 'peer'>,
  run: string,
): readonly OperationRecord[] {
  return [...own.operations(), ...peer.operations()].filter(({ step, drill }) => !isOver(step) && drill?.run !== run);
}

export function requestOf({ kind, topics }: RunRecord['script']['legs'][number]): MoveRequest {
  return {
    ...{ kind, topics: topics === 'all' || topics === 'home' ? topics : [...topics] },
    ...{ oldSideUnconfirmed: kind === 'failover', includeUnready: false, withoutIdBarrier: false },
  };
}

/** For what stands against a move and may pass: copies are not level at once when a controller has just begun. */
const patienceMs = 15_000;
const againMs = 500;

/**
 * Begins a leg that leads to this site, once, however often it is called: the operation names its run. Resolves to why it is not
 * begun; throws what clusters throw. `wanted`: asked before each try.
 */
export async function beginLeg(
  { link, order, state, site, config }: Pick<DrillPorts, 'link' | 'order' | 'state' | 'site' | 'config'>,
  run: Pick<RunRecord, 'id' | 'level' | 'script' | 'at'>,
  wanted: () => boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const phase = run.script.phases[run.at];
  const leg = phase?.does === 'move' ? run.script.legs[phase.leg] : undefined;
  if (phase?.does !== 'move' || leg?.to !== site)
    throw new Error(`${run.id} has nothing to begin here at ${phase === undefined ? 'its end' : phaseName(phase)}`);
  const moves = link()?.moves;
  if (moves === undefined) return `no link ends at site ${site}`;
  const { level } = run;
  const forbidden = whyForbidden(leg, { level, owners: state.prefixPolicy?.owners, labels: config?.labels });
  if (forbidden !== undefined) return forbidden;
  const drill = { run: run.id, leg: phase.leg };
  const request = requestOf(leg);
  const begin = async (): Promise<string | undefined> => {
    if (operationOfLeg({ own: state.moves, peer: state.moves }, run.id, phase.leg) !== undefined || !wanted())
      return undefined;
    const plan = await moves.plan(request, signal);
    const [blocker] = plan.blockers;
    if (blocker !== undefined) return `${blocker.message}. ${blocker.remedy}`;
    if (!wanted()) return undefined;
    try {
      await moves.execute(request, plan.hash, signal, drill);
      return undefined;
    } catch (error) {
      if (error instanceof Problem && (error.code === 'MOVE_REFUSED' || error.code === 'PLAN_CHANGED'))
        return error.message;
      throw error;
    }
  };
  const tried = await lookUntil(
    async (last) => {
      const refusal = await order(begin);
      return refusal === undefined || last ? { refusal } : undefined;
    },
    { forMs: patienceMs, everyMs: againMs },
    signal,
  );
  return tried?.refusal;
}

/** The run is still at this phase, and nobody has ended it. */
export function isWanted(run: Pick<RunRecord, 'at' | 'abort'> | undefined, at: number): boolean {
  return run?.at === at && run.abort === undefined;
}

export interface LegRules {
  readonly level: RunRecord['level'];
  readonly owners: PrefixOwners | undefined;
  /** Of the pair, as the file of this worker has them. */
  readonly labels: readonly string[] | undefined;
}

/**
 * Whatever a record says that was read: below L4 no real topic is moved, and nothing is failed over but by L6, at a site whose
 * own file says that the pair may be lost. Pure.
 */
export function whyForbidden(
  { kind, topics }: RunRecord['script']['legs'][number],
  { level, owners, labels }: LegRules,
): string | undefined {
  if (kind === 'failover') {
    if (level !== 'L6') return `a drill of ${level} never fails topics over`;
    if (!isExpendable(labels)) return notExpendable;
  }
  const isCanary = (name: string): boolean => owners !== undefined && canaryTopicOf(name, owners) !== undefined;
  if (typeof topics !== 'string' && topics.every(isCanary)) return undefined;
  return movesRealTopics(level) ? undefined : `a drill of ${level} moves canary topics only`;
}

/** The worker's file says that the pair may be lost on purpose. Pure. */
export function isExpendable(labels: readonly string[] | undefined): boolean {
  return labels?.includes(nonProduction) === true;
}

export const notExpendable = `L6 loses a site on purpose: only where drills.labels of the worker’s file has "${nonProduction}"`;

/** Has the operation of a leg given up that this site coordinates, where that is still possible. */
export function cancelLegs({ link, state }: Pick<DrillPorts, 'link' | 'state'>, run: string): void {
  for (const { id, drill, step } of state.moves.operations())
    if (drill?.run === run && !isOver(step)) link()?.moves.abort(id);
}
