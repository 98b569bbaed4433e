import { join } from 'node:path';
import type { RebuildRecord } from './rebuild-record.ts';
import type { RebuildView } from './rebuild-view.ts';

/** What only the running worker knows of a step. */
export interface StepProgress {
  readonly partitionsDone: number;
  readonly partitionsTotal: number;
  readonly trouble: string | undefined;
}

/** The journal's record as the API shows it. Pure. */
export function viewRecord(record: RebuildRecord, progress: StepProgress): RebuildView {
  const { step, planHash: hash, startedAt } = record;
  const quarantine = join(record.folder, record.name);
  const confirmed = { hash, startedAt, quarantine };
  switch (step.kind) {
    case 'quarantining': {
      const { partitionsDone, partitionsTotal } = progress;
      return { step: 'quarantining', ...confirmed, partitionsDone, partitionsTotal };
    }
    case 'deleting':
      return {
        step: 'deleting',
        ...confirmed,
        ...(progress.trouble === undefined ? {} : { trouble: progress.trouble }),
      };
    case 'seeding':
      return { step: 'seeding', ...confirmed };
    case 'done':
      return { step: 'done', ...confirmed, at: step.at, remarks: step.remarks };
    case 'stopped':
      return { step: 'stopped', at: step.at, reason: step.reason, ...(step.quarantined ? { quarantine } : {}) };
  }
}
