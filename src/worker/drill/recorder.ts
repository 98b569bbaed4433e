import { createHash } from 'node:crypto';
import { gapsOf } from '../../canary/gaps.ts';
import { readLedger } from '../../canary/ledger/read-ledger.ts';
import type { LedgerEntry } from '../../canary/ledger/ledger-entry.ts';
import type { DrillSpec, DrillTimes } from '../../drill/drill-spec.ts';
import { verdictOf } from '../../drill/next-move.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import type { EvidenceContent } from '../../evidence/document.ts';
import { type SiteId, sites } from '../../pair/site.ts';
import type { EvidenceKept } from './evidence-kept.ts';
import type { DrillCursor, DrillFinding, PastRun } from '../state/drill-memory.ts';
import { approvalsInForce } from './approvals.ts';
import type { Canaries } from './canaries.ts';
import type { DrillPorts } from './drill-ports.ts';
import type { ExposureTrace } from './exposure-trace.ts';
import { findingsOfRun, isIdle } from './findings.ts';
import { cutsOfLeg, type LegSight, memoryOf, operationOfLeg } from './legs.ts';
import { clustersOf, type MoveSeen, reportOf } from './report.ts';
import { rolesOfRun } from './roles-away.ts';
import { timesOf } from './move-times.ts';

export interface RecorderPorts extends DrillPorts {
  readonly spec: DrillSpec;
  readonly times: DrillTimes;
  readonly canaries: Canaries;
  readonly kept: EvidenceKept;
  readonly exposure: ExposureTrace;
}

/** Writes down what a run has come to: its evidence, and its summary in `_umbra`. */
export class Recorder {
  readonly #ports: RecorderPorts;
  /** As it was sealed: what `end` sums up. */
  #sealed: { readonly content: EvidenceContent; readonly at: NonNullable<PastRun['evidence']> } | undefined;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  /** Idempotent by the id of the run: what a former controller has sealed is taken as it is. */
  async seal(run: RunRecord, legs: LegSight, signal: AbortSignal): Promise<readonly string[]> {
    const { kept, canaries } = this.#ports;
    const known = await kept.find(run.id, signal);
    if (known !== undefined) {
      this.#sealed = known;
      return [];
    }
    const folder = canaries.writing?.ledgerFolder;
    const topics = [...new Set(run.script.legs.flatMap((leg) => (typeof leg.topics === 'string' ? [] : leg.topics)))];
    const { entries } =
      folder === undefined || topics.length === 0
        ? { entries: [] }
        : await readLedger(folder, { since: Date.parse(run.startedAt), topics });
    const content = await this.#content(run, legs, entries);
    this.#sealed = await kept.record(content, entries, signal);
    return [];
  }

  /** With the summary in the place of the record the next run may begin. */
  async end(run: RunRecord, signal: AbortSignal): Promise<void> {
    const { state, clock, events, spec } = this.#ports;
    const { verdict, reasons } = verdictOf(run);
    const endedAt = clock.now().toISOString();
    const content = this.#sealed?.content;
    const past: PastRun = {
      ...{ id: run.id, drill: run.drill, level: run.level, site: run.site, requestedBy: run.requestedBy },
      ...{ startedAt: run.startedAt, endedAt, verdict, reasons: reasons.map((reason) => reason.slice(0, 1_000)) },
      ...(run.plannedFor === undefined ? {} : { plannedFor: run.plannedFor }),
      ...(content?.rto.totalMs === undefined ? {} : { rtoMs: content.rto.totalMs, phases: content.rto.phases }),
      ...(content?.integrity.canary === undefined ? {} : { rpoRecords: content.rpo.measured.records }),
      ...(this.#sealed === undefined ? {} : { evidence: this.#sealed.at }),
    };
    const cursor = state.drills.cursor(spec.name);
    const next = cursor && { ...cursor, skips: isIdle(verdict) ? cursor.skips + 1 : 0 };
    const findings = this.#findings(run, next);
    await state.drills.endRun(past, { cursor: next, findings }, signal);
    for (const { id, severity, title } of findings)
      events.report({ kind: 'finding opened', message: `${id} (${severity}): ${title}`.slice(0, 2_000) });
    const level = verdict === 'FAILED' ? 'error' : verdict === 'PASSED' ? 'info' : 'warn';
    const why =
      reasons.length === 0
        ? ''
        : `: ${reasons[0] ?? ''}${reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ''}`;
    events.report({
      kind: 'drill ended',
      level,
      message: `${run.id}: ${run.drill} (${run.level}) ${verdict}${why}`.slice(0, 2_000),
    });
  }

  async #content(run: RunRecord, legs: LegSight, entries: readonly LedgerEntry[]): Promise<EvidenceContent> {
    const { pair, version, config, spec, times, state, servers, clock } = this.#ports;
    const moves = run.script.legs.flatMap((_leg, leg): readonly MoveSeen[] => {
      const operation = operationOfLeg(legs, run.id, leg);
      if (operation === undefined) return [];
      const topics = memoryOf(this.#ports, operation).topicsOf(operation.id);
      const kept = run.facts.cuts.filter((cut) => cut.operation === operation.id);
      const cuts = kept.length > 0 ? kept : cutsOfLeg(this.#ports, legs, { run: run.id, leg });
      const until = operation.step.kind === 'done' ? operation.since : clock.now().toISOString();
      const own = entries.filter(({ topic }) => topics.includes(topic));
      const gaps = gapsOf(own, { from: Date.parse(operation.startedAt), until: Date.parse(until) });
      return [{ leg, operation, topics, cuts, gaps, times: timesOf(operation, topics, entries) }];
    });
    const declared = state.prefixPolicy?.declared;
    return reportOf({
      ...{ pair, version, labels: config?.labels ?? [], spec, times, run, moves },
      endedAt: clock.now().toISOString(),
      clusters: clustersOf(await this.#clusterIds(), servers),
      policyHash:
        declared === undefined ? undefined : createHash('sha256').update(JSON.stringify(declared)).digest('hex'),
      approvals: approvalsInForce(spec, state.drills.approvals(spec.name), new Date(run.startedAt)),
      roles: rolesOfRun(this.#ports, legs, run),
      partitions: moves.reduce(
        (most, { cuts }) =>
          Math.max(
            most,
            cuts.reduce((sum, cut) => sum + cut.partitions.length, 0),
          ),
        0,
      ),
      groups: [],
      exposure: [...this.#ports.exposure.samples()],
      findings: this.#findings(run, state.drills.cursor(spec.name)).map(
        ({ id, severity, title, owner, due, status }) => ({
          ...{ id, severity, title, owner, due, status },
        }),
      ),
    });
  }

  #findings(run: RunRecord, cursor: DrillCursor | undefined): readonly DrillFinding[] {
    const { spec, times, state, clock } = this.#ports;
    return findingsOfRun({ spec, times, run, cursor, now: clock.now(), known: (id) => state.drills.finding(id) });
  }

  /** One that does not answer has no id here. */
  async #clusterIds(): Promise<Partial<Record<SiteId, string>>> {
    const ids: Partial<Record<SiteId, string>> = {};
    for (const site of sites) {
      const metadata = await this.#ports.clusters[site].metadata([]).catch(() => undefined);
      if (metadata?.clusterId !== undefined) ids[site] = metadata.clusterId;
    }
    return ids;
  }
}
