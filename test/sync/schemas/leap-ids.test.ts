import { describe, expect, test } from 'vitest';
import { ConnectionError } from '../../../src/kafka/errors.ts';
import type { LeapRecord } from '../../../src/schema-primary/id-leap.ts';
import { leapIds, type LeapOutcome } from '../../../src/sync/schemas/leap-ids.ts';
import { indexOf, schemaRecord } from '../../schema-primary/schema-log.ts';
import { MemoryLog } from './memory-log.ts';

class Bench {
  readonly log = new MemoryLog();
  sampled: readonly number[] = [];
  mayAct = true;
  /** Before a batch is appended, once. */
  meanwhile: (() => void) | undefined;
  /** Of the next answer only: the batch is there. */
  answerLost = false;

  leap(order: { readonly cut?: bigint } = {}): Promise<LeapOutcome> {
    return leapIds(
      {
        log: this.log,
        append: (records) => this.#append(records),
        sampled: () => Promise.resolve(new Set(this.sampled)),
        mayAct: () => this.mayAct,
      },
      { operation: 'failover-abcdef', term: 1, reserve: 100, cut: 0n, ...order },
      new AbortController().signal,
    );
  }

  get highest(): number {
    return indexOf(this.log.records).ids.highestSeen;
  }

  #append(records: readonly LeapRecord[]): Promise<bigint> {
    this.meanwhile?.();
    this.meanwhile = undefined;
    const { end } = this.log;
    this.log.append(...records);
    if (!this.answerLost) return Promise.resolve(end);
    this.answerLost = false;
    return Promise.reject(new ConnectionError('the answer was lost'));
  }
}

describe('the leap of a log', () => {
  test('is appended once, above what samples show as well, and read back', async () => {
    const bench = new Bench();
    bench.log.append(schemaRecord('orders', 1, { id: 1 }));
    bench.sampled = [5];
    expect(await bench.leap()).toMatchObject({ kind: 'leapt', leaps: [{ context: '.', highest: 5, id: 105 }] });
    expect(bench.highest).toBe(105);
    expect(await bench.leap()).toEqual({ kind: 'leapt', leaps: [] });
    expect(bench.log.end).toBe(2n);
  });

  test('that was appended and not answered is found by whoever begins again', async () => {
    const bench = new Bench();
    bench.log.append(schemaRecord('orders', 1, { id: 1 }));
    bench.answerLost = true;
    await expect(bench.leap()).rejects.toThrow('the answer was lost');
    expect(await bench.leap()).toEqual({ kind: 'leapt', leaps: [] });
    expect(bench.log.end).toBe(2n);
  });

  test('is made again where somebody who was not fenced wrote more than the reserve in between', async () => {
    const bench = new Bench();
    bench.meanwhile = () => bench.log.append(schemaRecord('orders', 1, { id: 700 }));
    expect(await bench.leap()).toMatchObject({ leaps: [{ id: 100 }, { id: 800 }] });
    expect(bench.highest).toBe(800);
  });

  test('waits until readers are shown everything that was copied', async () => {
    const bench = new Bench();
    bench.log.append(schemaRecord('orders', 1, { id: 1 }));
    await expect(bench.leap({ cut: 2n })).rejects.toThrow('ends at 1 for readers, before the cut at 2');
    expect(bench.log.end).toBe(1n);
  });

  test('is not made by who does not lead, nor in a topic that is none of a registry, nor without ids that are left', async () => {
    const bench = new Bench();
    bench.mayAct = false;
    await expect(bench.leap()).rejects.toThrow('does not lead');
    bench.mayAct = true;
    bench.log.partitions = 3;
    expect(await bench.leap()).toMatchObject({ kind: 'no registry' });
    bench.log.partitions = 1;
    bench.log.append(schemaRecord('orders', 1, { id: 2 ** 31 - 1 }));
    await expect(bench.leap()).rejects.toThrow('no ids are left');
    expect(bench.log.end).toBe(1n);
  });
});
