import {
  canMoveTopic,
  firstTopicState,
  moveTopic,
  type TopicEvent,
  type TopicStateKind,
} from '../../pair/topic-state.ts';
import { type Exposure, judgeExposure, sumExposures } from '../../exposure/exposure.ts';
import { type DatedFault, type PartitionSample, viewFault } from '../copying/partition-sample.ts';
import type { LagView, PartitionView, ProofView, TopicDetailView } from '../views.ts';

/** One topic of a link as the controller sees it: its state by the one table of moves, from what the workers say. */
export class TrackedTopic {
  readonly name: string;
  sourceTopicId: string;
  shadowTopicId: string | undefined;
  partitions: number;
  /** Id of the copy of which is written down that it was level once. */
  levelNotedOf: string | undefined;
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

  /** A fault of the topic as a whole; those of single partitions are told by who copies them. */
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

  /** Takes over what the workers say of its partitions; of some of them nobody may say anything at the moment. */
  observe(samples: readonly PartitionSample[]): void {
    const complete = samples.length > 0 && samples.length >= this.partitions;
    if (samples.some(({ state }) => state === 'faulted')) this.moveIfPossible('faulted');
    else if (complete && this.#fault === undefined) this.moveIfPossible('decided');
    if (this.#state === 'seeding' && complete && samples.every(({ caughtUpOnce }) => caughtUpOnce))
      this.move('caughtUp');
  }

  /** `exposures`: by partition, also of those that nobody speaks of; undefined when nothing of it can be lost. */
  view(link: string, samples: readonly PartitionSample[], exposures: readonly Exposure[] | undefined): TopicDetailView {
    const partitionViews = samples
      .map((sample) => viewOf(sample, exposures?.[sample.partition] ?? judgeExposure(sample.atRisk)))
      .toSorted((left, right) => left.partition - right.partition);
    const fault =
      this.#fault === undefined
        ? partitionViews.find((view) => view.fault !== undefined)?.fault
        : viewFault(this.#fault);
    const copied = { batches: 0, records: 0, bytes: 0 };
    for (const sample of samples) {
      copied.batches += sample.copied.batches;
      copied.records += sample.copied.records;
      copied.bytes += sample.copied.bytes;
    }
    return {
      name: this.name,
      link,
      state: this.#state,
      partitions: this.partitions,
      partitionsFaulted: partitionViews.filter((view) => view.state === 'faulted').length,
      lag: sumLags(partitionViews.map((view) => view.lag)),
      ...(exposures === undefined ? {} : { exposure: sumExposures(exposures) }),
      proof: sumProofs(partitionViews.map((view) => view.proof)),
      copied,
      sourceTopicId: this.sourceTopicId,
      ...(this.shadowTopicId === undefined ? {} : { shadowTopicId: this.shadowTopicId }),
      ...(fault === undefined ? {} : { fault }),
      partitionViews,
    };
  }
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

function viewOf(sample: PartitionSample, exposure: Exposure): PartitionView {
  const { topic: _topic, caughtUpOnce: _once, copied: _copied, atRisk: _atRisk, ...view } = sample;
  return { ...view, exposure };
}
