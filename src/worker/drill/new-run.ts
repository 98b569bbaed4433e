import { createHash, randomBytes } from 'node:crypto';
import { type DrillSpec, drillTimes } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import { noFacts, type RunRecord } from '../../drill/run-record.ts';
import { phaseName, type Script } from '../../drill/script.ts';
import { canonicalJson } from '../../evidence/canonical.ts';

export interface NewRun {
  readonly spec: DrillSpec;
  readonly script: Script;
  readonly requestedBy: string;
  /** By the schedule. */
  readonly plannedFor: Date | undefined;
  readonly now: Date;
}

/** A run at its first phase; nothing is begun by it. */
export function newRun({ spec, script, requestedBy, plannedFor, now }: NewRun): RunRecord {
  const { name, level, site } = spec;
  const at = now.toISOString();
  const [first] = script.phases;
  if (first === undefined) throw new Error(`the drill ${name} has no phases`);
  return {
    ...{ id: runId(spec, now), drill: name, level, site, requestedBy, startedAt: at },
    ...(plannedFor === undefined ? {} : { plannedFor: plannedFor.toISOString() }),
    state: movesRoles(level) ? 'claiming' : 'running',
    deadlineAt: new Date(now.getTime() + drillTimes(spec).deadManMs).toISOString(),
    ...{ planHash: planHash(spec, script), script, at: 0, since: at, facts: noFacts },
    journal: [{ step: phaseName(first), plannedMs: first.plannedMs, startedAt: at, result: 'running' }],
  };
}

/** Of what is declared and what is going to be done. */
export function planHash(spec: DrillSpec, script: Script): string {
  return createHash('sha256').update(canonicalJson({ spec, script })).digest('hex');
}

/** In place of what was declared, for a run whose drill is declared no more. */
export function leftOver({ name, level, site }: Pick<DrillSpec, 'name' | 'level' | 'site'>): DrillSpec {
  return {
    ...{ name, level, site, returnTo: 'home', drainTimeout: '20s', deadMan: '10m', maxSkips: 3, owner: 'nobody' },
    ...{ due: '30d', objectives: { rpoRecords: 0, rto: '60s' } },
  };
}

/** Sorts by time. */
function runId({ name }: DrillSpec, now: Date): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `drill-${time}-${name}-${randomBytes(2).toString('hex')}`;
}
