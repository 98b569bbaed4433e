import { type SchemaLog } from '../../../src/sync/schemas/schema-log.ts';
import { type SchemaLogRecord } from '../../../src/schema-primary/log-entry.ts';
import { ConnectionError } from '../../../src/kafka/errors.ts';
import { type KeyValue } from '../../schema-primary/schema-log.ts';

/** A log as the port shows it, with a cleaner and an outage at will. */
export class MemoryLog implements SchemaLog {
  records: SchemaLogRecord[] = [];
  topicId = 'first';
  partitions = 1;
  start = 0n;
  end = 0n;
  exists = true;
  unreachable = false;
  /** Runs after a look and before the reading, once. */
  betweenLookAndRead: (() => void) | undefined;

  append(...records: readonly KeyValue[]): this {
    for (const record of records) {
      this.records.push({ offset: this.end, ...record });
      this.end += 1n;
    }
    return this;
  }

  /** Takes the records of another log up to an offset, at their offsets. */
  copy(from: MemoryLog, to = from.end): this {
    this.records.push(...from.records.filter(({ offset }) => offset >= this.end && offset < to));
    if (to > this.end) this.end = to;
    return this;
  }

  /** Leaves the last record of each key; deletions go. */
  clean(): void {
    const last = new Map(this.records.map(({ key, offset }) => [key, offset]));
    this.records = this.records.filter(({ key, offset, value }) => last.get(key) === offset && value !== undefined);
  }

  look(): ReturnType<SchemaLog['look']> {
    if (this.unreachable) return Promise.reject(new ConnectionError('nobody answers'));
    if (!this.exists) return Promise.resolve({ kind: 'absent' });
    const { topicId, partitions, start, end } = this;
    return Promise.resolve({ kind: 'present', topicId, partitions, start, end });
  }

  async *read({ from, to }: { from: bigint; to: bigint }): ReturnType<SchemaLog['read']> {
    await Promise.resolve();
    this.betweenLookAndRead?.();
    this.betweenLookAndRead = undefined;
    if (from >= to) return;
    yield { records: this.records.filter(({ offset }) => offset >= from && offset < to), readTo: to };
  }
}
