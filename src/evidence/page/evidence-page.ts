import type { CanaryCounts, EvidenceContent } from '../document.ts';
import type { ChainLink } from '../seal.ts';
import { canaryPlot } from './canary-plot.ts';
import { exposurePlot } from './exposure-plot.ts';
import { count, duration, seconds, time } from './figures.ts';
import { html, type Html } from './html.ts';
import { page, section, type Tile, tiles } from './parts.ts';
import { canaryTables, exposureTable, lossAndTime, timelineTable } from './proof-tables.ts';
import { rehearsalTables } from './rehearsal-tables.ts';
import { aboutRun, closing, people, preconditions, scope, standing } from './record-tables.ts';
import { timelinePlots } from './timeline-plot.ts';

/**
 * The page of a run: all that its document holds, for people, in one file that loads nothing and prints well. The same
 * content gives the same bytes. It is an attachment of its document, so it says nothing of that one's hash.
 */
export function renderEvidencePage(
  content: EvidenceContent,
  { previous }: { readonly previous: ChainLink | undefined },
): string {
  const title = titleOf(content);
  return page(`${title}: ${content.verdict}`, [
    header(content, title),
    tiles(summary(content)),
    section('Timeline', [...timelinePlots(content), timelineTable(content)]),
    ...rehearsed(content),
    section('Loss and time', [lossAndTime(content)]),
    section('Canaries', [canaryPlot(content), canaryTables(content)]),
    section('Exposure', [exposurePlot(content), exposureTable(content)]),
    section('Before anything was touched', [preconditions(content)]),
    section('What was moved', [scope(content), standing(content)]),
    section('Who', [people(content)]),
    section('About this run', [aboutRun(content)]),
    section('How it ended', [closing(content)]),
    footer(content, previous),
  ]);
}

/** Of drills of level L3 alone. */
function rehearsed(content: EvidenceContent): readonly Html[] {
  const tables = rehearsalTables(content);
  return tables.length === 0 ? [] : [section('What was rehearsed', tables)];
}

const kinds: Readonly<Record<EvidenceContent['kind'], string>> = {
  drill: 'Drill',
  switchover: 'Switchover',
  failover: 'Failover',
  failback: 'Failback',
  reconcile: 'Reconciliation',
};

function titleOf({ kind, drill, level, pair }: EvidenceContent): string {
  const name = drill === undefined ? kinds[kind] : `${kinds[kind]} ${drill}`;
  return `${name}${level === undefined ? '' : `, level ${level}`}, of the pair ${pair.id}`;
}

function header(content: EvidenceContent, title: string): Html {
  const { verdict, verdictReasons, startedAt, endedAt, scenario } = content;
  const took = duration(Date.parse(endedAt) - Date.parse(startedAt));
  return html`<header>
    <p><span class="verdict ${verdict}">${verdict}</span></p>
    <h1>${title}</h1>
    <p class="quiet">${time(startedAt)} to ${time(endedAt)}, ${took}</p>
    <p>${scenario.text}</p>
    ${
      verdictReasons.length === 0
        ? undefined
        : html`<ul>
            ${verdictReasons.map((reason) => html`<li>${reason}</li>`)}
          </ul>`
    }
  </header> `;
}

function summary({ rpo, rto, objectives, integrity, exposure, findings }: EvidenceContent): readonly Tile[] {
  const { totalMs } = rto;
  const { rtoMs } = objectives;
  const [gap] = rto.vantagePoints.toSorted((left, right) => right.writeGapMs - left.writeGapMs);
  const [worst] = exposure.toSorted((left, right) => right.seconds - left.seconds);
  const open = findings.filter(({ status }) => status === 'open');
  return [
    {
      ...{ name: 'Records lost (RPO)', value: rpo.basis === 'none' ? 'not measured' : count(rpo.measured.records) },
      note: `allowed ${count(objectives.rpoRecords)}, by ${rpo.basis}`,
      kind: rpo.basis === 'none' ? undefined : rpo.measured.records <= objectives.rpoRecords ? 'good' : 'bad',
    },
    {
      ...{ name: 'Time to recover (RTO)', value: totalMs === undefined ? 'not measured' : duration(totalMs) },
      note: rtoMs === undefined ? 'no objective' : `allowed ${duration(rtoMs)}`,
      kind: totalMs === undefined || rtoMs === undefined ? undefined : totalMs <= rtoMs ? 'good' : 'bad',
    },
    ...canaryTile(integrity.canary),
    ...(gap === undefined
      ? []
      : [
          {
            name: 'Longest without a write',
            value: duration(gap.writeGapMs),
            note: `seen from ${gap.name}, link ${gap.link}`,
          },
        ]),
    ...(worst === undefined
      ? []
      : [{ name: 'Highest exposure', value: seconds(worst.seconds), note: `${worst.link}, ${worst.basis}` }]),
    {
      ...{ name: 'Open findings', value: count(open.length) },
      note: open.some(({ severity }) => severity === 'critical') ? 'one or more are critical' : 'none is critical',
      kind: open.length === 0 ? 'good' : 'warn',
    },
  ];
}

function canaryTile(counts: CanaryCounts | undefined): readonly Tile[] {
  if (counts === undefined) return [];
  const wrong = counts.lost + counts.duplicate + counts.reordered + counts.ghost + counts.shifted;
  return [
    {
      ...{ name: 'Canaries that are wrong', value: count(wrong), note: `of ${count(counts.acked)} acknowledged` },
      kind: wrong === 0 ? 'good' : 'bad',
    },
  ];
}

function footer({ reportId, pair }: EvidenceContent, previous: ChainLink | undefined): Html {
  const before =
    previous === undefined
      ? html`It is the first of its chain.`
      : html`It stands behind document ${previous.sequence} with the hash ${previous.hash}.`;
  return html`<footer>
    <p>
      Report ${reportId} of site ${pair.site}, made by umbra ${pair.toolVersion}. ${before} This page was made from its
      document, which holds its sum: "umbra evidence verify" checks both.
    </p>
  </footer>`;
}
