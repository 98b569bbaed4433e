import type { CanaryLinkStatus } from '../../canary/link-status.ts';
import { type DrillLevel, drillLevels, type DrillVerdict, drillVerdicts } from '../../drill/level.ts';
import type { SiteId } from '../../pair/site.ts';
import type { DrillFinding, DrillMemory, PastRun } from '../state/drill-memory.ts';
import { isIdle } from './findings.ts';

export const findingSeverities = ['critical', 'major', 'minor'] as const satisfies readonly DrillFinding['severity'][];

/** Verdicts of runs that have begun. */
export const begunVerdicts: readonly DrillVerdict[] = drillVerdicts.filter((verdict) => !isIdle(verdict));

/** The drills of a site in numbers, for metrics. */
export interface DrillFigures {
  readonly lastPasses: ReadonlyMap<DrillLevel, Date>;
  /** Those that are declared. */
  readonly drills: readonly {
    readonly name: string;
    readonly level: DrillLevel;
    readonly skips: number;
    /** Of its newest run that has begun, as far as it is remembered. */
    readonly verdict: DrillVerdict | undefined;
  }[];
  /** Of the newest run that moved something and was acknowledged there: its worst move, in ms. */
  readonly recovery: { readonly totalMs: number; readonly phases: Readonly<Record<string, number>> } | undefined;
  /** Runs that are remembered. */
  readonly runs: Readonly<Record<DrillVerdict, number>>;
  /** Runs that go on at this site. */
  readonly running: number;
  /** By severity those that nobody has accepted or closed. */
  readonly openFindings: Readonly<Record<DrillFinding['severity'], number>>;
  /** Undefined where no canary is configured. */
  readonly canaries: CanaryFigures | undefined;
}

export interface CanaryFigures {
  readonly green: boolean;
  readonly links: readonly CanaryLinkStatus[];
  readonly now: Date;
}

/** Pure, but for what it reads of `_umbra`. */
export function drillFigures(
  memory: Pick<DrillMemory, 'specs' | 'cursor' | 'past' | 'runs' | 'findings' | 'lastPass'>,
  site: SiteId,
  canaries: CanaryFigures | undefined,
): DrillFigures {
  const past = memory.past();
  const findings = memory.findings();
  const open = (severity: DrillFinding['severity']): number =>
    findings.filter((finding) => finding.severity === severity && finding.status === 'open').length;
  const count = (verdict: DrillVerdict): number => past.filter((run) => run.verdict === verdict).length;
  return {
    lastPasses: new Map(
      drillLevels.flatMap((level) => {
        const at = memory.lastPass(level);
        return at === undefined ? [] : [[level, at] as const];
      }),
    ),
    drills: memory.specs().map(({ name, level }) => ({
      ...{ name, level, skips: memory.cursor(name)?.skips ?? 0 },
      verdict: past.find(({ drill, verdict }) => drill === name && !isIdle(verdict))?.verdict,
    })),
    recovery: recoveryOf(past),
    runs: {
      ...{ PASSED: count('PASSED'), FAILED: count('FAILED'), INTERRUPTED: count('INTERRUPTED') },
      ...{ BLOCKED: count('BLOCKED'), SKIPPED: count('SKIPPED') },
    },
    running: memory.runs().filter((run) => run.site === site).length,
    openFindings: { critical: open('critical'), major: open('major'), minor: open('minor') },
    canaries,
  };
}

function recoveryOf(newestFirst: readonly PastRun[]): DrillFigures['recovery'] {
  for (const { rtoMs: totalMs, phases } of newestFirst)
    if (totalMs !== undefined && phases !== undefined) return { totalMs, phases };
  return undefined;
}
