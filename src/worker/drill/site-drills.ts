import { type DrillSpec, drillTimes } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { makeScript, type Script } from '../../drill/script.ts';
import { describeSchedule, nextRuns } from '../../drill/schedule/describe.ts';
import { isOver } from '../../operations/operation.ts';
import { type SiteId } from '../../pair/site.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Problem } from '../problems.ts';
import type { DrillCursor, DrillFinding, DrillFreeze, PastRun } from '../state/drill-memory.ts';
import { approvalsInForce, declarationHash } from './approvals.ts';
import { Canaries, type CanariesPorts } from './canaries.ts';
import { objections } from './check.ts';
import { type DrillFigures, drillFigures } from './drill-figures.ts';
import { DrillRun } from './drill-run.ts';
import type { DrillService, FindingDecision } from './drill-service.ts';
import type { DrillPlan, DrillView, RunAnswerView, RunView } from './drill-view.ts';
import { EvidenceKept } from './evidence-kept.ts';
import { ExposureTrace } from './exposure-trace.ts';
import { freezeNow, newFreeze } from './freeze.ts';
import { checkHost } from './host-checks.ts';
import { isExpendable, notExpendable } from './legs.ts';
import { lookUntil } from './look-until.ts';
import { leftOver, newRun, planHash } from './new-run.ts';
import { PeerRuns } from './peer-runs.ts';
import { checkReadiness } from './readiness.ts';
import { Recorder } from './recorder.ts';
import { viewRun } from './run-view.ts';
import { checkSite } from './site-checks.ts';
import { Timetable } from './timetable.ts';

export type SiteDrillsPorts = CanariesPorts;

interface Going {
  readonly run: DrillRun;
  readonly ended: Promise<void>;
}

const nextShown = 3;
/** For a run to write down that it gives way. */
const givingWay = { forMs: 30_000, everyMs: 100 } as const;

/**
 * The drills of a site, for as long as this worker leads it: canaries, schedules, the run that goes on here, and what is to be
 * done for one of the other site.
 */
export class SiteDrills implements DrillService {
  readonly canaries: Canaries;
  readonly #ports: SiteDrillsPorts;
  readonly #peers: PeerRuns;
  readonly #timetable: Timetable;
  readonly #stopping = new AbortController();
  readonly #going = new Map<string, Going>();

