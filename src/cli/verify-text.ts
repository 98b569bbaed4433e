import type { PartitionVerdict, TopicVerdict, VerifyReport } from '../worker/verify-report.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { count, plural } from './quantities.ts';
import { table } from './table.ts';

/** Whether every batch that both sides have is equal. What the copy has not got yet is behind, not different. */
export function isEqual({ totals, topics }: VerifyReport): boolean {
  const found = topics.some((topic) => topic.partitions.some((partition) => partition.firstDifference !== undefined));
  return totals.batchesDifferent === 0 && totals.recordsDifferent === 0 && !found;
}

/** `umbra verify`: one row per topic, the verdict in the last line. Pure. */
export function renderVerify(report: VerifyReport, colours: Colours): string {
  if (report.topics.length === 0) return verdict(report, colours);
  const right = 'right';
  const columns = [
    { title: 'TOPIC' },
    { title: 'LINK' },
    { title: 'BATCHES EQUAL', align: right },
    { title: 'REPACKED', align: right },
    { title: 'DIFFERENT', align: right },
    { title: 'RECORDS EQUAL', align: right },
    { title: 'DIFFERENT', align: right },
    { title: 'BEHIND', align: right },
    { title: 'FIRST DIFFERENCE' },
  ] as const;
  return `${table(
    columns,
    report.topics.map((topic) => topicRow(topic, colours)),
  )}\n\n${verdict(report, colours)}`;
}

function topicRow(topic: TopicVerdict, colours: Colours): string[] {
  const sum = (field: Count): number => topic.partitions.reduce((total, partition) => total + partition[field], 0);
  const different = (field: Count): string => (sum(field) === 0 ? '0' : colours.bad(count(sum(field))));
  return [
    printable(topic.topic),
    topic.link,
    count(sum('batchesEqual')),
    count(sum('batchesRepacked')),
    different('batchesDifferent'),
    count(sum('recordsEqual')),
    different('recordsDifferent'),
    count(sum('behind')),
    firstDifference(topic),
  ];
}

type Count = 'batchesEqual' | 'batchesRepacked' | 'batchesDifferent' | 'recordsEqual' | 'recordsDifferent' | 'behind';

function firstDifference({ partitions }: TopicVerdict): string {
  const found = partitions.find(
    (partition): partition is PartitionVerdict & { firstDifference: object } => partition.firstDifference !== undefined,
  );
  if (found === undefined) return '';
  return `partition ${found.partition}, offset ${found.firstDifference.offset}: ${printable(found.firstDifference.what)}`;
}

function verdict(report: VerifyReport, colours: Colours): string {
  const { batchesEqual, batchesRepacked, batchesDifferent, recordsEqual, recordsDifferent, behind } = report.totals;
  const topics = plural(report.topics.length, 'topic');
  const open = `${plural(behind, 'record')} not yet copied`;
  if (!isEqual(report)) {
    const different = `${plural(batchesDifferent, 'batch', 'batches')} and ${plural(recordsDifferent, 'record')}`;
    return colours.bad(`DIFFERENT: ${different} differ in ${topics}${behind === 0 ? '' : `; ${open}`}.`);
  }
  if (report.topics.length === 0) return 'Nothing to compare: no topic is copied yet.';
  if (batchesEqual + batchesRepacked === 0 && behind > 0)
    return colours.warn(`NOTHING COPIED of ${topics} so far: ${open}.`);
  const equal = `all ${plural(batchesEqual, 'batch', 'batches')} and ${plural(recordsEqual, 'record')} of ${topics}`;
  if (behind > 0) return colours.warn(`EQUAL SO FAR: ${equal} are identical; ${open}.`);
  const repacked =
    batchesRepacked === 0
      ? ''
      : ` ${plural(batchesRepacked, 'batch', 'batches')} had to be repacked; their records are.`;
  return colours.good(`EQUAL: ${equal} are identical.${repacked}`);
}
