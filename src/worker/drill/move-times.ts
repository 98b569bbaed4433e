import type { LedgerEntry } from '../../canary/ledger/ledger-entry.ts';
import type { OperationRecord } from '../../operations/operation.ts';

/** When what of a move happened, in ms since 1970. */
export interface MoveTimes {
  readonly begunMs: number;
  /** By step when it began. */
  readonly steps: ReadonlyMap<string, number>;
  readonly endedMs: number | undefined;
  /** The first write that an observer had acknowledged by the new primary. */
  readonly firstAckMs: number | undefined;
  /** From the begin to that; undefined where there was none. */
  readonly totalMs: number | undefined;
}

/** Pure. The ledger may hold more than this move. */
export function timesOf(
  operation: OperationRecord,
  topics: readonly string[],
  entries: readonly LedgerEntry[],
): MoveTimes {
  const { passed = [], step, since, startedAt, to } = operation;
  const all = [...passed, { step: step.kind, at: since }];
  const steps = new Map(all.map(({ step: name, at }) => [name, Date.parse(at)]));
  const begunMs = Date.parse(startedAt);
  const promotedMs = steps.get('granting');
  const names = new Set(topics);
  const firstAckMs =
    promotedMs === undefined
      ? undefined
      : entries.reduce<number | undefined>(
          (first, entry) =>
            entry.kind === 'acked' &&
            entry.site === to &&
            names.has(entry.topic) &&
            entry.at >= promotedMs &&
            entry.at < (first ?? Infinity)
              ? entry.at
              : first,
          undefined,
        );
  const endedMs = step.kind === 'done' ? Date.parse(since) : undefined;
  const totalMs = firstAckMs === undefined ? undefined : firstAckMs - begunMs;
  return { begunMs, steps, endedMs, firstAckMs, totalMs };
}

/** How long which phase of a move took, in ms: in the order in which they follow. Those that are not known are left out. Pure. */
export function phasesOf({ steps, firstAckMs, endedMs }: MoveTimes): Record<string, number> {
  const spans: readonly (readonly [string, number | undefined, number | undefined])[] = [
    ['fence', steps.get('fencing'), steps.get('draining') ?? steps.get('settling')],
    ['drain', steps.get('draining'), steps.get('settling')],
    ['prove', steps.get('settling'), steps.get('promoting')],
    ['promote', steps.get('promoting'), steps.get('granting')],
    ['grant', steps.get('granting'), steps.get('repointing')],
    ['firstAck', steps.get('granting'), firstAckMs],
    ['repoint', steps.get('repointing'), steps.get('reversing') ?? endedMs],
    ['reverse', steps.get('reversing'), endedMs],
  ];
  const known: Record<string, number> = {};
  for (const [name, from, until] of spans)
    if (from !== undefined && until !== undefined) known[name] = Math.max(0, until - from);
  return known;
}