  constructor(ports: SiteDrillsPorts) {
    this.#ports = ports;
    this.canaries = new Canaries(ports);
    this.#peers = new PeerRuns({ ...ports, canaries: this.canaries });
    for (const run of ports.state.drills.runs()) if (run.site === ports.site) this.#start(run);
    this.#timetable = new Timetable({
      ...ports,
      begin: (spec, due, signal) => this.#begin(spec, due, signal),
      busy: () => this.#going.size > 0,
      quiet: () => this.current === undefined && ports.state.moves.operations().every(({ step }) => isOver(step)),
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = [...this.#going.values()].map(({ ended }) => ended);
    await Promise.all([this.#timetable.stop(), this.#peers.stop(), this.canaries.stop(), ...running]);
  }

  /** A change takes effect with the next run; its schedule is followed from now on. */
  async put(spec: DrillSpec, signal: AbortSignal): Promise<void> {
    const { site, state, clock, config } = this.#ports;
    if (spec.site !== site)
      throw new Problem(
        'WRONG_SITE',
        `the drill ${spec.name} runs at site ${spec.site}, this is the worker of site ${site}`,
      );
    if (spec.level === 'L6' && !isExpendable(config?.labels)) throw new Problem('DRILL_REFUSED', notExpendable);
    const known = state.drills.spec(spec.name);
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(spec)) return;
    const cursor = state.drills.cursor(spec.name);
    const sameTimes = JSON.stringify(known?.schedule) === JSON.stringify(spec.schedule);
    const handledTo = sameTimes && cursor !== undefined ? cursor.handledTo : clock.now().toISOString();
    await state.drills.putSpec(spec, { drill: spec.name, handledTo, skips: cursor?.skips ?? 0 }, signal);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    this.#spec(name);
    const going = [...this.#going.values()].find(({ run }) => run.spec.name === name);
    if (going !== undefined) throw new Problem('DRILL_BUSY', `${going.run.id} runs; nothing was changed`);
    await this.#ports.state.drills.removeSpec(name, signal);
  }

  views(): readonly DrillView[] {
    return this.#ports.state.drills.specs().map((spec) => this.#view(spec));
  }

  view(name: string): DrillView {
    return this.#view(this.#spec(name));
  }

  /** Runs that go on here. */
  running(): readonly RunRecord[] {
    const { state, site } = this.#ports;
    return state.drills.runs().filter((run) => run.site === site);
  }

  runViews(): readonly RunView[] {
    return this.running().map(viewRun);
  }

  figures(): DrillFigures {
    const { state, site, clock } = this.#ports;
    const { writing } = this.canaries;
    const green = this.canaries.trouble() === undefined;
    const canaries = writing && { green, links: writing.links(), now: clock.now() };
    return drillFigures(state.drills, site, canaries);
  }

  findings(): readonly DrillFinding[] {
    return this.#ports.state.drills
      .findings()
      .toSorted((left, right) => right.openedAt.localeCompare(left.openedAt) || left.id.localeCompare(right.id));
  }

  async decide(id: string, { status, note }: FindingDecision, signal: AbortSignal): Promise<DrillFinding> {
    const { state, site } = this.#ports;
    const known = state.drills.finding(id);
    if (known === undefined) throw new Problem('NOT_FOUND', `site ${site} has no finding ${id}`);
    const decided: DrillFinding = { ...known, status, note };
    await state.drills.putFinding(decided, signal);
    return decided;
  }

  run(id: string): RunAnswerView {
    const { state } = this.#ports;
    const run = state.drills.run(id);
    if (run !== undefined) return { kind: 'running', run: viewRun(run) };
    const past = state.drills.past().find((each) => each.id === id);
    if (past !== undefined) return { kind: 'over', run: past };
    throw new Problem('NOT_FOUND', `site ${this.#ports.site} knows no run ${id}`);
  }

  history(): readonly PastRun[] {
    return this.#ports.state.drills.past();
  }

  async plan(name: string, signal: AbortSignal): Promise<DrillPlan> {
    const spec = this.#spec(name);
    const script = this.#script(spec);
    const hash = planHash(spec, script);
    const times = drillTimes(spec);
    const sight = { id: 'drill-planned-only', level: spec.level, script, planHash: hash };
    const ports = { ...this.#ports, spec, times, findings: this.#findings };
    const { checks } = await checkSite(this.#ports, this.canaries, sight, signal);
    const readiness = spec.level === 'L0' ? await checkReadiness(this.#ports, signal) : [];
    const at = this.#ports.clock.now().toISOString();
    const all = [...(await checkHost(ports, sight, signal)), ...checks, ...readiness].map((check) => ({
      ...check,
      at,
    }));
    const plannedMs = script.phases.reduce((sum, phase) => sum + phase.plannedMs, 0);
    return { drill: name, level: spec.level, hash, script, plannedMs, checks: all, blockers: [...objections(all)] };
  }

  /** Begins it now, whatever its schedule says. Resolves when that outlives this worker. */
  begin(name: string, requestedBy: string, signal: AbortSignal): Promise<RunAnswerView> {
    return this.#begin(this.#spec(name), { requestedBy }, signal);
  }

  /** Ends a run in the nearest safe way. Resolves when that is written down. */
  async abort(id: string, reason: string, signal: AbortSignal): Promise<RunAnswerView> {
    const going = this.#going.get(id);
    if (going === undefined) return this.run(id);
    going.run.give({ trigger: 'operator', reason });
    const isTold = (): true | undefined => {
      const run = this.#ports.state.drills.run(id);
      return run === undefined || run.abort !== undefined || run.blocked !== undefined || undefined;
    };
    await lookUntil(isTold, givingWay, signal);
    return this.run(id);
  }

  /** The next time of its schedule is left out. */
  async skip(name: string, reason: string, signal: AbortSignal): Promise<DrillView> {
    const spec = this.#spec(name);
    await this.#timetable.skip(spec, reason, signal);
    return this.#view(spec);
  }

  async approve(
    name: string,
    by: { readonly name: string; readonly role: string },
    signal: AbortSignal,
  ): Promise<DrillView> {
    const spec = this.#spec(name);
    const { state, clock } = this.#ports;
    if (spec.approvals === undefined) throw new Problem('DRILL_REFUSED', `the drill ${name} asks for no approvals`);
    const now = clock.now();
    const until = new Date(now.getTime() + drillTimes(spec).approvalMs).toISOString();
    const declaration = declarationHash(spec);
    await state.drills.putApproval({ drill: name, ...by, at: now.toISOString(), until, declaration }, signal);
    return this.#view(spec);
  }

  frozen(): DrillFreeze | undefined {
    return freezeNow(this.#ports);
  }

  async freeze(wanted: Pick<DrillFreeze, 'by' | 'reason' | 'until'>, signal: AbortSignal): Promise<void> {
    const { state, clock, events } = this.#ports;
    const freeze = newFreeze(wanted, clock.now());
    await state.drills.putFreeze(freeze, signal);
    events.report({ kind: 'drills frozen', message: `until ${freeze.until} by ${freeze.by}: ${freeze.reason}` });
  }

  async thaw(signal: AbortSignal): Promise<void> {
    const { state, events } = this.#ports;
    const freeze = state.drills.freeze();
    if (freeze === undefined) return;
    await state.drills.putFreeze(undefined, signal);
    events.report({ kind: 'drills thawed', message: `it was until ${freeze.until} by ${freeze.by}: ${freeze.reason}` });
  }

  /**
   * Somebody moves roles for real: a drill gives way. Resolves when none of its operations at this site is under way any more, or
   * after a bound: then the move is refused by what holds it. Whether anything had to give way.
   */
  async giveWay(reason: string, signal: AbortSignal): Promise<boolean> {
    const { state, link } = this.#ports;
    for (const { run } of this.#going.values()) run.give({ trigger: 'real incident', reason });
    const open = (): readonly string[] =>
      state.moves.operations().flatMap(({ id, drill, step }) => (drill === undefined || isOver(step) ? [] : [id]));
    const held = open();
    for (const id of held) link()?.moves.abort(id);
    await lookUntil(() => open().length === 0 || undefined, givingWay, signal);
    return held.length > 0;
  }

  /** The run of either site that moves roles now. */
  get current(): string | undefined {
    return (
      this.running().find(({ level, blocked }) => movesRoles(level) && blocked === undefined)?.id ??
      this.#peers.current()?.id
    );
  }

  #view(spec: DrillSpec): DrillView {
    const { state, clock } = this.#ports;
    const { name, schedule } = spec;
    // What was skipped is behind it already.
    const handledTo = Date.parse(state.drills.cursor(name)?.handledTo ?? '');
    const after = new Date(Math.max(clock.now().getTime(), Number.isNaN(handledTo) ? 0 : handledTo));
    const next = schedule === undefined ? [] : nextRuns(schedule, { name, after, count: nextShown });
    const last = state.drills.past().find(({ drill }) => drill === name);
    const running = this.running().find(({ drill }) => drill === name);
    return {
      spec,
      ...scheduleText(spec),
      next: next.map(({ at, plannedAt, blocked }) => ({
        ...{ at: at.toISOString(), plannedFor: plannedAt.toISOString() },
        ...(blocked === undefined ? {} : { blocked }),
      })),
      skips: state.drills.cursor(name)?.skips ?? 0,
      ...(running === undefined ? {} : { running: running.id }),
      ...(last === undefined ? {} : { last }),
      approvals: [...approvalsInForce(spec, state.drills.approvals(name), clock.now())],
    };
  }

  #spec(name: string): DrillSpec {
    const spec = this.#ports.state.drills.spec(name);
    if (spec === undefined) throw new Problem('NOT_FOUND', `site ${this.#ports.site} has no drill named ${name}`);
    return spec;
  }

  readonly #findings = {
    open: (severity: string): number =>
      this.#ports.state.drills
        .findings()
        .filter((finding) => finding.severity === severity && finding.status === 'open').length,
  };

  /** Topics that are named `all` are those that the link carries now. */
  #script(spec: DrillSpec): Script {
    const { link } = this.#ports;
    const { baselineMs, holdMs } = drillTimes(spec);
    const used = new Map(this.canaries.topics().map(({ home, name }) => [home, name]));
    const canaries: Partial<Record<SiteId, string>> = {};
    for (const [home, name] of used) canaries[home] = name;
    const everything = spec.level === 'L5' || spec.topics === 'all';
    const carried = (link()?.topicViews() ?? [])
      .map(({ name }) => name)
      .filter((name) => name !== schemasTopic && ![...used.values()].includes(name));
    const named = everything ? carried : (spec.topics ?? []);
    // A rehearsal reads what the link carries when it comes to it.
    const topics = spec.level === 'L5' ? 'all' : spec.level === 'L3' ? (spec.topics ?? 'all') : named;
    const returns = spec.returnTo === 'home';
    const tail = spec.tail ?? 'discard';
    return makeScript({ level: spec.level, site: spec.site, canaries, topics, baselineMs, holdMs, returns, tail });
  }

  async #begin(
    spec: DrillSpec,
    {
      requestedBy,
      plannedFor,
      cursor,
    }: { readonly requestedBy: string; readonly plannedFor?: Date; readonly cursor?: DrillCursor },
    signal: AbortSignal,
  ): Promise<RunAnswerView> {
    const { state, site, clock, events, order } = this.#ports;
    return order(async () => {
      const [going] = this.running();
      if (going !== undefined)
        throw new Problem('DRILL_BUSY', `${going.id} runs at site ${site} already; nothing was begun`);
      const run = newRun({ spec, script: this.#script(spec), requestedBy, plannedFor, now: clock.now() });
      await state.drills.beginRun(run, cursor, signal);
      events.report({
        kind: 'drill begun',
        message: `${run.id}: ${spec.name} (${spec.level}), asked for by ${requestedBy}`,
      });
      this.#start(run);
      return { kind: 'running', run: viewRun(run) };
    });
  }

  /** One whose drill is declared no more ends as it is declared in its script alone. */
  #start({ id, drill, level, site }: RunRecord): void {
    const { state, pair, config } = this.#ports;
    const spec = state.drills.spec(drill) ?? leftOver({ name: drill, level, site });
    const times = drillTimes(spec);
    const exposure = new ExposureTrace(this.#ports);
    const last = (): PastRun['evidence'] =>
      state.drills
        .past()
        .flatMap((past) => past.evidence ?? [])
        .toSorted((left, right) => right.sequence - left.sequence)[0];
    const kept = new EvidenceKept({ pair, site: this.#ports.site, place: config?.evidence, last });
    const shared = { ...this.#ports, canaries: this.canaries, findings: this.#findings };
    const recorder = new Recorder({ ...shared, spec, times, kept, exposure });
    const run = new DrillRun(id, spec, { ...shared, recorder });
    const tracing = new AbortController();
    void exposure.keep(AbortSignal.any([this.#stopping.signal, tracing.signal]));
    const ended = this.#carryOn(run, this.#stopping.signal).finally(() => {
      tracing.abort();
      this.#going.delete(id);
    });
    this.#going.set(id, { run, ended });
  }

  /** Never rejects. */
  async #carryOn(run: DrillRun, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        await run.run(signal);
        return;
      } catch (error) {
        if (hasAborted(signal)) return;
        // What was written is not known: whoever leads next reads it, maybe this worker again.
        this.#ports.logger.error({ err: error, run: run.id }, 'a drill could not write its journal');
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
  }
}

function scheduleText({ schedule, onChange }: DrillSpec): Pick<DrillView, 'schedule'> {
  const when = schedule === undefined ? [] : [describeSchedule(schedule)];
  if (onChange === true) when.push('When what is declared changes.');
  return when.length === 0 ? {} : { schedule: when.join(' ') };
}
