import type { DrillSpec, DrillTimes } from '../../drill/drill-spec.ts';
import { ruleOf, verdictOf } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import type { DrillVerdict } from '../../drill/level.ts';
import type { DrillCursor, DrillFinding } from '../state/drill-memory.ts';

export interface FindingContext {
  readonly spec: DrillSpec;
  readonly times: Pick<DrillTimes, 'dueMs'>;
  readonly now: Date;
  readonly known: (id: string) => DrillFinding | undefined;
}

export interface FindingSources extends FindingContext {
  readonly run: RunRecord;
  /** As it will be when the run is over. */
  readonly cursor: DrillCursor | undefined;
}

/** What a run has shown that somebody has to see to. Pure. */
export function findingsOfRun({ run, cursor, ...context }: FindingSources): readonly DrillFinding[] {
  const { verdict, reasons } = verdictOf(run);
  const [why = verdict] = reasons;
  const skipped = isIdle(verdict) ? skippedTooOften(context, { cursor, run: run.id, why }) : [];
  if (verdict !== 'FAILED') return skipped;
  const what = run.abort === undefined ? 'result' : run.abort.trigger.replaceAll(' ', '-');
  return [opened(context, { what, run: run.id, severity: severityOf(run), title: why })];
}

/** What a drill shows by not running. Pure. */
export function skippedTooOften(
  context: FindingContext,
  { cursor, run, why }: { readonly cursor: DrillCursor | undefined; readonly run: string; readonly why: string },
): readonly DrillFinding[] {
  if (cursor === undefined || cursor.skips <= context.spec.maxSkips) return [];
  const title = `it did not run ${cursor.skips} times one after the other, the last time because of: ${why}`;
  return [opened(context, { what: 'skipped', run, severity: 'major', title })];
}

/** The same thing shown again opens the same finding again. */
function opened(
  { spec, times, now, known }: FindingContext,
  { what, run, severity, title }: Pick<DrillFinding, 'run' | 'severity' | 'title'> & { readonly what: string },
): DrillFinding {
  const id = `${spec.name}-${what}`.slice(0, 120);
  const before = known(id);
  const stillOpen = before !== undefined && before.status !== 'closed';
  return {
    ...{ id, drill: spec.name, run, severity, title: title.slice(0, 1_000), owner: spec.owner },
    openedAt: stillOpen ? before.openedAt : now.toISOString(),
    due: stillOpen ? before.due : new Date(now.getTime() + times.dueMs).toISOString(),
    status: stillOpen ? before.status : 'open',
    ...(stillOpen && before.note !== undefined ? { note: before.note } : {}),
  };
}

/** It did not run at all. */
export function isIdle(verdict: DrillVerdict): boolean {
  return verdict === 'BLOCKED' || verdict === 'SKIPPED';
}

/** Records that are not where they were acknowledged, and two writers, are what the tool is there to prevent. */
function severityOf({ abort, facts }: RunRecord): DrillFinding['severity'] {
  const wrong = facts.proofs.some(({ problems }) => problems.length > 0);
  if (wrong || abort?.trigger === 'two writers') return 'critical';
  return abort === undefined || ruleOf(abort).page ? 'major' : 'minor';
}
