import type { RawBatch } from '../../replication/logs/log-reader.ts';
import type { ScanLogs } from '../../quarantine/scan-partition.ts';

/** What was read of one side's log. */
export interface ReadOf {
  readonly bytes: number;
  readonly offsets: number;
}

/** Counts what a scan reads: by that a plan says what it takes to read and copy all of it once more. */
export class ReadMeter {
  readonly #read = { source: { bytes: 0, offsets: 0 }, copy: { bytes: 0, offsets: 0 } };

  of(side: keyof ScanLogs): ReadOf {
    return this.#read[side];
  }

  /** The same logs, counted. */
  metered({ source, copy }: ScanLogs): ScanLogs {
    return { source: this.#counted(source, 'source'), copy: this.#counted(copy, 'copy') };
  }

  #counted(log: ScanLogs['source'], side: keyof ScanLogs): ScanLogs['source'] {
    const read = this.#read[side];
    return {
      range: (topic, partition, signal) => log.range(topic, partition, signal),
      leaderEpoch: (topic, partition, signal) => log.leaderEpoch(topic, partition, signal),
      batches: async function* (of, range, signal): AsyncGenerator<RawBatch> {
        for await (const batch of log.batches(of, range, signal)) {
          const { start, end, baseOffset, lastOffset } = batch.header;
          read.bytes += end - start;
          read.offsets += Number(lastOffset - baseOffset) + 1;
          yield batch;
        }
      },
    };
  }
}
