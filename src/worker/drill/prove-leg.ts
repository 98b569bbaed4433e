import { canaryTopicOf } from '../../canary/canary-topic.ts';
import type { RunFacts, RunRecord } from '../../drill/run-record.ts';
import type { SiteId } from '../../pair/site.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { Canaries } from './canaries.ts';
import type { DrillPorts } from './drill-ports.ts';
import { type LegSight, memoryOf, operationOfLeg } from './legs.ts';
import { type CanaryProof, proveCanaries } from './prove.ts';
import { rolesOfRun } from './roles-away.ts';

export type ProveLegPorts = Pick<DrillPorts, 'state' | 'link' | 'site'> & { readonly canaries: Canaries };

export interface LegProof {
  readonly proofs: RunFacts['proofs'];
  /** One line each. */
  readonly wrong: readonly string[];
}

/** For applications to be acknowledged by the new primary. */
const acknowledgedMsMax = 30_000;
const lookMs = 200;
const problemsNamedMax = 20;

/**
 * What of a move is not as it has to be: canaries are acknowledged by the new primary, and every record that was acknowledged in
 * the run stands where it was acknowledged, once, in its order. Throws what clusters and disks throw.
 */
export async function proveLeg(
  ports: ProveLegPorts,
  legs: LegSight,
  { run, leg }: { readonly run: RunRecord; readonly leg: number },
  signal: AbortSignal,
): Promise<LegProof> {
  const operation = operationOfLeg(legs, run.id, leg);
  if (operation === undefined) return { proofs: [], wrong: ['there was no operation: there is nothing to prove'] };
  const names = memoryOf(ports, operation).topicsOf(operation.id);
  const topics = canaryTopics(ports, names);
  if (topics.length === 0)
    return { proofs: [], wrong: ['no canary topic was moved with it: nothing proves its records'] };
  const { to } = operation;
  const promotedMs = Date.parse(operation.passed?.find(({ step }) => step === 'granting')?.at ?? operation.since);
  const mayLose = losesRecords(run);
  const pause = new Wakeup();
  for (const untilMs = performance.now() + acknowledgedMsMax; ;) {
    const proofs = await prove(
      ports,
      run,
      topics.map((topic) => ({ topic, primary: to })),
      signal,
    );
    const silent = proofs.find(({ topic, proof }) => !isAcknowledged(proof, { topic, to, promotedMs }));
    if (silent === undefined) return summed(proofs, mayLose);
    if (performance.now() > untilMs) {
      const { proofs: all, wrong } = summed(proofs, mayLose);
      const why = `no write to ${silent.topic} was acknowledged by site ${to} within ${acknowledgedMsMax / 1000} s`;
      return { proofs: all, wrong: [why, ...wrong] };
    }
    await pause.wait(signal, lookMs);
    signal.throwIfAborted();
  }
}

/** The same of all canary topics that a run has had in hand, wherever they are by now. */
export async function proveRun(
  ports: ProveLegPorts,
  legs: LegSight,
  run: RunRecord,
  signal: AbortSignal,
): Promise<LegProof> {
  const moved = rolesOfRun(ports, legs, run);
  const topics = canaryTopics(
    ports,
    moved.map(({ topic }) => topic),
  );
  const places = moved.filter(({ topic }) => topics.includes(topic));
  return summed(await prove(ports, run, places, signal), losesRecords(run));
}

interface TopicProof {
  readonly topic: string;
  readonly proof: CanaryProof;
}

async function prove(
  { canaries }: ProveLegPorts,
  run: RunRecord,
  places: readonly { readonly topic: string; readonly primary: SiteId }[],
  signal: AbortSignal,
): Promise<readonly TopicProof[]> {
  const { writing } = canaries;
  if (writing === undefined) return [];
  const proofs: TopicProof[] = [];
  const { ledgerFolder } = writing;
  for (const { topic, primary } of places) {
    const place = { ledgerFolder, client: writing.client(primary), topic, sinceMs: Date.parse(run.startedAt) };
    proofs.push({ topic, proof: await proveCanaries(place, signal) });
  }
  return proofs;
}

/** By a forced loss what did not arrive is lost: it is counted, and held against the objective when the run is judged. Pure. */
function losesRecords({ script }: Pick<RunRecord, 'script'>): boolean {
  return script.legs.some(({ kind }) => kind === 'failover');
}

function summed(proofs: readonly TopicProof[], mayLose: boolean): LegProof {
  const told = proofs.map(({ topic, proof: { judgement, problems } }) => {
    const counted = judgement.problems.filter(({ kind }) => !mayLose || kind !== 'lost');
    const wrong = [
      ...problems,
      ...counted.map(({ kind, message }) => `${kind}: ${message}`),
      ...(counted.length === 0 ? unnamed(topic, judgement.counts) : []),
    ];
    const more = wrong.length - problemsNamedMax;
    const named = more > 0 ? [...wrong.slice(0, problemsNamedMax - 1), `and ${more + 1} more`] : wrong;
    return { topic, counts: { ...judgement.counts }, lostSeconds: judgement.rpo.seconds, problems: named };
  });
  return { proofs: told, wrong: told.flatMap(({ problems }) => problems) };
}

/** Problems are named up to a bound, which what is lost alone may fill; the counts are of all. Pure. */
function unnamed(
  topic: string,
  { duplicate, reordered, ghost, shifted }: CanaryProof['judgement']['counts'],
): readonly string[] {
  const wrong = Object.entries({ duplicate, reordered, ghost, shifted }).filter(([, count]) => count > 0);
  return wrong.length === 0 ? [] : [`${topic}: ${wrong.map(([kind, count]) => `${count} ${kind}`).join(', ')}`];
}

function canaryTopics({ state }: Pick<ProveLegPorts, 'state'>, names: readonly string[]): readonly string[] {
  const owners = state.prefixPolicy?.owners;
  return owners === undefined ? [] : names.filter((name) => canaryTopicOf(name, owners) !== undefined);
}

function isAcknowledged(
  { entries }: CanaryProof,
  { topic, to, promotedMs }: { readonly topic: string; readonly to: SiteId; readonly promotedMs: number },
): boolean {
  return entries.some(
    (entry) => entry.kind === 'acked' && entry.topic === topic && entry.site === to && entry.at > promotedMs,
  );
}
