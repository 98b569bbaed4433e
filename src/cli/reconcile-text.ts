import { tailRecords } from '../worker/reconcile/tail-method.ts';
import type { RebuildPlan, RebuildView } from '../worker/rebuild/rebuild-view.ts';
import type { MovedRoleView } from '../worker/moves/operation-view.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { byteSize, count, plural } from './quantities.ts';
import { priceLines } from './rebuild-text.ts';
import { table } from './table.ts';

/** What a person reads before he decides what becomes of an old primary's records. Pure. */
export function renderTailPlan(plan: RebuildPlan, colours: Colours): string {
  const { topic, tail } = plan;
  const from = `${tail?.operation ?? '?'}, term ${tail?.term ?? '?'}`;
  return [
    `Reconciliation of ${printable(topic)} at site ${tail?.site ?? '?'}, which lost it in ${from}`,
    '',
    partitionsTable(plan),
    '',
    ...consequences(plan, colours).map((line) => `- ${line}`),
    '',
    `plan ${plan.hash}`,
  ].join('\n');
}

function partitionsTable({ partitions, tail }: RebuildPlan): string {
  const right = 'right';
  const columns = [
    { title: 'PARTITION', align: right },
    { title: 'CUT', align: right },
    { title: 'OLD LOG' },
    { title: 'FORK', align: right },
    { title: 'ACKNOWLEDGED', align: right },
    { title: 'AT THE NEW PRIMARY', align: right },
    { title: 'ONLY HERE', align: right },
    { title: 'WRITTEN' },
  ] as const;
  const rows = partitions.map(({ partition, copyStart, copyEnd, forkOffset, sum, quarantined }) => [
    String(partition),
    tail?.cuts[partition] ?? '0',
    `${copyStart} to ${copyEnd}`,
    forkOffset ?? '-',
    count(sum?.acknowledged ?? 0),
    count(sum?.present ?? 0),
    plural(quarantined.recordsOnlyHere, 'record'),
    quarantined.oldestAt === undefined ? '-' : `${quarantined.oldestAt} to ${quarantined.newestAt ?? '?'}`,
  ]);
  return table(columns, rows);
}

function consequences(plan: RebuildPlan, colours: Colours): readonly string[] {
  const { tail, partitions } = plan;
  const records = tailRecords(partitions);
  const onlyHere = partitions.reduce((sum, { quarantined }) => sum + quarantined.recordsOnlyHere, 0);
  const kept =
    onlyHere === 0
      ? []
      : [
          `${plural(onlyHere, 'record')} that only this site holds ${onlyHere === 1 ? 'goes' : 'go'} to files in ${printable(plan.folder)} (${byteSize(plan.neededBytes)} needed, ${byteSize(plan.freeBytes)} free), whatever is decided`,
        ];
  const price = priceLines(plan);
  if (tail?.method === 'in-place') {
    return [
      ...price,
      ...kept,
      colours.good('the log ends at the cut: it becomes a copy as it is, and nothing is copied again'),
    ];
  }
  const offsets = partitions.reduce((sum, { offsetsToCopy }) => sum + offsetsToCopy, 0);
  return [
    ...price,
    ...kept,
    ...(records === 0 ? [] : [decided(plan, records, colours)]),
    ...conflicts(plan, colours),
    `then this log is deleted (topic id ${plan.copyTopicId}) and copied anew from the new primary: ${count(offsets)} offsets`,
    ...(plan.groups === 0
      ? []
      : [`${plural(plan.groups, 'consumer group')} committed positions here: they are kept and put back at the end`]),
  ];
}

function decided({ tail }: RebuildPlan, records: number, colours: Colours): string {
  const amount = plural(records, 'record');
  switch (tail?.decision?.kind) {
    case undefined:
      return colours.warn(`${amount}: give "--replay", "--export" or "--discard REASON"`);
    case 'replay':
      return `${amount}: appended to the new primary, with headers "umbra-origin-…" that say where they come from`;
    case 'export':
      return `${amount}: written as lines of JSON beside the raw batches`;
    case 'discard':
      return colours.warn(`${amount}: left in quarantine (${printable(tail.decision.reason)})`);
  }
}

function conflicts({ conflicts: found }: RebuildPlan, colours: Colours): readonly string[] {
  if (found === undefined || found.keys === 0) return [];
  const names = found.first.map(({ partition, key }) => `${printable(key)} (${partition})`).join(', ');
  const more = found.keys > found.first.length || found.more ? ', …' : '';
  return [
    colours.warn(
      `${plural(found.keys, 'key')} of this compacted topic ${found.keys === 1 ? 'was' : 'were'} written at the new primary as well: replayed, the older value would stand last: ${names}${more}`,
    ),
  ];
}

/** How it ended, with the sums that are promised. Pure. */
export function renderReconciled(
  topic: string,
  view: Extract<RebuildView, { step: 'done' }>,
  colours: Colours,
): string {
  const total = (view.sums ?? []).reduce(
    (sums, { acknowledged, present, quarantined }) => ({
      acknowledged: sums.acknowledged + acknowledged,
      present: sums.present + present,
      quarantined: sums.quarantined + quarantined,
    }),
    { acknowledged: 0, present: 0, quarantined: 0 },
  );
  return [
    view.copy === 'level'
      ? colours.good(`${printable(topic)} is a copy of the new primary here.`)
      : colours.bad(`${printable(topic)} was made anew and is faulted: npx umbra topics ${printable(topic)}`),
    `${count(total.acknowledged)} records acknowledged here = ${count(total.present)} at the new primary + ${count(total.quarantined)} in quarantine, in each of ${plural(view.sums?.length ?? 0, 'partition')}`,
    ...(total.quarantined === 0 ? [] : [`The quarantine: npx umbra quarantine show ${printable(view.quarantine)}`]),
    ...view.remarks.map((remark) => colours.warn(printable(remark))),
  ].join('\n');
}

/** The topics whose old primary came back; one line each. Pure. */
export function renderOldSides(roles: readonly MovedRoleView[]): string {
  if (roles.length === 0) return 'No old primary waits for a decision.';
  const columns = [
    { title: 'TOPIC' },
    { title: 'PRIMARY' },
    { title: 'OLD SIDE' },
    { title: 'OFFSETS ONLY THERE', align: 'right' },
    { title: 'PARTITIONS', align: 'right' },
    { title: 'SINCE' },
  ] as const;
  return table(
    columns,
    roles.map(({ topic, primary, oldSide }) => [
      ...[printable(topic), primary, oldSide?.state ?? '-'],
      ...[count(oldSide?.tailOffsets ?? 0), count(oldSide?.tailPartitions ?? 0), oldSide?.at ?? '-'],
    ]),
  );
}
