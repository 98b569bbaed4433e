import { type DrillSpec, drillTimes } from '../../drill/drill-spec.ts';
import { dueFires } from '../../drill/schedule/due.ts';
import { type Fire, fireTimes } from '../../drill/schedule/fire-times.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { Problem } from '../problems.ts';
import type { DrillCursor, PastRun } from '../state/drill-memory.ts';
import type { SiteState } from '../state/state.ts';
import { declaredNow } from './declared-now.ts';
import type { DrillPorts } from './drill-ports.ts';
import { frozenText } from './freeze.ts';
import { skippedTooOften } from './findings.ts';

export interface TimetablePorts extends Pick<DrillPorts, 'site' | 'mayAct' | 'clock' | 'logger' | 'events' | 'link'> {
  readonly state: Pick<SiteState, 'drills' | 'links' | 'prefixPolicy' | 'schemaPrimary' | 'roles'>;
  readonly begin: (
    spec: DrillSpec,
    due: { readonly requestedBy: string; readonly plannedFor?: Date; readonly cursor: DrillCursor },
    signal: AbortSignal,
  ) => Promise<unknown>;
  readonly busy: () => boolean;
  /** No run of either site that moves roles, and no move of a person. */
  readonly quiet: () => boolean;
}

const lookMs = 2_000;
/** So that a look never has to go through more than that. */
const handledMsMax = 3_600_000;
/** What is declared changes in several steps: it has to have been the same for so long. */
const settledMs = 10_000;

/**
 * Follows the schedules of a site's drills. Up to when each was followed is in `_umbra`, written together with the run that it
 * begins: whoever leads next begins nothing twice, and sees what was missed.
 */
export class Timetable {
  readonly #ports: TimetablePorts;
  readonly #stopping = new AbortController();
  /** By drill what is declared now and was not when it last ran, and since when. */
  readonly #changes = new Map<string, { readonly declared: string; readonly sinceMs: number }>();
  readonly #loop: Promise<void>;

