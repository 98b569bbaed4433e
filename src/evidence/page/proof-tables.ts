import { canaryCountsSchema, type EvidenceContent, type ExposureSample } from '../document.ts';
import { phasesInOrder } from '../recovery-phases.ts';
import { count, duration, seconds, time } from './figures.ts';
import { html, type Html } from './html.ts';
import { type Cell, facts, table } from './parts.ts';

const text = 'text' as const;
const number = 'number' as const;

export function timelineTable({ timeline }: EvidenceContent): Html {
  const columns = [
    { title: 'Step' },
    { title: 'Part of' },
    { title: 'Result' },
    { title: 'Began' },
    { title: 'Ended' },
    { title: 'Planned', kind: number },
    { title: 'Took', kind: number },
    { title: 'By' },
    { title: 'Note' },
  ];
  const rows = timeline.map((entry): readonly Cell[] => {
    const { step, within, result, startedAt, endedAt, plannedMs, actor, note } = entry;
    const took = endedAt === undefined ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt));
    const ended = endedAt === undefined ? 'the run ended in it' : time(endedAt);
    return [step, within, resultCell(result), time(startedAt), ended, duration(plannedMs), took, actor, note];
  });
  return table('Phases and steps', columns, rows);
}

function resultCell(result: string): Cell {
  return result === 'done' || result === 'skipped' ? result : html`<strong class="bad">${result}</strong>`;
}

export function lossAndTime({ rpo, rto, objectives }: EvidenceContent): Html {
  const { predicted, measured } = rpo;
  const phases = phasesInOrder(rto.phases).map(([phase, ms]): readonly Cell[] => [phase, duration(ms)]);
  const bytes = measured.bytes === undefined ? '' : `, ${count(measured.bytes)} bytes`;
  const atMost = predicted === undefined ? '' : `, ${count(predicted.recordsAtMost)} at most`;
  return html`${facts([
    ['Loss allowed', `${count(objectives.rpoRecords)} records`],
    [
      'Loss predicted',
      predicted === undefined
        ? undefined
        : `${count(predicted.records)} records${atMost}, ${seconds(predicted.seconds)}`,
    ],
    ['Loss measured', `${count(measured.records)} records${bytes}, ${seconds(measured.seconds)}`],
    ['Measured by', rpo.basis],
    ['Time allowed', objectives.rtoMs === undefined ? undefined : duration(objectives.rtoMs)],
    ['Time measured', rto.totalMs === undefined ? 'not measured' : duration(rto.totalMs)],
    ['Other objectives', objectives.other.length === 0 ? undefined : objectives.other.join('; ')],
  ])}
  ${table('Where the time of the worst leg went', [{ title: 'Phase' }, { title: 'Time', kind: number }], phases)}`;
}

export function canaryTables({ integrity, rto }: EvidenceContent): Html {
  const { canary, problems } = integrity;
  const counts =
    canary === undefined ? [] : canaryCountsSchema.keyof().options.map((name) => [name, canary[name]] as const);
  const columns = counts.map(([name]) => ({ title: name, kind: number }));
  const values: readonly Cell[] = counts.map(([, value]) => count(value));
  const gaps = rto.vantagePoints.map((point): readonly Cell[] => [
    ...[point.name, point.link, duration(point.writeGapMs)],
    point.writeGapFrom === undefined ? '' : time(point.writeGapFrom),
    point.readGapMs === undefined ? '' : duration(point.readGapMs),
    ...[count(point.acks.length), point.acks.length === 0 ? '' : duration(median(point.acks.map(({ ms }) => ms)))],
  ]);
  const gapColumns = [
    { title: 'Seen from', kind: text },
    { title: 'Link', kind: text },
    { title: 'Longest without a write', kind: number },
    { title: 'From', kind: text },
    { title: 'Without a read', kind: number },
    { title: 'Writes shown', kind: number },
    { title: 'Their median', kind: number },
  ];
  return html`${table('Verdict of each record that was sent', columns, counts.length === 0 ? [] : [values])}
  ${table('Gaps', gapColumns, gaps)}
  ${
    problems.length === 0
      ? undefined
      : html`<h3>What is wrong</h3>
          <ul>
            ${problems.map((problem) => html`<li>${problem}</li>`)}
          </ul>`
  }`;
}

/** A row per link: thousands of samples are in the document. */
export function exposureTable({ exposure }: EvidenceContent): Html {
  const links = [...new Set(exposure.map(({ link }) => link))].toSorted();
  const rows = links.map((link): readonly Cell[] => {
    const samples = exposure.filter((sample) => sample.link === link);
    const [worst] = samples.toSorted((left, right) => right.seconds - left.seconds);
    const last = samples.at(-1);
    const of = (basis: ExposureSample['basis']): string => count(samples.filter((each) => each.basis === basis).length);
    return [
      ...[link, worst === undefined ? '' : seconds(worst.seconds), worst === undefined ? '' : time(worst.at)],
      ...[last === undefined ? '' : seconds(last.seconds), of('measured'), of('estimated'), of('stale')],
    ];
  });
  const columns = [
    { title: 'Link', kind: text },
    { title: 'Highest', kind: number },
    { title: 'At', kind: text },
    { title: 'Last', kind: number },
    { title: 'Measured', kind: number },
    { title: 'Estimated', kind: number },
    { title: 'Stale', kind: number },
  ];
  return table('Samples', columns, rows);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
