import type { PlannedPartition, RebuildPlan, RebuildView } from '../worker/rebuild/rebuild-view.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { byteSize, count, duration, plural } from './quantities.ts';
import { table } from './table.ts';

/** What a person reads before he confirms: what goes, where it goes, what is missing meanwhile. Pure. */
export function renderPlan(plan: RebuildPlan, colours: Colours): string {
  const faults = plan.faults.map(({ partition, code, message }) => {
    const where = partition === undefined ? 'the topic' : `partition ${partition}`;
    return `${colours.bad(where)}: ${printable(code)}: ${printable(message)}`;
  });
  return [
    `Rebuild of the copy of ${printable(plan.topic)} (link ${plan.link})`,
    ...faults,
    '',
    partitionsTable(plan.partitions),
    '',
    ...consequences(plan, colours).map((line) => `- ${line}`),
    '',
    `plan ${plan.hash}`,
  ].join('\n');
}

/** What it takes, and how long: one line, none where nothing was measured at all. Pure. */
export function priceLines({ price }: Pick<RebuildPlan, 'price'>): readonly string[] {
  if (price === undefined) return [];
  const { bytesToCopy, bytesToReplay, bytesPerSecond, seconds } = price;
  const copied = bytesToCopy === undefined ? 'an unknown amount is' : `about ${byteSize(bytesToCopy)} are`;
  const replayed = bytesToReplay === 0 ? '' : `, up to ${byteSize(bytesToReplay)} appended to the new primary`;
  const time =
    seconds === undefined
      ? 'how long it takes is unknown: too little was read to measure a rate'
      : `it takes about ${duration(seconds * 1_000)}${bytesPerSecond === undefined ? '' : `, at the ${byteSize(bytesPerSecond)}/s at which this plan read both logs`}`;
  return [`${copied} copied again${replayed}; ${time}`];
}

function partitionsTable(partitions: readonly PlannedPartition[]): string {
  const right = 'right';
  const columns = [
    { title: 'PARTITION', align: right },
    { title: 'FORK', align: right },
    { title: 'COPY' },
    { title: 'SOURCE' },
    { title: 'ONLY IN THE COPY', align: right },
    { title: 'OFFSETS' },
    { title: 'TO THE FILES', align: right },
  ] as const;
  const rows = partitions.map(({ partition, quarantined, ...range }) => [
    String(partition),
    range.forkOffset ?? '-',
    `${range.copyStart} to ${range.copyEnd}`,
    range.sourceStart === undefined ? 'another topic' : `${range.sourceStart} to ${range.sourceEnd ?? '?'}`,
    plural(quarantined.recordsOnlyHere, 'record'),
    quarantined.firstOffset === undefined ? '-' : `${quarantined.firstOffset} to ${quarantined.lastOffset ?? '?'}`,
    quarantined.batches === 0 ? '-' : `${plural(quarantined.records, 'record')}, ${byteSize(quarantined.bytes)}`,
  ]);
  return table(columns, rows);
}

function consequences(plan: RebuildPlan, colours: Colours): readonly string[] {
  const sum = (field: (partition: PlannedPartition) => number): number =>
    plan.partitions.reduce((total, partition) => total + field(partition), 0);
  const onlyHere = sum(({ quarantined }) => quarantined.recordsOnlyHere);
  const { groups } = plan;
  const recreated = plan.copiedTopicId !== plan.sourceTopicId;
  const room = `${byteSize(plan.neededBytes)} needed, ${byteSize(plan.freeBytes)} free`;
  const lines = [
    ...priceLines(plan),
    `${plural(onlyHere, 'record')} that only the copy holds ${onlyHere === 1 ? 'goes' : 'go'} to files in ${printable(plan.folder)} (${room})`,
    `then the copy is deleted (topic id ${plan.copyTopicId}) and made anew: ${count(sum(({ offsetsToCopy }) => offsetsToCopy))} offsets are copied again`,
    colours.warn('until that is done the copy is missing or incomplete: consumers of it see nothing, or less'),
  ];
  if (plan.neededBytes > plan.freeBytes) lines.push(colours.bad('there is not room enough for the files: refused'));
  if (groups > 0) {
    const fate = recreated
      ? 'Kafka forgets them with the topic; the manifest keeps them, and they do not fit the new topic'
      : 'Kafka forgets them with the topic; they are kept in the manifest and put back when the copy is level';
    lines.push(`${plural(groups, 'consumer group')} committed positions on the copy. ${fate}`);
  }
  if (plan.groupsHidden.length > 0) {
    const names = plan.groupsHidden.map(printable).join(', ');
    lines.push(colours.warn(`positions of these groups cannot be read and are lost if they have any: ${names}`));
  }
  if (plan.autoCreated) {
    lines.push(
      colours.warn(
        'the target creates topics that consumers ask for (auto.create.topics.enable): one that asks before the new copy is there takes its place, and the copy faults. Turn it off, or stop the consumers of this topic meanwhile',
      ),
    );
  }
  return lines;
}

/** Where a rebuild that goes on by itself has got to; one line. Pure. */
export function rebuildLine(topic: string, view: RebuildView): string {
  const of = 'partitionsTotal' in view ? `: ${view.partitionsDone} of ${view.partitionsTotal} partitions` : '';
  const trouble = view.step === 'deleting' && view.trouble !== undefined ? `: ${printable(view.trouble)}` : '';
  return `${printable(topic)}: ${view.step}${of}${trouble}`;
}

/** How it ended. Pure. */
export function renderDone(topic: string, view: Extract<RebuildView, { step: 'done' }>, colours: Colours): string {
  return [
    view.copy === 'level'
      ? colours.good(`The copy of ${printable(topic)} was made anew.`)
      : colours.bad(
          `The old copy of ${printable(topic)} is gone, and the new one is faulted: npx umbra topics ${printable(topic)}`,
        ),
    `What only the old one held is in ${printable(view.quarantine)}`,
    ...view.remarks.map((remark) => colours.warn(printable(remark))),
    `Next: npx umbra verify ${printable(topic)}; npx umbra quarantine show ${printable(view.quarantine)}`,
  ].join('\n');
}
