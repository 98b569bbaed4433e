import type { DrillSpec, DrillTimes } from '../../drill/drill-spec.ts';
import { ruleOf, verdictOf } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import type { DrillVerdict } from '../../drill/level.ts';
import type { DrillCursor, DrillFinding } from '../state/drill-memory.ts';

export interface FindingSources {
  readonly spec: DrillSpec;
  readonly times: Pick<DrillTimes, 'dueMs'>;
  readonly run: RunRecord;
  readonly now: Date;
  /** As it will be when the run is over. */
  readonly cursor: DrillCursor | undefined;
  readonly known: (id: string) => DrillFinding | undefined;
}

/** What a run has shown that somebody has to see to. The same thing shown again opens the same finding again. Pure. */
export function findingsOfRun({ spec, times, run, now, cursor, known }: FindingSources): readonly DrillFinding[] {
  const { verdict, reasons } = verdictOf(run);
  const found: DrillFinding[] = [];
  const open = (what: string, severity: DrillFinding['severity'], title: string): void => {
    const id = `${spec.name}-${what}`.slice(0, 120);
    const before = known(id);
    const stillOpen = before !== undefined && before.status !== 'closed';
    found.push({
      ...{ id, drill: spec.name, run: run.id, severity, title: title.slice(0, 1_000), owner: spec.owner },
      openedAt: stillOpen ? before.openedAt : now.toISOString(),
      due: stillOpen ? before.due : new Date(now.getTime() + times.dueMs).toISOString(),
      status: stillOpen ? before.status : 'open',
      ...(stillOpen && before.note !== undefined ? { note: before.note } : {}),
    });
  };
  if (verdict === 'FAILED') {
    const trigger = run.abort === undefined ? 'result' : run.abort.trigger.replaceAll(' ', '-');
    open(trigger, severityOf(run), reasons[0] ?? 'it failed');
  }
  if (isIdle(verdict) && cursor !== undefined && cursor.skips > spec.maxSkips)
    open(
      'skipped',
      'major',
      `it did not run ${cursor.skips} times one after the other, the last time because of: ${reasons[0] ?? verdict}`,
    );
  return found;
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
