import type { CanaryLinkStatus } from '../../canary/link-status.ts';
import { begunVerdicts, type CanaryFigures, type DrillFigures } from '../drill/drill-figures.ts';
import { type Metric, oneOf, type Sample, type Scrape } from './metric.ts';

/** What drills and canaries have shown, as the worker that leads the site knows it. */
export const drillMetrics: readonly Metric[] = [
  ofDrills(
    {
      name: 'umbra_drill_last_success_timestamp',
      unit: 'seconds',
      labels: ['level'],
      help: 'When a drill of the level last passed at this site, in Unix time.',
      absent: 'no drill of the level has passed here',
    },
    ({ lastPasses }) => [...lastPasses].map(([level, at]) => ({ labels: { level }, value: at.getTime() / 1000 })),
  ),
  ofDrills(
    {
      name: 'umbra_drill_last_verdict',
      unit: '1',
      labels: ['drill', 'level', 'verdict'],
      help: '1 for how the newest run of a declared drill ended, of those that have begun; 0 for the other verdicts.',
      absent: 'it has never begun',
    },
    ({ drills }) =>
      drills.flatMap(({ name: drill, level, verdict: is }) =>
        is === undefined
          ? []
          : Object.entries(oneOf(begunVerdicts, is)).map(([verdict, value]) => ({
              ...{ labels: { drill, level, verdict }, value },
            })),
      ),
  ),
  ofDrills(
    {
      name: 'umbra_drill_skips',
      unit: '1',
      labels: ['drill', 'level'],
      help: 'Times one after the other, until now, at which a declared drill did not begin: blocked, skipped or missed.',
      absent: 'no drill is declared',
    },
    ({ drills }) => drills.map(({ name: drill, level, skips }) => ({ labels: { drill, level }, value: skips })),
  ),
  ofDrills(
    {
      name: 'umbra_drill_rto_seconds',
      unit: 'seconds',
      labels: ['phase'],
      help: 'Of the worst move of the newest run that moved something: each phase, and from its begin to the first acknowledged write as total.',
      absent: 'no run of the history has moved anything',
    },
    ({ recovery }) =>
      recovery === undefined
        ? []
        : Object.entries({ ...recovery.phases, total: recovery.totalMs }).map(([phase, ms]) => ({
            ...{ labels: { phase }, value: ms / 1000 },
          })),
  ),
  ofDrills(
    {
      name: 'umbra_drill_runs',
      unit: '1',
      labels: ['verdict'],
      help: 'Runs that are remembered, by verdict: the newest of the history, so it may fall.',
    },
    ({ runs }) => Object.entries(runs).map(([verdict, value]) => ({ labels: { verdict }, value })),
  ),
  ofDrills(
    { name: 'umbra_drill_running', unit: '1', labels: [], help: 'Runs that go on at this site.' },
    ({ running }) => [{ labels: {}, value: running }],
  ),
  ofDrills(
    {
      name: 'umbra_drill_open_findings',
      unit: '1',
      labels: ['severity'],
      help: 'Findings of drills that nobody has accepted or closed.',
    },
    ({ openFindings }) => Object.entries(openFindings).map(([severity, value]) => ({ labels: { severity }, value })),
  ),
  {
    ...{ name: 'umbra_canary_green', type: 'gauge', unit: '1', labels: [], from: 'controller' },
    help: '1 while every canary topic is there and acknowledged in its time, as seen from this site.',
    absent: 'no canary is configured',
    read: ({ control }: Scrape): readonly Sample[] => {
      const canaries = control?.drills.canaries;
      return canaries === undefined ? [] : [{ labels: {}, value: canaries.green ? 1 : 0 }];
    },
  },
  ofCanaries(
    {
      name: 'umbra_canary_ack_age_seconds',
      unit: 'seconds',
      help: 'Since the newest acknowledged write of a canary, or since it is written where there was none yet.',
    },
    ({ lastAckAt, since }, { now }) => Math.max(0, now.getTime() - (lastAckAt ?? since)) / 1000,
  ),
  ofCanaries(
    {
      name: 'umbra_canary_ack_seconds',
      unit: 'seconds',
      help: 'How long the newest acknowledgement took.',
      absent: 'nothing was acknowledged, or no canary is written',
    },
    ({ lastAckMs }) => seconds(lastAckMs),
  ),
  ofCanaries(
    {
      name: 'umbra_canary_longest_gap_seconds',
      unit: 'seconds',
      help: 'Longest time between two acknowledged writes to one partition, or since the newest, within the last ten minutes.',
      absent: 'nothing was acknowledged, or no canary is written',
    },
    ({ longestGapMs }) => seconds(longestGapMs),
  ),
  total('umbra_canary_acked_total', 'Writes of canaries that were acknowledged.', ({ acked }) => acked),
  total(
    'umbra_canary_refused_total',
    'Writes of canaries that were refused for certain: nothing was appended.',
    ({ refused }) => refused,
  ),
  total(
    'umbra_canary_unanswered_total',
    'Writes of canaries of which nobody knows whether they were appended.',
    ({ unanswered }) => unanswered,
  ),
];

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function ofDrills(
  described: Omit<Metric, 'read' | 'from' | 'type'>,
  samples: (figures: DrillFigures) => readonly Sample[],
): Metric {
  const read = ({ control }: Scrape): readonly Sample[] => (control === undefined ? [] : samples(control.drills));
  return { ...described, type: 'gauge', from: 'controller', read };
}

type OfCanaries = Pick<Metric, 'name' | 'help' | 'unit'> & Partial<Pick<Metric, 'absent' | 'type'>>;

/** One sample for every link that canaries of this site write, and that has a value. */
function ofCanaries(
  described: OfCanaries,
  value: (link: CanaryLinkStatus, canaries: CanaryFigures) => number | undefined,
): Metric {
  const read = ({ control }: Scrape): readonly Sample[] => {
    const canaries = control?.drills.canaries;
    if (canaries === undefined) return [];
    return canaries.links.flatMap((link) => {
      const found = value(link, canaries);
      return found === undefined ? [] : [{ labels: { link: link.link }, value: found }];
    });
  };
  const absent = 'no canary is written';
  return { type: 'gauge', labels: ['link'], from: 'controller', absent, ...described, read };
}

function total(name: string, help: string, value: (link: CanaryLinkStatus) => number): Metric {
  return ofCanaries({ name, type: 'counter', unit: '1', help }, value);
}
