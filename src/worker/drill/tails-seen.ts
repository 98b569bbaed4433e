import { canaryTopicOf } from '../../canary/canary-topic.ts';
import type { RunFacts, RunRecord, TailFound } from '../../drill/run-record.ts';
import { otherSite } from '../../pair/site.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { RunAnswer, TailDone } from '../state/drill-memory.ts';
import type { DrillPorts } from './drill-ports.ts';
import { cutsOfLeg, type LegSight, memoryOf, operationOfLeg } from './legs.ts';

/** Without anything new from the other site. */
const quietMsMax = 300_000;
const lookMs = 200;
const tailsMax = 200;

export interface TailsSeen {
  readonly tails: readonly TailFound[];
  /** What did not come to its end, a line each. */
  readonly wrong: readonly string[];
  readonly note: string | undefined;
}

/** The leg of a script that loses records, if it has one. Pure. */
export function failoverLegOf({ script }: Pick<RunRecord, 'script'>): number | undefined {
  const leg = script.legs.findIndex(({ kind }) => kind === 'failover');
  return leg < 0 ? undefined : leg;
}

/** Until the other site, which was lost, has made copies again of everything that was taken over. */
export async function untilReconciled(
  ports: Pick<DrillPorts, 'state' | 'link' | 'site'>,
  legs: LegSight,
  run: RunRecord,
  signal: AbortSignal,
): Promise<TailsSeen> {
  const leg = failoverLegOf(run);
  const operation = leg === undefined ? undefined : operationOfLeg(legs, run.id, leg);
  if (operation === undefined) return { tails: [], wrong: [], note: 'nothing was taken over: there are no tails' };
  const topics = memoryOf(ports, operation).topicsOf(operation.id);
  const there = otherSite(ports.site);
  const owners = ports.state.prefixPolicy?.owners;
  const pause = new Wakeup();
  let known: string | undefined;
  for (let untilMs = 0; ;) {
    const said = ports.link()?.peer.state.drills.answer(run.id)?.tails;
    const { done, open, faulted } = sorted(topics, said);
    if (open.length === 0 && faulted.length === 0) return { ...told(done, owners), wrong: [] };
    const text = JSON.stringify(said ?? null);
    if (text !== known) untilMs = performance.now() + quietMsMax;
    known = text;
    const late = performance.now() > untilMs;
    if (late || open.length === 0) {
      const why = said?.now === undefined ? '' : `: ${said.now}`;
      const waits = `site ${there} follows ${open.length} of ${topics.length} topics not again, and says nothing new for ${quietMsMax / 1000} s${why}`;
      const wrong = [
        ...(open.length === 0 ? [] : [waits]),
        ...faulted.map((topic) => `the copy of ${topic} at site ${there} is faulted`),
      ];
      return { ...told(done, owners), wrong };
    }
    await pause.wait(signal, lookMs);
    signal.throwIfAborted();
  }
}

function sorted(
  topics: readonly string[],
  said: RunAnswer['tails'],
): { readonly done: readonly TailDone[]; readonly open: readonly string[]; readonly faulted: readonly string[] } {
  const done = said?.done ?? [];
  const names = new Set(done.map(({ topic }) => topic));
  return {
    done,
    open: topics.filter((topic) => !names.has(topic)),
    faulted: done.flatMap(({ topic, copy }) => (copy === 'faulted' ? [topic] : [])),
  };
}

/** Those that have any, the longest first. Pure. */
function told(done: readonly TailDone[], owners: PrefixOwners | undefined): Pick<TailsSeen, 'tails' | 'note'> {
  const all = done
    .filter(({ quarantined }) => quarantined > 0)
    .toSorted((left, right) => right.quarantined - left.quarantined)
    .map((tail): TailFound => ({
      ...{ topic: tail.topic, records: tail.quarantined, disposition: dispositionOf(tail) },
      isCanary: owners !== undefined && canaryTopicOf(tail.topic, owners) !== undefined,
    }));
  const named = all.length > tailsMax ? [...all.slice(0, tailsMax - 1), summed(all.slice(tailsMax - 1))] : all;
  const as = done.length - all.length;
  return { tails: named, note: `of ${done.length} topics ${as} had nothing at the lost site alone` };
}

function summed(tails: readonly TailFound[]): TailFound {
  const records = tails.filter(({ isCanary }) => !isCanary).reduce((sum, tail) => sum + tail.records, 0);
  return { topic: `${tails.length} more`, records, disposition: 'as the others', isCanary: false };
}

const dispositions: Readonly<Record<TailDone['decision'], string>> = {
  none: 'kept',
  discard: 'discarded, as the drill says; kept',
  export: 'kept, as lines of JSON too',
  replay: 'appended to the new primary; kept',
};

function dispositionOf({ decision, quarantine }: TailDone): string {
  return `${dispositions[decision]} in quarantine${quarantine === undefined ? '' : ` ${quarantine}`}`.slice(0, 500);
}

/** What a loss has cost. */
export interface LossFound {
  /** Acknowledged canary records that are nowhere, by the ledger. */
  readonly canaries: number;
  /** Records of real topics that only the lost site had, by what went to quarantine. */
  readonly real: number;
}

/** Pure. */
export function lossFound({ proofs, tails }: Pick<RunFacts, 'proofs' | 'tails'>): LossFound {
  return {
    canaries: proofs.reduce((sum, { counts }) => sum + counts.lost, 0),
    real: tails.reduce((sum, { isCanary, records }) => sum + (isCanary ? 0 : records), 0),
  };
}

/** Whether it has cost more than is allowed, or than was said at most when the copies were cut. A line each. Pure. */
export function tooMuchLost(
  { canaries, real }: LossFound,
  { allowed, said }: { readonly allowed: number; readonly said: number | undefined },
): readonly string[] {
  const lost = canaries + real;
  const text = `${lost} records were lost: ${canaries} of canaries that were acknowledged, ${real} of real topics that only the lost site had`;
  return [
    ...(lost > allowed ? [`${text}; ${allowed} are allowed (RPO)`] : []),
    ...(said !== undefined && lost > said
      ? [
          `${text}; at most ${said} were said to be missing when the copies were cut: it got records faster than ever before, or it was written to after it had come back`,
        ]
      : []),
  ];
}

/** What the certificates of the failover say is missing at most; undefined where one of them does not know. */
export function saidAtMost(
  ports: Pick<DrillPorts, 'state' | 'link'>,
  legs: LegSight,
  run: RunRecord,
): number | undefined {
  const leg = failoverLegOf(run);
  if (leg === undefined) return undefined;
  const cuts = cutsOfLeg(ports, legs, { run: run.id, leg });
  const unseen = cuts.flatMap(({ partitions }) => partitions.map((each) => each.unseen));
  if (unseen.length === 0) return undefined;
  return unseen.reduce<number | undefined>(
    (sum, each) => (sum === undefined || each === undefined ? undefined : sum + each),
    0,
  );
}
