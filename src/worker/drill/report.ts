import type { DrillSpec, DrillTimes } from '../../drill/drill-spec.ts';
import { verdictOf } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { phaseName } from '../../drill/script.ts';
import { controlsFor } from '../../evidence/controls.ts';
import type { EvidenceContent, VantagePoint } from '../../evidence/document.ts';
import type { OperationRecord } from '../../operations/operation.ts';
import type { CutRecord } from '../../operations/cut.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { WriteGap } from '../../canary/gaps.ts';
import { stepEntries } from './move-journal.ts';
import type { Approval } from '../state/drill-memory.ts';
import { rehearsalOf } from './rehearsal-report.ts';
import type { TopicRole } from './roles-away.ts';
import { lossFound } from './tails-seen.ts';
import { type MoveTimes, phasesOf } from './move-times.ts';

/** Everything that a report is made of. */
export interface ReportSources {
  readonly pair: string;
  readonly version: string;
  readonly labels: readonly string[];
  readonly spec: DrillSpec;
  readonly times: DrillTimes;
  readonly run: RunRecord;
  readonly endedAt: string;
  readonly clusters: EvidenceContent['pair']['clusters'];
  readonly policyHash: string | undefined;
  readonly approvals: readonly Approval[];
  /** Of its moves, in order, as far as they were begun. */
  readonly moves: readonly MoveSeen[];
  /** Now, when it is sealed. */
  readonly roles: readonly TopicRole[];
  readonly partitions: number;
  readonly groups: readonly string[];
  readonly exposure: EvidenceContent['exposure'];
  readonly findings: EvidenceContent['findings'];
}

/** One move of a run. */
export interface MoveSeen {
  readonly leg: number;
  readonly operation: OperationRecord;
  readonly topics: readonly string[];
  readonly cuts: readonly CutRecord[];
  readonly gaps: readonly WriteGap[];
  readonly times: MoveTimes;
}

const cutsMax = 5_000;

/** Pure. What is not known is left out, not made up. */
export function reportOf(sources: ReportSources): EvidenceContent {
  const { pair, version, labels, spec, run, endedAt, clusters, approvals, moves, roles } = sources;
  const { verdict, reasons } = verdictOf(run);
  const topics = [...new Set(moves.flatMap((move) => move.topics))].toSorted();
  const worst = moves.toSorted((left, right) => (right.times.totalMs ?? 0) - (left.times.totalMs ?? 0))[0];
  const counts = countsOf(run.facts.proofs);
  const loss = lossFound(run.facts);
  const prediction = run.facts.predictions[0];
  return {
    ...{ schemaVersion: 1, reportId: run.id, kind: 'drill', level: run.level, drill: run.drill, verdict },
    ...{ verdictReasons: [...reasons], startedAt: run.startedAt, endedAt },
    pair: {
      ...{ id: pair, site: run.site, clusters, toolVersion: version, planHash: run.planHash, labels: [...labels] },
      ...(sources.policyHash === undefined ? {} : { policyHash: sources.policyHash }),
    },
    scope: {
      links: [...new Set(run.script.legs.map(({ to }) => linkId({ from: otherSite(to), to })))],
      ...{
        topics,
        partitions: sources.partitions,
        groups: [...sources.groups],
        registry: topics.includes(schemasTopic),
      },
      excluded: [],
    },
    scenario: withLoss(scenarioOf(spec), run),
    objectives: {
      ...{ rpoRecords: spec.objectives.rpoRecords, rtoMs: sources.times.rtoMs },
      other:
        run.script.legs.length === 0
          ? []
          : [
              `every acknowledged record${run.level === 'L6' ? ' that was not lost' : ''} stands where it was acknowledged`,
              'both links follow afterwards',
            ],
    },
    people: {
      requestedBy: run.requestedBy,
      approvers: approvals.map(({ name, role, at }) => ({ name, role, at })),
      operators: [...(spec.people?.operators ?? [])],
      observers: [...(spec.people?.observers ?? [])],
      excludedOnPurpose: [...(spec.people?.excludedOnPurpose ?? [])],
    },
    preconditions: run.facts.preconditions,
    timeline: timelineOf(run, endedAt, moves),
    terms: termsOf(run.facts.roles.length > 0 ? run.facts.roles : roles, moves),
    cut: moves
      .flatMap(({ cuts }) => cuts)
      .flatMap(({ topic, topicId, operation, partitions }) =>
        partitions.map(({ offset, tailSha256 }, partition) => ({
          ...{ topic, partition, topicId, operation, offset },
          ...(tailSha256 === undefined ? {} : { tailSha256 }),
        })),
      )
      .slice(0, cutsMax),
    rpo: {
      ...(prediction === undefined
        ? {}
        : {
            predicted: {
              records: prediction.records,
              recordsAtMost: prediction.recordsAtMost,
              seconds: prediction.seconds,
            },
          }),
      measured: {
        records: loss.canaries + loss.real,
        seconds: Math.max(0, ...run.facts.proofs.map(({ lostSeconds }) => lostSeconds)),
      },
      basis: counts === undefined ? 'none' : run.facts.tails.length > 0 ? 'ledger and tails' : 'ledger',
    },
    rto: {
      ...(worst?.times.totalMs === undefined ? {} : { totalMs: worst.times.totalMs }),
      phases: worst === undefined ? {} : phasesOf(worst.times),
      vantagePoints: moves.flatMap(({ gaps }) => gaps.map(vantageOf)),
    },
    exposure: sources.exposure,
    integrity: {
      ...(counts === undefined ? {} : { canary: counts }),
      problems: run.facts.proofs.flatMap(({ problems }) => problems),
    },
    groups: sources.groups.map((id) => ({ id, note: 'its positions went with the topics' })),
    fence: {
      probes: moves.flatMap(({ operation }) =>
        (operation.passed ?? []).flatMap(({ step, at }) =>
          step === 'draining'
            ? [{ at, result: `${operation.id}: the old primary refuses writes, and its log ends stand still` }]
            : [],
        ),
      ),
      logEndsFrozen:
        moves.length > 0 &&
        moves.every(({ operation }) => operation.passed?.some(({ step }) => step === 'draining') === true),
    },
    clients: [],
    tails: run.facts.tails.map(({ topic, records, disposition }) => ({ topic, records, disposition })),
    alarms:
      run.abort?.trigger === 'outcome alarm' ? [{ name: run.abort.reason, at: run.abort.at, state: 'ringing' }] : [],
    aborts:
      run.abort === undefined
        ? []
        : [
            {
              trigger: run.abort.trigger,
              at: run.abort.at,
              beforePromotion: run.abort.before,
              reason: run.abort.reason,
            },
          ],
    cleanup: {
      returnedToHome: roles.every(({ home, primary }) => home === primary),
      pairState: run.facts.failures.length === 0 ? 'both links follow' : 'see the reasons',
      left: roles
        .filter(({ home, primary }) => home !== primary)
        .map(({ topic, primary }) => `${topic}: site ${primary} is its primary`),
    },
    findings: sources.findings,
    controls: [...controlsFor(run.level, verdict)],
    ...rehearsalOf(run),
    ...registryOf(topics, roles),
  };
}

