import { isLostOnPurpose } from '../../drill/loss-on-purpose.ts';
import { abortTable } from '../../drill/triggers.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { phaseName } from '../../drill/script.ts';
import type { RunView } from './drill-view.ts';

/** Pure. */
export function viewRun(run: RunRecord): RunView {
  const { id, drill, level, site, requestedBy, startedAt, deadlineAt, planHash, state, since, journal, facts, script } =
    run;
  const phase = script.phases[run.at];
  return {
    ...{ id, drill, level, site, requestedBy, startedAt, deadlineAt, planHash, state, since, journal, facts, script },
    ...(phase === undefined ? {} : { phase: phaseName(phase) }),
    abortMeans: abortMeans(run),
    ...(run.abort === undefined ? {} : { abort: run.abort }),
    ...(run.blocked === undefined ? {} : { blocked: run.blocked }),
  };
}

function abortMeans({ script, at, abort, blocked }: RunRecord): string {
  const mended = isLostOnPurpose({ script, at })
    ? 'the lost site is given back and follows again where topics were taken over; '
    : '';
  if (abort !== undefined || blocked !== undefined) return 'nothing more: it is ending already';
  const phase = script.phases[at];
  const moved = script.phases.slice(0, at).some(({ does }) => does === 'move');
  switch (phase?.does) {
    case undefined:
    case 'judge':
    case 'cleanup':
    case 'seal':
      return 'nothing more: it is ending already';
    case 'move':
      return `${mended}before the point of no return of this move: the old primary gets its rights back (${abortTable.operator.before.verdict}); behind it: the move is carried to its end`;
    case 'rehearse':
      return 'it ends; the groups that it has made are removed';
    default:
      return `${mended}${moved ? 'no further move is begun; the topics stay where they are now' : 'nothing has been moved: it ends'}`;
  }
}