  constructor(ports: TimetablePorts) {
    this.#ports = ports;
    this.#loop = this.#keep(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** The next time is left out, by somebody's word. */
  async skip(spec: DrillSpec, reason: string, signal: AbortSignal): Promise<void> {
    const { state, clock } = this.#ports;
    const cursor = state.drills.cursor(spec.name);
    const now = clock.now();
    const after = cursor === undefined ? now : new Date(Math.max(now.getTime(), Date.parse(cursor.handledTo)));
    const [fire] = spec.schedule === undefined ? [] : fireTimes(spec.schedule, { name: spec.name, after, count: 1 });
    if (fire === undefined)
      throw new Problem('DRILL_REFUSED', `the drill ${spec.name} has no schedule: there is nothing to skip`);
    await this.#leaveOut(spec, { handledTo: fire.at, skipped: [{ fire, reason }], skips: 1 }, signal);
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    const troubles = new Map<string, string>();
    while (!hasAborted(signal)) {
      for (const spec of this.#ports.state.drills.specs()) {
        try {
          if (!this.#ports.mayAct()) continue;
          await this.#follow(spec, signal);
          await this.#lookForChange(spec, signal);
          troubles.delete(spec.name);
        } catch (error) {
          if (hasAborted(signal)) return;
          const why = error instanceof Error ? error.message : String(error);
          if (troubles.get(spec.name) !== why)
            this.#ports.logger.warn({ err: error, drill: spec.name }, 'the schedule of a drill cannot be followed now');
          troubles.set(spec.name, why);
        }
      }
      await pause.wait(signal, lookMs);
    }
  }

  async #follow(spec: DrillSpec, signal: AbortSignal): Promise<void> {
    const { state, clock, begin, busy } = this.#ports;
    const { name, schedule } = spec;
    if (schedule === undefined) return;
    const now = clock.now();
    const cursor = state.drills.cursor(name) ?? { drill: name, handledTo: now.toISOString(), skips: 0 };
    const from = new Date(cursor.handledTo);
    const found = dueFires({ schedule, name, handledTo: from, now });
    const { due, missed, missedCount, skipped, skippedCount, handledTo } = found;
    const left = [
      ...skipped.map(({ fire, reason }) => ({ fire, reason: `blocked window: ${reason}` })),
      ...missed.slice(-1).map((fire) => ({ fire, reason: missedText(missedCount, fire) })),
    ];
    const idle = due === undefined && left.length === 0;
    if (idle && handledTo.getTime() - from.getTime() < handledMsMax) return;
    const against = frozenText(this.#ports, spec.level) ?? (busy() ? 'another run goes on' : undefined);
    const overtaken = due !== undefined && against !== undefined ? [{ fire: due, reason: against }] : [];
    const runs = due !== undefined && overtaken.length === 0;
    const skips = skippedCount + missedCount + overtaken.length;
    if (left.length + overtaken.length > 0 || idle) {
      // Whatever becomes of the run, what is told now is not told again.
      const until = runs ? new Date(due.at.getTime() - 1) : handledTo;
      await this.#leaveOut(spec, { handledTo: until, skipped: [...left, ...overtaken], skips }, signal);
    }
    if (!runs) return;
    const known = state.drills.cursor(name) ?? cursor;
    const next = { ...known, handledTo: handledTo.toISOString() };
    await begin(spec, { requestedBy: 'schedule', plannedFor: due.plannedAt, cursor: next }, signal);
  }

  /** What was declared is written down with the run that it begins: whoever leads next does not begin it once more. */
  async #lookForChange(spec: DrillSpec, signal: AbortSignal): Promise<void> {
    const { state, clock, begin, busy, quiet } = this.#ports;
    if (spec.onChange !== true) return;
    const cursor = state.drills.cursor(spec.name);
    const declared = declaredNow(this.#ports);
    if (cursor === undefined || declared === undefined || declared === cursor.declared) {
      this.#changes.delete(spec.name);
      return;
    }
    const nowMs = clock.now().getTime();
    const change = this.#changes.get(spec.name);
    if (change?.declared !== declared) this.#changes.set(spec.name, { declared, sinceMs: nowMs });
    else if (nowMs - change.sinceMs >= settledMs && !busy() && quiet())
      await begin(spec, { requestedBy: 'a change', cursor: { ...cursor, declared } }, signal);
  }

  /** Each is told, and stands in the history. */
  async #leaveOut(
    spec: DrillSpec,
    {
      handledTo,
      skipped,
      skips,
    }: { readonly handledTo: Date; readonly skipped: readonly LeftOut[]; readonly skips: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { state, events, clock } = this.#ports;
    const cursor = state.drills.cursor(spec.name);
    const next: DrillCursor = {
      ...cursor,
      drill: spec.name,
      handledTo: handledTo.toISOString(),
      skips: (cursor?.skips ?? 0) + skips,
    };
    const past = skipped.map((each) => this.#pastOf(spec, each));
    const last = past.at(-1);
    const context = {
      spec,
      times: drillTimes(spec),
      now: clock.now(),
      known: (id: string) => state.drills.finding(id),
    };
    const findings =
      last === undefined ? [] : skippedTooOften(context, { cursor: next, run: last.id, why: last.reasons[0] ?? '' });
    await state.drills.followed(next, { skipped: past, findings }, signal);
    for (const { id, severity, title } of findings)
      events.report({ kind: 'finding opened', message: `${id} (${severity}): ${title}` });
    for (const { fire, reason } of skipped)
      events.report({
        kind: 'drill missed',
        message: `${spec.name}, planned for ${fire.plannedAt.toISOString()}: ${reason}`,
      });
  }

  #pastOf({ name, level, site }: DrillSpec, { fire, reason }: LeftOut): PastRun {
    const at = this.#ports.clock.now().toISOString();
    const time = fire.plannedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
    return {
      ...{ id: `drill-${time}-${name}-skipped`, drill: name, level, site, requestedBy: 'schedule' },
      ...{
        plannedFor: fire.plannedAt.toISOString(),
        startedAt: at,
        endedAt: at,
        verdict: 'SKIPPED',
        reasons: [reason],
      },
    };
  }
}

interface LeftOut {
  readonly fire: Fire;
  readonly reason: string;
}

function missedText(count: number, { plannedAt }: Fire): string {
  return count === 1
    ? 'missed: nobody led the site then'
    : `missed: nobody led the site at ${count} times, the last one ${plannedAt.toISOString()}`;
}
