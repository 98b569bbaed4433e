import { canMoveTopic, firstTopicState, moveTopic, type TopicEvent, type TopicStateKind } from '../pair/topic-state.ts';
import type { PartitionProof } from '../replication/proof/continuous-proof.ts';
import type { Copier } from '../replication/copier/copier.ts';
import { type Fault, faultRemedies } from '../replication/partition/fault.ts';
import type { FaultView, LagView, PartitionView, ProofView, TopicDetailView } from './views.ts';

type Proofs = (copier: Copier) => PartitionProof | undefined;

/** A fault with the moment it was found. */
export interface DatedFault extends Fault {
  readonly at: Date;
}

/** One topic of a link as the worker sees it: its state by the one table of moves, and its copiers. */
export class TrackedTopic {
  readonly name: string;
  sourceTopicId: string;
  shadowTopicId: string | undefined;
  partitions: number;
  #state: TopicStateKind = firstTopicState;
  #fault: DatedFault | undefined;

  constructor(seen: { readonly name: string; readonly topicId: string; readonly partitions: number }) {
    this.name = seen.name;
    this.sourceTopicId = seen.topicId;
    this.shadowTopicId = undefined;
    this.partitions = seen.partitions;
  }

  get state(): TopicStateKind {
    return this.#state;
  }

  /** A fault of the topic as a whole; those of single partitions are with their copiers. */
  get fault(): DatedFault | undefined {
    return this.#fault;
  }

  move(event: TopicEvent): void {
    this.#state = moveTopic(this.#state, event);
    if (event === 'rebuilt' || event === 'resumed') this.#fault = undefined;
  }

  /** Moves if the table allows it from here; for events that may come again. */
  moveIfPossible(event: TopicEvent): void {
    if (canMoveTopic(this.#state, event)) this.move(event);
  }

  faulted(fault: DatedFault): void {
    this.moveIfPossible('faulted');
    this.#fault ??= fault;
  }

  /** Takes over what the copiers have come to. */
  observe(copiers: readonly Copier[]): void {
    if (copiers.some((copier) => copier.state.kind === 'faulted')) this.moveIfPossible('faulted');
    else if (this.#state === 'seeding' && copiers.length > 0 && copiers.every((copier) => copier.caughtUpOnce))
      this.move('caughtUp');
  }

  view(link: string, copiers: readonly Copier[], proofOf: Proofs): TopicDetailView {
    const partitionViews = copiers.map((copier) => viewPartition(copier, proofOf(copier)));
    const fault =
      this.#fault === undefined
        ? partitionViews.find((view) => view.fault !== undefined)?.fault
        : viewFault(this.#fault);
    const copied = { batches: 0, records: 0, bytes: 0 };
    for (const { counters } of copiers) {
      copied.batches += counters.batches;
      copied.records += counters.records;
      copied.bytes += counters.bytes;
    }
    return {
      name: this.name,
      link,
      state: this.#state,
      partitions: this.partitions,
      partitionsFaulted: partitionViews.filter((view) => view.state === 'faulted').length,
      lag: sumLags(partitionViews.map((view) => view.lag)),
      proof: sumProofs(partitionViews.map((view) => view.proof)),
      copied,
      sourceTopicId: this.sourceTopicId,
      ...(this.shadowTopicId === undefined ? {} : { shadowTopicId: this.shadowTopicId }),
      ...(fault === undefined ? {} : { fault }),
      partitionViews,
    };
  }
}

export function viewFault(fault: DatedFault): FaultView {
  return {
    code: fault.code,
    message: fault.message,
    ...(fault.offset === undefined ? {} : { offset: String(fault.offset) }),
    remedy: faultRemedies[fault.code],
    at: fault.at.toISOString(),
  };
}

/** Records add up; seconds and the sample's age are those of the worst. */
export function sumLags(lags: readonly LagView[]): LagView {
  let records = 0;
  let seconds = 0;
  let sampleAgeMs: number | undefined;
  for (const lag of lags) {
    records += lag.records;
    seconds = Math.max(seconds, lag.seconds);
    if (lag.sampleAgeMs !== undefined) sampleAgeMs = Math.max(sampleAgeMs ?? 0, lag.sampleAgeMs);
  }
  return { records, seconds, ...(sampleAgeMs === undefined ? {} : { sampleAgeMs }) };
}

function sumProofs(proofs: readonly ProofView[]): ProofView {
  const oldest = proofs
    .flatMap(({ verifiedAt }) => verifiedAt ?? [])
    .toSorted()
    .at(0);
  const unverified = proofs.reduce((sum, proof) => sum + proof.unverified, 0);
  return { unverified, ...(oldest === undefined ? {} : { verifiedAt: oldest }) };
}

function viewProof(copier: Copier, proof: PartitionProof | undefined): PartitionView['proof'] {
  if (proof === undefined) return { unverified: Number(copier.copiedTo ?? 0n) };
  const { verifiedTo, verifiedAt, unverified } = proof;
  return { verifiedTo: String(verifiedTo), verifiedAt: verifiedAt.toISOString(), unverified: Number(unverified) };
}

function viewPartition(copier: Copier, proof: PartitionProof | undefined): PartitionView {
  const { state, copiedTo } = copier;
  const lag = copier.lag();
  const { sourceEnd } = copier.lagClock;
  const { heldBack } = lag;
  return {
    partition: copier.of.partition,
    state: state.kind,
    lag: {
      records: Number(lag.records),
      seconds: lag.seconds,
      ...(lag.sampleAgeMs === undefined ? {} : { sampleAgeMs: lag.sampleAgeMs }),
    },
    proof: viewProof(copier, proof),
    ...(copiedTo === undefined ? {} : { copiedTo: String(copiedTo) }),
    ...(sourceEnd === undefined ? {} : { sourceEnd: String(sourceEnd) }),
    ...(heldBack === undefined ? {} : { heldBack: { records: Number(heldBack.records), seconds: heldBack.seconds } }),
    ...(state.kind === 'faulted' ? { fault: viewFault({ ...state.fault, at: state.at }) } : {}),
    ...(state.kind === 'resuming' && state.reason !== undefined ? { retrying: state.reason } : {}),
  };
}
