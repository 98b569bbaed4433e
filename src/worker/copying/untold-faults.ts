import type { Logger } from 'pino';
import { partitionKey, type PartitionRef } from '../../kafka/log-queries.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { FaultNotice } from '../group/fault-notice.ts';

export interface UntoldFaultsPorts {
  /** Tells the controller, whoever that is now. Resolves to false when nobody leads; rejects when it was not taken up. */
  readonly tell: (notice: FaultNotice, signal: AbortSignal) => Promise<boolean>;
  readonly onTold: (of: PartitionRef) => void;
  readonly logger: Logger;
}

/** Faults that the controller has not taken up yet: their partitions go to nobody before. */
export class UntoldFaults {
  readonly #ports: UntoldFaultsPorts;
  readonly #waiting = new Map<string, PartitionRef>();

  constructor(ports: UntoldFaultsPorts) {
    this.#ports = ports;
  }

  get places(): readonly PartitionRef[] {
    return [...this.#waiting.values()];
  }

  /** Tells it again and again until it is taken up or `signal` aborts. */
  add(notice: FaultNotice, signal: AbortSignal): void {
    const { topic, partition } = notice;
    const key = partitionKey(topic, partition);
    this.#waiting.set(key, { topic, partition });
    void this.#tell(notice, signal).then((told) => {
      if (!told) return;
      this.#waiting.delete(key);
      this.#ports.onTold({ topic, partition });
    });
  }

  /** Never rejects. */
  async #tell(notice: FaultNotice, signal: AbortSignal): Promise<boolean> {
    const pause = new Wakeup();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        if (await this.#ports.tell(notice, signal)) return true;
      } catch (error) {
        this.#ports.logger.warn({ err: error, topic: notice.topic }, 'the controller could not be told of a fault');
      }
      await pause.wait(signal, retryDelays.after(attempt));
    }
    return false;
  }
}
