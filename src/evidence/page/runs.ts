import type { DrillVerdict } from '../../drill/level.ts';
import type { EvidenceContent, Finding } from '../document.ts';

/** Runs of both sites, oldest first. */
export function inOrder<Run extends Pick<EvidenceContent, 'startedAt' | 'reportId'>>(
  runs: readonly Run[],
): readonly Run[] {
  return runs.toSorted((left, right) => {
    const later = Date.parse(left.startedAt) - Date.parse(right.startedAt);
    return later === 0 ? (left.reportId < right.reportId ? -1 : 1) : later;
  });
}

export type VerdictCounts = Readonly<Record<DrillVerdict, number>>;

export function countVerdicts(runs: readonly Pick<EvidenceContent, 'verdict'>[]): VerdictCounts {
  const of = (wanted: DrillVerdict): number => runs.filter(({ verdict }) => verdict === wanted).length;
  return {
    PASSED: of('PASSED'),
    FAILED: of('FAILED'),
    INTERRUPTED: of('INTERRUPTED'),
    BLOCKED: of('BLOCKED'),
    SKIPPED: of('SKIPPED'),
  };
}

/** What is read first where several runs were made on a day: what failed, then what was not shown, then what was. */
const gravest: readonly DrillVerdict[] = ['FAILED', 'INTERRUPTED', 'BLOCKED', 'PASSED', 'SKIPPED'];

export function gravestOf(verdicts: readonly DrillVerdict[]): DrillVerdict | undefined {
  return gravest.find((verdict) => verdicts.includes(verdict));
}

/** How often a drill has not run since it last did: skipped or blocked, newest first. */
export function notRunLately(runs: readonly Pick<EvidenceContent, 'verdict'>[]): number {
  const last = runs.findLastIndex(({ verdict }) => verdict !== 'SKIPPED' && verdict !== 'BLOCKED');
  return runs.length - 1 - last;
}

export interface OpenFinding extends Finding {
  /** The report that says so last. */
  readonly reportId: string;
}

/** Findings as the newest run that names them has them, and of those the open ones; the gravest and the oldest due first. */
export function openFindings(runs: readonly EvidenceContent[]): readonly OpenFinding[] {
  const newest = new Map<string, OpenFinding>();
  for (const { findings, reportId } of inOrder(runs))
    for (const finding of findings) newest.set(finding.id, { ...finding, reportId });
  const severities: readonly Finding['severity'][] = ['critical', 'major', 'minor'];
  return [...newest.values()]
    .filter(({ status }) => status === 'open')
    .toSorted((left, right) => {
      const graver = severities.indexOf(left.severity) - severities.indexOf(right.severity);
      return graver === 0 ? Date.parse(left.due) - Date.parse(right.due) : graver;
    });
}

export const letterOf: Readonly<Record<DrillVerdict, string>> = {
  ...{ PASSED: 'P', FAILED: 'F', INTERRUPTED: 'I', BLOCKED: 'B', SKIPPED: 'S' },
};
