import { join } from 'node:path';
import type { RebuildRecord } from './rebuild-record.ts';
import type { RebuildView } from './rebuild-view.ts';

/** What only the running worker knows of a step. */
export interface StepProgress {
  readonly partitionsDone: number;
  readonly partitionsTotal: number;
  readonly trouble: string | undefined;
  /** Why nobody carries it out any more although it is not at its end. */
  readonly interrupted: string | undefined;
}

/** The journal's record as the API shows it. Pure. */
export function viewRecord(record: RebuildRecord, progress: StepProgress): RebuildView {
  const { step, planHash: hash, startedAt } = record;
  const quarantine = join(record.folder, record.name);
  const confirmed = { hash, startedAt, quarantine };
  const { partitionsDone, partitionsTotal, interrupted } = progress;
  const trouble = progress.trouble === undefined ? {} : { trouble: progress.trouble };
  if (interrupted !== undefined && step.kind !== 'done' && step.kind !== 'stopped') {
    return { step: 'interrupted', ...confirmed, at: step.kind, reason: interrupted };
  }
  switch (step.kind) {
    case 'quarantining':
      return { step: 'quarantining', ...confirmed, partitionsDone, partitionsTotal, ...trouble };
    case 'replaying':
    case 'deleting':
    case 'seeding':
    case 'reversing':
      return { step: step.kind, ...confirmed, ...trouble };
    case 'done': {
      const { at, copy, remarks } = step;
      return {
        ...{ step: 'done', ...confirmed, at, copy, remarks },
        ...(record.tail === undefined ? {} : { tail: record.tail }),
        ...(record.sums === undefined ? {} : { sums: record.sums }),
      };
    }
    case 'stopped':
      return {
        step: 'stopped',
        at: step.at,
        reason: step.reason,
        copy: step.deletionSent ? 'unknown' : 'kept',
        ...(step.quarantined ? { quarantine } : {}),
      };
  }
}
