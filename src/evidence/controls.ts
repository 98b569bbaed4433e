import { type DrillLevel, type DrillVerdict, movesRealTopics } from '../drill/level.ts';
import type { EvidenceContent } from './document.ts';

/** A clause that asks for drills or for what they leave. */
export interface Control {
  readonly framework: string;
  readonly clause: string;
  /** What it asks for, shortened in our own words. */
  readonly demand: string;
  /** Drills of these levels serve it. */
  readonly levels: readonly DrillLevel[];
  /** Where a document answers. */
  readonly fields: readonly (keyof EvidenceContent)[];
}

const procedures = ['L2', 'L3', 'L4', 'L5', 'L6'] as const;
const switchovers = ['L4', 'L5', 'L6'] as const;

/** The mapping as data; docs/evidence.md shows it. Whether a run is enough is for the auditor to say. */
export const controls: readonly Control[] = [
  {
    ...{ framework: 'DORA', clause: 'RTS 2024/1774 Art. 25', levels: switchovers },
    demand:
      'plans are tested in severe but plausible scenarios, with switchover to redundant capacity; results are documented, deficiencies analysed, addressed and reported',
    fields: [
      'scenario',
      'scope',
      'objectives',
      'preconditions',
      'timeline',
      'rpo',
      'rto',
      'verdictReasons',
      'findings',
    ],
  },
  {
    ...{ framework: 'SOC 2', clause: 'A1.3', levels: procedures },
    demand:
      'recovery procedures are tested; scenarios by likelihood, key people missing, plans revised from the results',
    fields: ['scenario', 'people', 'objectives', 'rpo', 'rto', 'findings'],
  },
  {
    ...{ framework: 'ISO 22301', clause: '8.5', levels: procedures },
    demand:
      'a programme of exercises at planned intervals, with planned scenarios and a report of outcomes and actions after each',
    fields: ['drill', 'scenario', 'objectives', 'verdict', 'verdictReasons', 'findings'],
  },
  {
    ...{ framework: 'HIPAA', clause: '164.308(a)(7)(ii)(D)', levels: procedures },
    demand:
      'contingency plans are tested and revised periodically: method, roles, people, documentation, corrective action',
    fields: ['people', 'scenario', 'timeline', 'findings'],
  },
  {
    ...{ framework: 'PCI DSS', clause: '12.10.2', levels: procedures },
    demand: 'the plan, with its recovery and continuity procedures, is reviewed and tested every 12 months',
    fields: ['startedAt', 'pair', 'timeline', 'findings'],
  },
  {
    ...{ framework: 'FFIEC', clause: 'BCM', levels: switchovers },
    demand: 'tests show that continuity objectives can be met; results and what follows from them go to the board',
    fields: ['objectives', 'rpo', 'rto', 'verdict', 'findings'],
  },
];

/** What a run of this level serves. One that was given up, or never began, tested nothing: it serves none. Pure. */
export function controlsFor(level: DrillLevel, verdict: DrillVerdict): EvidenceContent['controls'] {
  if (verdict !== 'PASSED' && verdict !== 'FAILED') return [];
  const what = movesRealTopics(level) ? 'on real topics' : 'on topics of its own or on copies';
  const outcome = verdict === 'PASSED' ? 'every objective was met' : 'not every objective was met: see the findings';
  return controls
    .filter(({ levels }) => levels.includes(level))
    .map(({ framework, clause, demand }) => ({ framework, clause, text: `${demand}. Tested ${what}; ${outcome}.` }));
}

/** The table of docs/evidence.md. */
export function renderControls(): readonly string[] {
  return controls.map(
    ({ framework, clause, demand, levels, fields }) =>
      `| ${framework} | ${clause} | ${demand} | ${levels.join(', ')} | ${fields.map((field) => `\`${field}\``).join(', ')} |`,
  );
}
