import { canaryTopicOf } from '../../canary/canary-topic.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import type { TailChoice } from '../../drill/script.ts';
import type { TailDecision } from '../../quarantine/manifest.ts';
import type { LinkControl } from '../control/link-control.ts';
import { Problem } from '../problems.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import { reconcileSection } from '../reconcile/reconcile-journal.ts';
import type { RunAnswer, TailDone } from '../state/drill-memory.ts';
import type { DrillPorts } from './drill-ports.ts';
import { isExpendable, notExpendable, operationOfLeg } from './legs.ts';

type Tails = NonNullable<RunAnswer['tails']>;

const againMs = 2_000;
/** Writers that are not fenced yet, transactions that are still open: five minutes. */
const attemptsMax = 150;

/**
 * What the site does that a drill has lost on purpose when it is back: it reconciles each topic that was taken over, one after the
 * other, as a person would (docs/reconcile.md), by what the run's script says. What is done it knows from the journal of
 * reconciliations, so whoever leads the site next goes on there.
 */
export class PeerTails {
  readonly #ports: Pick<DrillPorts, 'link' | 'state' | 'site' | 'config' | 'clock'>;
  /** The failover that it is about. */
  #operation: string | undefined;
  /** Of the topics of that, how often a plan was asked for. */
  readonly #attempts = new Map<string, number>();
  #quietUntilMs = 0;
  #trouble: string | undefined;

  constructor(ports: Pick<DrillPorts, 'link' | 'state' | 'site' | 'config' | 'clock'>) {
    this.#ports = ports;
  }

  /** One step further. Throws what clusters throw. */
  async look(run: RunRecord, choice: TailChoice, signal: AbortSignal): Promise<Tails> {
    const { link: linkOf, state, site, config } = this.#ports;
    // The run was written elsewhere: what may be done here is said here.
    if (run.level !== 'L6' || !isExpendable(config?.labels)) return { done: [], now: notExpendable };
    const link = linkOf();
    const leg = run.script.legs.findIndex(({ kind, to }) => kind === 'failover' && to !== site);
    const moves = link?.peer.state.moves;
    const operation = moves && operationOfLeg({ own: moves, peer: moves }, run.id, leg);
    if (link === undefined || moves === undefined || operation === undefined) return { done: [] };
    const records = new Map(
      reconcileSection(state)
        .all()
        .filter(({ tail }) => tail?.operation === operation.id)
        .map((record) => [record.topic, record]),
    );
    this.#turnTo(operation.id);
    const topics = moves.topicsOf(operation.id);
    const done = topics.flatMap((topic) => doneOf(records.get(topic)));
    const open = topics.filter((topic) => !done.some((each) => each.topic === topic));
    const next = open.find((topic) => isToBegin(records.get(topic)));
    const now =
      next === undefined
        ? stepOf(open, records)
        : await this.#further(link, { run, choice, topic: next, operation: operation.id }, signal);
    return { done, ...(now === undefined ? {} : { now: now.slice(0, 1_000) }) };
  }

  #turnTo(operation: string): void {
    if (this.#operation === operation) return;
    this.#operation = operation;
    this.#attempts.clear();
    this.#trouble = undefined;
    this.#quietUntilMs = 0;
  }

  /** Its plan, or its confirmation. In words what is under way. */
  async #further(
    link: LinkControl,
    {
      run,
      choice,
      topic,
      operation,
    }: { readonly run: RunRecord; readonly choice: TailChoice; readonly topic: string; readonly operation: string },
    signal: AbortSignal,
  ): Promise<string> {
    const { clock, state } = this.#ports;
    const { reconciliations } = link.tails;
    const view = reconciliations.view(topic);
    const owners = state.prefixPolicy?.owners;
    const isCanary = owners !== undefined && canaryTopicOf(topic, owners) !== undefined;
    const decision = decisionOf(isCanary ? 'discard' : choice, run.id);
    if (view.step === 'planning') return `${topic}: both logs are compared`;
    try {
      if (view.step === 'planned' && isThis(view.plan.tail, { operation, decision })) {
        await reconciliations.execute(topic, view.plan.hash, signal);
        return `${topic}: it is begun`;
      }
      const attempts = this.#attempts.get(topic) ?? 0;
      if (attempts >= attemptsMax)
        return `${topic}: given up after ${attempts} attempts: ${this.#trouble ?? 'no reason'}`;
      if (view.step === 'stopped') this.#trouble = view.reason;
      if (attempts > 0 && clock.monotonicMs() < this.#quietUntilMs)
        return `${topic}: ${this.#trouble ?? 'it is tried again'}`;
      this.#attempts.set(topic, attempts + 1);
      this.#quietUntilMs = clock.monotonicMs() + againMs;
      await reconciliations.plan(topic, decision);
      return `${topic}: both logs are compared`;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#trouble = error.message;
      return `${topic}: ${error.message}`;
    }
  }
}

function decisionOf(choice: TailChoice, run: string): TailDecision {
  return choice === 'discard' ? { kind: 'discard', reason: `drill ${run}` } : { kind: choice };
}

/** It is of this loss, and says this, or there is nothing to be decided. Pure. */
function isThis(
  tail: RebuildRecord['tail'],
  { operation, decision }: { readonly operation: string; readonly decision: TailDecision },
): boolean {
  if (tail?.operation !== operation) return false;
  return tail.decision === undefined || JSON.stringify(tail.decision) === JSON.stringify(decision);
}

function isToBegin(record: RebuildRecord | undefined): boolean {
  return record === undefined || record.step.kind === 'stopped';
}

/** Pure. */
function doneOf(record: RebuildRecord | undefined): readonly TailDone[] {
  if (record?.step.kind !== 'done') return [];
  const { topic, tail, sums = [], step, name } = record;
  const sum = (of: (each: (typeof sums)[number]) => number): number => sums.reduce((all, each) => all + of(each), 0);
  return [
    {
      ...{ topic, decision: tail?.decision?.kind ?? 'none', copy: step.copy },
      acknowledged: sum(({ acknowledged }) => acknowledged),
      present: sum(({ present }) => present),
      quarantined: sum(({ quarantined }) => quarantined),
      ...(step.manifestSha256 === undefined ? {} : { quarantine: name }),
    },
  ];
}

function stepOf(open: readonly string[], records: ReadonlyMap<string, RebuildRecord>): string | undefined {
  const [topic] = open;
  const step = topic === undefined ? undefined : records.get(topic)?.step.kind;
  return topic === undefined || step === undefined ? undefined : `${topic}: ${step}`;
}
