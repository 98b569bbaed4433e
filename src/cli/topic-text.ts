import type { PartitionView, TopicDetailView } from '../worker/views.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { duration, lagCells, plural } from './quantities.ts';
import { renderFault, topicsTable } from './status-text.ts';
import { table } from './table.ts';

const partitionTone: Readonly<Record<PartitionView['state'], keyof Colours>> = {
  resuming: 'warn',
  copying: 'good',
  waiting: 'good',
  stopped: 'warn',
  faulted: 'bad',
};

/** `umbra topics NAME`: the topic, then its partitions, then whatever keeps one of them from copying. Pure. */
export function renderTopic(topic: TopicDetailView, colours: Colours): string {
  const remarks = [
    ...(topic.fault === undefined ? [] : [renderFault(`topic ${topic.name}`, topic.fault, colours)]),
    ...(topic.rebuild === undefined ? [] : [rebuildRemark(topic.rebuild)]),
    ...topic.partitionViews.flatMap((partition) => partitionRemarks(partition, colours)),
  ];
  const sections = [topicsTable([topic], colours), partitionsTable(topic.partitionViews, colours)];
  return [...sections, ...(remarks.length === 0 ? [] : [remarks.join('\n')])].join('\n\n');
}

/** Where the newest rebuild, or the plan for one, has got to. */
function rebuildRemark({ step, quarantine, reason }: NonNullable<TopicDetailView['rebuild']>): string {
  const where = quarantine === undefined ? '' : `; quarantine: ${printable(quarantine)}`;
  return `rebuild: ${step}${reason === undefined ? '' : `: ${printable(reason)}`}${where}`;
}

function partitionsTable(partitions: readonly PartitionView[], colours: Colours): string {
  const right = 'right';
  const columns = [
    { title: 'PARTITION', align: right },
    { title: 'STATE' },
    { title: 'COPIED TO', align: right },
    { title: 'SOURCE END', align: right },
    { title: 'BEHIND', align: right },
    { title: 'LAG', align: right },
    { title: 'SAMPLE AGE', align: right },
    { title: 'VERIFIED TO', align: right },
    { title: 'VERIFIED AT' },
  ] as const;
  const rows = partitions.map((partition) => [
    String(partition.partition),
    colours[partitionTone[partition.state]](partition.state),
    partition.copiedTo ?? '?',
    partition.sourceEnd ?? '?',
    ...lagCells(partition.lag),
    partition.proof.verifiedTo ?? '-',
    partition.proof.verifiedAt ?? '-',
  ]);
  return table(columns, rows);
}

function partitionRemarks(view: PartitionView, colours: Colours): string[] {
  const { partition, fault, retrying, heldBack, sourceEnd = '?' } = view;
  const where = `partition ${partition}`;
  return [
    ...(fault === undefined ? [] : [renderFault(where, fault, colours)]),
    ...(retrying === undefined ? [] : [`${colours.warn(where)}: retrying: ${printable(retrying)}`]),
    ...(heldBack === undefined
      ? []
      : [
          `${colours.warn(where)}: an open transaction at the source has held back ${plural(heldBack.records, 'record')} ` +
            `from offset ${sourceEnd} on for ${duration(heldBack.seconds * 1_000)}`,
        ]),
  ];
}
