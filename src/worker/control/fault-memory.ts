import type { Logger } from 'pino';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { LastingFault } from '../state/shadow-record.ts';
import type { SiteState } from '../state/state.ts';
import { type FoundFault, lastingCodes } from './found-fault.ts';

export interface FaultMemoryPorts {
  readonly state: SiteState;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

const writeMsMax = 30_000;

/** Writes the faults of a link that have to outlive all workers to `_umbra`. */
export class FaultMemory {
  readonly #ports: FaultMemoryPorts;
  #remembering: Promise<void> = Promise.resolve();

  constructor(ports: FaultMemoryPorts) {
    this.#ports = ports;
  }

  /** Resolves when nothing is being written any more. Never rejects. */
  async settled(): Promise<void> {
    await this.#remembering;
  }

  /** Resolves when the fault will outlive all workers, if it has to. */
  async remember({ topic, partition, fault }: FoundFault): Promise<void> {
    if (!lastingCodes.has(fault.code)) return;
    // One after the other: each record holds the faults of all partitions of its topic.
    const remembered = this.#remembering.then(() => this.#write({ topic, partition, fault }));
    this.#remembering = remembered.catch((error: unknown) => {
      const what = 'a fault could not be written to the state topic';
      this.#ports.logger.error({ err: error, topic, partition }, what);
    });
    await remembered;
  }

  async #write({ topic, partition, fault }: FoundFault): Promise<void> {
    const record = this.#ports.state.shadow(topic);
    if (record === undefined || record.faults.some((known) => known.partition === partition)) return;
    const lasting: LastingFault = {
      partition,
      code: fault.code,
      message: fault.message,
      at: this.#ports.clock.now().toISOString(),
      ...(fault.offset === undefined ? {} : { offset: String(fault.offset) }),
    };
    await this.#ports.state.putShadow(
      { ...record, faults: [...record.faults, lasting] },
      AbortSignal.timeout(writeMsMax),
    );
  }
}
