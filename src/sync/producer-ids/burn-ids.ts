import { setTimeout as pause } from 'node:timers/promises';
import { judge, KafkaError } from '../../kafka/errors.ts';
import type { Answer } from '../../kafka/log-queries.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';

/** Of one cluster; see `ProducerIdAllocators`. */
export interface Allocators {
  brokers(): Promise<readonly number[]>;
  next(nodeId: number, lane: number): Promise<Answer<bigint>>;
}

export interface BurnTask {
  readonly nodeId: number;
  /** It is over when an answer is above this: all later ones are, too. */
  readonly past: bigint;
  /** Answers that it may take; undefined: any number. */
  readonly idsMax?: number;
  /** Connections, and requests under way on each. */
  readonly lanes: number;
  readonly perLane: number;
  /** Told of every answer, in the order in which they come. */
  readonly noted: (id: bigint) => void;
}

/** A broker whose block is used up has the next one after a round through the controller's log. */
const loadPauseMs = 5;
/** One that has got none for so long will not get one soon: its controller does not answer. */
const stallMsMax = 10_000;

/**
 * Asks one broker for ids until it is past the wanted one, `idsMax` are gone, or `signal` aborts. Resolves when nothing is
 * under way any more. Throws {@link KafkaError} and what the connection throws.
 */
export async function burnIds(allocators: Allocators, task: BurnTask, signal: AbortSignal): Promise<void> {
  const run = { asked: 0, over: false, progressAtMs: performance.now() };
  const goesOn = (): boolean => !run.over && !hasAborted(signal) && run.asked < (task.idsMax ?? Infinity);

  const askOn = async (lane: number): Promise<void> => {
    while (goesOn()) {
      run.asked += 1;
      const answer = await allocators.next(task.nodeId, lane);
      if (answer.ok) {
        run.progressAtMs = performance.now();
        task.noted(answer.value);
        if (answer.value > task.past) run.over = true;
        continue;
      }
      run.asked -= 1;
      const stalled = performance.now() - run.progressAtMs > stallMsMax;
      if (stalled || judge(answer.code) !== 'later') throw refusal(task.nodeId, answer.code);
      await pause(loadPauseMs);
    }
  };

  const running = Array.from({ length: task.lanes * task.perLane }, (_, index) =>
    askOn(index % task.lanes).catch((error: unknown) => {
      run.over = true;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(running)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function refusal(nodeId: number, code: number): KafkaError {
  const clusterAuthorizationFailed = 31;
  const details =
    code === clusterAuthorizationFailed ? { brokerText: "umbra's principal lacks WRITE on any topic there" } : {};
  return new KafkaError(code, `InitProducerId at broker ${nodeId}`, details);
}