type Proof = RunRecord['facts']['proofs'][number];

/** Of all canary topics; undefined where none was judged. */
function countsOf(proofs: readonly Proof[]): Proof['counts'] | undefined {
  const [first, ...others] = proofs.map(({ counts }) => counts);
  if (first === undefined) return undefined;
  const sum = { ...first };
  for (const counts of others) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name]; // as: its own keys
  return sum;
}

function scenarioOf(spec: DrillSpec): EvidenceContent['scenario'] {
  const { scenario } = spec;
  if (scenario === undefined)
    return { id: spec.name, text: scenarioTexts[spec.level], severity: 'not said', assumptions: [] };
  const { id, text, severity, biaRef, assumptions } = scenario;
  return { id, text, severity, assumptions: [...assumptions], ...(biaRef === undefined ? {} : { biaRef }) };
}

/** How the loss was made belongs to what was assumed. */
function withLoss(scenario: EvidenceContent['scenario'], { facts, site }: RunRecord): EvidenceContent['scenario'] {
  const there = otherSite(site);
  const made = `the cluster of site ${there} was taken away by the hook of drills.loss, and given back by its counterpart`;
  const alive = `no hook is declared: the cluster of site ${there} stayed there, its writers were fenced by the failover, and what was in flight is what was lost`;
  if (facts.loss === undefined) return scenario;
  return { ...scenario, assumptions: [...scenario.assumptions, facts.loss === 'made' ? made : alive] };
}

const scenarioTexts: Readonly<Record<DrillSpec['level'], string>> = {
  L0: 'nothing happens: is the pair ready?',
  L1: 'the other site is lost: what would be decided, and what would it cost?',
  L2: 'canary topics change their primary in both directions, and come home',
  L3: 'consumers read the copies where they would go on after a move, and what is kept for a restore is read back',
  L4: 'real topics change their primary, and come home: nothing may be lost',
  L5: 'a whole region is evacuated, and comes home: nothing may be lost',
  L6: 'a region is lost without notice',
};

function timelineOf(run: RunRecord, endedAt: string, moves: readonly MoveSeen[]): EvidenceContent['timeline'] {
  const actor = `site ${run.site}`;
  const open = run.journal.filter(({ result }) => result === 'running');
  const steps = open.flatMap(({ step }) => {
    const phase = run.script.phases.find((each) => phaseName(each) === step);
    const move = phase?.does === 'move' ? moves.find(({ leg }) => leg === phase.leg) : undefined;
    return move === undefined ? [] : stepEntries(move.operation, step);
  });
  return [...run.journal, ...steps].map(({ result, ...entry }) => {
    const over = result === 'running' ? { endedAt, result: 'done' as const } : { result };
    return { ...entry, actor, ...over };
  });
}

function termsOf(roles: readonly TopicRole[], moves: readonly MoveSeen[]): EvidenceContent['terms'] {
  return roles.map(({ topic, term, primary }) => {
    const first = moves.flatMap(({ cuts }) => cuts).find((cut) => cut.topic === topic);
    return { topic, before: Math.max(0, (first?.term ?? term + 1) - 1), after: term, primary };
  });
}

function vantageOf({ vantage, link, gapMs, from, acks }: WriteGap): VantagePoint {
  return {
    ...{ name: vantage, link, writeGapMs: gapMs, writeGapFrom: new Date(from).toISOString() },
    acks: acks.map(({ at, ms }) => ({ at: new Date(at).toISOString(), ms: Math.max(0, ms) })),
  };
}

function registryOf(topics: readonly string[], roles: readonly TopicRole[]): Pick<EvidenceContent, 'registry'> {
  const role = roles.find(({ topic }) => topic === schemasTopic);
  if (!topics.includes(schemasTopic) || role === undefined) return {};
  const note = 'the log of schemas went with the topics, compared record by record';
  return { registry: { primaryBefore: role.home, primaryAfter: role.primary, note } };
}

/** Of both sites. */
export function clustersOf(
  ids: Readonly<Partial<Record<SiteId, string>>>,
  servers: Readonly<Record<SiteId, readonly string[]>>,
): EvidenceContent['pair']['clusters'] {
  return sites.map((site) => ({ site, clusterId: ids[site] ?? 'unknown', bootstrapServers: [...servers[site]] }));
}
