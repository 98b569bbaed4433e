import type { DrillSpec } from '../../drill/drill-spec.ts';
import type { DrillFinding, DrillFreeze, PastRun } from '../state/drill-memory.ts';
import type { DrillPlan, DrillView, RunAnswerView, RunView } from './drill-view.ts';

/** What a person says of a finding. */
export interface FindingDecision {
  readonly status: 'accepted' | 'closed' | 'open';
  readonly note: string;
}

/** What a site offers of its drills to the edges. Methods reject with a `Problem`; nothing is changed then. */
export interface DrillService {
  put(spec: DrillSpec, signal: AbortSignal): Promise<void>;
  /** What has run stays in the history. */
  remove(name: string, signal: AbortSignal): Promise<void>;
  views(): readonly DrillView[];
  view(name: string): DrillView;
  /** That go on here. */
  runViews(): readonly RunView[];
  run(id: string): RunAnswerView;
  /** Newest first. */
  history(): readonly PastRun[];
  /** What a run would do and what stands against it now; begins nothing. */
  plan(name: string, signal: AbortSignal): Promise<DrillPlan>;
  /** Begins it now; resolves when that outlives the worker. */
  begin(name: string, requestedBy: string, signal: AbortSignal): Promise<RunAnswerView>;
  abort(id: string, reason: string, signal: AbortSignal): Promise<RunAnswerView>;
  /** Leaves out the next time of its schedule. */
  skip(name: string, reason: string, signal: AbortSignal): Promise<DrillView>;
  approve(name: string, by: { readonly name: string; readonly role: string }, signal: AbortSignal): Promise<DrillView>;
  /** The one of either site that is in force. */
  frozen(): DrillFreeze | undefined;
  /** No drill of the pair begins until then but those that only look; takes the place of the one before at this site. */
  freeze(wanted: Pick<DrillFreeze, 'by' | 'reason' | 'until'>, signal: AbortSignal): Promise<void>;
  /** Takes that of this site back. */
  thaw(signal: AbortSignal): Promise<void>;
  findings(): readonly DrillFinding[];
  decide(id: string, decision: FindingDecision, signal: AbortSignal): Promise<DrillFinding>;
}
