import type { JournalEntry } from '../../drill/run-record.ts';
import type { OperationRecord } from '../../operations/operation.ts';

/** As long as each takes on a quiet pair: to compare with, nothing waits by it. */
const plannedMs: Readonly<Partial<Record<string, number>>> = {
  fencing: 600,
  draining: 400,
  settling: 400,
  sealing: 400,
  promoting: 400,
  granting: 300,
  repointing: 200,
  reversing: 800,
};

const ending = new Set(['done', 'aborted']);

/** The steps of an operation as entries of a run's journal, by the times that its coordinator wrote down. Pure. */
export function stepEntries({ passed = [], step, since }: OperationRecord, within: string): readonly JournalEntry[] {
  const all = [...passed, { step: step.kind, at: since }];
  return all.flatMap(({ step: name, at }, index): JournalEntry[] => {
    if (ending.has(name)) return [];
    const endedAt = all[index + 1]?.at;
    const result = endedAt === undefined ? 'running' : name === 'aborting' ? 'given up' : 'done';
    return [
      {
        ...{ step: name, within, plannedMs: plannedMs[name] ?? 0, startedAt: at, result },
        ...(endedAt === undefined ? {} : { endedAt }),
      },
    ];
  });
}
