import type { MovePlan, OperationsAnswer, OperationView } from '../worker/moves/operation-view.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { byteSize, count, plural } from './quantities.ts';
import { table } from './table.ts';

/** More are counted, not named. */
const topicsShownMax = 20;

/** What a person reads before he confirms: what moves, what may be lost, what stands against it. Pure. */
export function renderMovePlan(plan: MovePlan, colours: Colours): string {
  const lines = [
    `${plan.kind} of ${plural(plan.topics.length, 'topic')} of link ${plan.link} to site ${plan.to}`,
    '',
    ...(plan.topics.length === 0 ? [] : [topicsTable(plan), '']),
    lossLine(plan, colours),
    `About ${plan.seconds.toFixed(1)} s from the begin to the first write.`,
    '',
    ...plan.steps.map(({ kind, intent, undo }, index) => {
      const line = undo === undefined && plan.steps[index - 1]?.undo !== undefined ? `${rule}\n` : '';
      return `${line}${index + 1}. ${kind}: ${intent}`;
    }),
    '',
    ...plan.warnings.map(({ message, remedy }) => colours.warn(`warning: ${printable(message)}. ${printable(remedy)}`)),
    ...plan.blockers.map(({ message, remedy }) => colours.bad(`blocked: ${printable(message)}. ${printable(remedy)}`)),
    `plan ${plan.hash}`,
  ];
  return lines.join('\n');
}

const rule = '--- point of no return ---';

function topicsTable({ topics, kind }: MovePlan): string {
  const columns = [
    { title: 'TOPIC' },
    { title: 'STATE' },
    { title: 'PARTITIONS', align: 'right' },
    { title: 'TERM', align: 'right' },
    { title: kind === 'failover' ? 'MAY BE MISSING' : 'STILL TO COME' },
  ] as const;
  const rows = topics
    .slice(0, topicsShownMax)
    .map(({ name, state, partitions, term, loss }) => [
      printable(name),
      state,
      String(partitions),
      String(term),
      loss === undefined
        ? 'unknown'
        : `${plural(loss.records, 'record')}, ${loss.seconds.toFixed(1)} s (${loss.basis})`,
    ]);
  const more = topics.length - topicsShownMax;
  return table(columns, rows) + (more > 0 ? `\nand ${count(more)} more` : '');
}

function lossLine({ loss }: MovePlan, colours: Colours): string {
  if (loss === undefined) return colours.good('Nothing is lost.');
  const age = loss.sampleAgeMs === undefined ? 'never heard' : `${(loss.sampleAgeMs / 1000).toFixed(1)} s old`;
  const records =
    loss.basis === 'measured'
      ? `Up to ${plural(loss.recordsAtMost, 'record')}`
      : `About ${plural(loss.records, 'record')}, at most ${count(loss.recordsAtMost)} at the source’s fastest rate`;
  const text = `${records} (${byteSize(loss.bytes)}) of the last ${loss.seconds.toFixed(1)} s may be missing: ${loss.basis}, ${age}.`;
  return loss.recordsAtMost === 0 && loss.basis === 'measured'
    ? colours.good('Nothing is known to be missing.')
    : colours.bad(text);
}

/** Where it has got to; one line. Pure. */
export function operationLine({ id, step, trouble }: OperationView): string {
  const reason = 'reason' in step ? `: ${printable(step.reason)}` : '';
  return `${id}: ${step.kind}${reason}${trouble === undefined ? '' : ` (${printable(trouble)})`}`;
}

export function renderOperation(operation: OperationView, colours: Colours): string {
  const { step, topics, to, kind } = operation;
  if (step.kind === 'done') {
    const remarks = step.remarks.map((remark) => colours.warn(`- ${printable(remark)}`));
    return [colours.good(`Site ${to} is primary of ${plural(topics, 'topic')} (${kind}).`), ...remarks].join('\n');
  }
  return operationLine(operation);
}

/** Operations, and parts in those whose site does not answer. Pure. */
export function renderOperations({ operations, parts }: OperationsAnswer): string {
  const known = new Set(operations.map(({ id }) => id));
  const alone = parts.filter(({ operation }) => !known.has(operation));
  if (operations.length + alone.length === 0) return 'No role was ever moved.';
  const columns = [
    { title: 'OPERATION' },
    { title: 'TO' },
    { title: 'TOPICS', align: 'right' },
    { title: 'STEP' },
    { title: 'SINCE' },
  ] as const;
  return table(columns, [
    ...operations.map((operation) => [
      operation.id,
      operation.to,
      String(operation.topics),
      'reason' in operation.step ? `${operation.step.kind}: ${printable(operation.step.reason)}` : operation.step.kind,
      operation.since,
    ]),
    ...alone.map(({ operation, state, since }) => [operation, '?', '?', `its site is silent; here ${state}`, since]),
  ]);
}
