import { appendFile, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CanaryLedger, type LedgerOptions, openLedger } from '../../src/canary/ledger/canary-ledger.ts';
import { folderPlace } from '../../src/canary/ledger/folder-place.ts';
import type { LedgerEvent } from '../../src/canary/ledger/ledger-entry.ts';
import type { LedgerPlace } from '../../src/canary/ledger/ledger-place.ts';
import { readLedger } from '../../src/canary/ledger/read-ledger.ts';

const beginMs = 1_700_000_000_000;
const life = 'life-1';

interface Bench {
  readonly folder: string;
  /** Goes on by a second with every event. */
  readonly clock: { ms: number; monotonicMs(): number; now(): Date };
  open(options?: Partial<LedgerOptions>): CanaryLedger;
  /** The files of one life, in order. */
  files(of?: string): Promise<readonly string[]>;
}

async function bench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'canary-ledger-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date(beginMs + clock.ms) };
  return {
    folder,
    clock,
    open(options) {
      const ledger = openLedger({ place: folderPlace(folder), pair: 'test', vantage: 'a', life, clock, ...options });
      onTestFinished(() => ledger.close());
      return ledger;
    },
    async files(of = `a/${life}`) {
      return (await readdir(join(folder, of))).toSorted().map((name) => join(folder, of, name));
    },
  };
}

const hash = 'a'.repeat(64);

function sent({ clock }: Bench, sequence: number, topic = 't'): LedgerEvent {
  clock.ms += 1_000;
  const common = { topic, link: 'a-b', partition: 0, sequence, site: 'a', term: 1 } as const;
  return { kind: 'sent', at: beginMs + clock.ms, mono: clock.ms, ...common, hash };
}

async function write(
  to: Bench,
  ledger: CanaryLedger,
  { from = 0, count }: { from?: number; count: number },
): Promise<void> {
  for (let sequence = from; sequence < from + count; sequence++) await ledger.append([sent(to, sequence)]);
}

const sequencesIn = async ({ folder }: Bench, since = 0): Promise<readonly number[]> =>
  (await readLedger(folder, { since })).entries.map(({ sequence }) => sequence);

test('what was appended is read back, of all observers and lives, by another reader, while it is open', async () => {
  const on = await bench();
  const first = on.open();
  const common = { at: 1, mono: 2, topic: 't', link: 'b-a', partition: 2, sequence: 0, site: 'b', term: 4 } as const;
  const events: readonly LedgerEvent[] = [
    { kind: 'sent', ...common, hash },
    { kind: 'acked', ...common, offset: 2n ** 60n, ms: 1.5 },
    { kind: 'refused', ...common, error: 'TOPIC_AUTHORIZATION_FAILED' },
    { kind: 'unanswered', ...common, error: 'no answer within 8000 ms' },
  ];
  await first.append(events);
  const second = on.open({ vantage: 'outside', life: 'life-2' });
  await second.append(events.slice(0, 1));
  const { entries, problems } = await readLedger(on.folder, { since: 0 });
  expect(problems).toEqual([]);
  expect(entries).toEqual([
    ...events.map((event) => ({ ...event, vantage: 'a', life })),
    { ...events[0], vantage: 'outside', life: 'life-2' },
  ]);
});

test('an append resolves when its lines are in the file, also where several came at once', async () => {
  const on = await bench();
  const ledger = on.open();
  await Promise.all([0, 1, 2].map((sequence) => ledger.append([sent(on, sequence)])));
  expect(await sequencesIn(on)).toEqual([0, 1, 2]);
  await ledger.close();
  await expect(ledger.append([sent(on, 3)])).rejects.toThrow('closed');
});

test('a segment is closed by its size and by its age, and the next one goes on with its chain', async () => {
  const on = await bench();
  const ledger = on.open({ segmentBytesMax: 1_000, segmentMsMax: 60_000 });
  await write(on, ledger, { count: 9 });
  const bySize = (await on.files()).length;
  expect(bySize).toBeGreaterThan(2);
  on.clock.ms += 60_000;
  await write(on, ledger, { from: 9, count: 1 });
  expect((await on.files()).length).toBe(bySize + 1);
  const { entries, problems } = await readLedger(on.folder, { since: 0 });
  expect(problems).toEqual([]);
  expect(entries.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const since = entries[6]!.at;
  expect(await sequencesIn(on, since)).toEqual([6, 7, 8, 9]);
});

test('only what was asked for is read', async () => {
  const on = await bench();
  const ledger = on.open();
  await ledger.append([sent(on, 0, 'one'), sent(on, 0, 'two')]);
  const { entries } = await readLedger(on.folder, { since: 0, topics: ['two'] });
  expect(entries.map(({ topic }) => topic)).toEqual(['two']);
});

test('a life that was over long before is not gone through, however many there are; its damage is told to who asks for it', async () => {
  const on = await bench();
  for (const each of ['life-1', 'life-2', 'life-3']) {
    const ledger = on.open({ life: each });
    await write(on, ledger, { count: 5 });
    await ledger.close();
    const [file] = await on.files(`a/${each}`);
    const lines = (await readFile(file!, 'utf8')).split('\n');
    await writeFile(file!, lines.toSpliced(2, 1).join('\n'));
    on.clock.ms += 40_000;
  }
  const messagesSince = async (ms: number): Promise<readonly string[]> =>
    (await readLedger(on.folder, { since: beginMs + ms })).problems.map((problem) => problem.life);
  expect(await messagesSince(0)).toEqual(['life-1', 'life-2', 'life-3']);
  // Within the minute by which a clock may be set back, it is.
  expect(await messagesSince(on.clock.ms)).toEqual(['life-3']);
  expect(await messagesSince(on.clock.ms + 60_000)).toEqual([]);
});

describe('damage', () => {
  async function damaged(change: (lines: readonly string[], file: string) => Promise<void>): Promise<{
    readonly sequences: readonly number[];
    readonly messages: readonly string[];
  }> {
    const on = await bench();
    const ledger = on.open({ segmentBytesMax: 900 });
    await write(on, ledger, { count: 9 });
    await ledger.close();
    const [, middle] = await on.files();
    await change((await readFile(middle!, 'utf8')).split('\n'), middle!);
    const { entries, problems } = await readLedger(on.folder, { since: 0 });
    return { sequences: entries.map(({ sequence }) => sequence), messages: problems.map(({ message }) => message) };
  }

  test('a line that was taken out shows', async () => {
    const { messages } = await damaged((lines, file) => writeFile(file, lines.toSpliced(2, 1).join('\n')));
    expect(messages).toEqual([expect.stringContaining('does not follow from the one before')]);
  });

  test('a line that was changed shows', async () => {
    const { messages } = await damaged((lines, file) =>
      writeFile(file, lines.join('\n').replace('"partition":0', '"partition":1')),
    );
    expect(messages).toEqual([expect.stringContaining('does not follow from the one before')]);
  });

  test('a line that cannot be read shows, and the others are read', async () => {
    const { messages, sequences } = await damaged((lines, file) =>
      writeFile(file, lines.toSpliced(1, 1, 'not json').join('\n')),
    );
    expect(messages[0]).toContain('line 2 cannot be read');
    expect(sequences).toHaveLength(8);
  });

  test('the last line of a segment that was taken out shows in the next one', async () => {
    const { messages } = await damaged((lines, file) => writeFile(file, lines.toSpliced(-2, 1).join('\n')));
    expect(messages).toEqual([expect.stringContaining('something between them is missing')]);
  });

  test('a segment that was taken out of the middle shows', async () => {
    const { messages } = await damaged((_lines, file) => unlink(file));
    expect(messages).toEqual([expect.stringContaining('something between them is missing')]);
  });

  test('a last line that was never finished is left out, and is no problem', async () => {
    const on = await bench();
    await write(on, on.open(), { count: 3 });
    const [file] = await on.files();
    await appendFile(file!, '{"kind":"acked","at":17');
    expect(await readLedger(on.folder, { since: 0 })).toMatchObject({ entries: { length: 3 }, problems: [] });
  });
});

describe('the bound', () => {
  test('the oldest segments of all lives go, whole ones; what is left has no problem', async () => {
    const on = await bench();
    const bounds = { segmentBytesMax: 1_000, bytesMax: 4_000 };
    const before = on.open({ ...bounds, life: 'life-0' });
    await write(on, before, { count: 6 });
    await before.close();
    const ledger = on.open(bounds);
    await write(on, ledger, { from: 6, count: 30 });
    expect(await on.files('a/life-0')).toEqual([]);
    const segments = await folderPlace(on.folder).segments('a');
    expect(segments.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(4_000 + 1_000);
    expect((await readLedger(on.folder, { since: 0 })).problems).toEqual([]);
    expect((await sequencesIn(on)).at(-1)).toBe(35);
  });

  test('nothing that is held goes, until it is given free; and what is held has a bound, too', async () => {
    const on = await bench();
    const ledger = on.open({ segmentBytesMax: 1_000, segmentMsMax: 5_000, bytesMax: 3_000 });
    ledger.keepFrom(beginMs);
    await write(on, ledger, { count: 20 });
    expect(await sequencesIn(on)).toHaveLength(20);
    await expect(write(on, ledger, { from: 20, count: 50 })).rejects.toThrow('end the drill');
    ledger.keepFrom(undefined);
    await write(on, ledger, { from: 70, count: 1 });
    const left = await sequencesIn(on);
    expect(left.length).toBeLessThan(20);
    expect(left.at(-1)).toBe(70);
  });
});

test('a disk that takes nothing makes an append fail, and what is appended later is whole', async () => {
  const on = await bench();
  const real = folderPlace(on.folder);
  let full = false;
  const place: LedgerPlace = {
    ...real,
    async begin(segment) {
      const appender = await real.begin(segment);
      return {
        append: (text) => (full ? Promise.reject(new Error('ENOSPC')) : appender.append(text)),
        close: () => appender.close(),
      };
    },
  };
  const ledger = on.open({ place });
  await write(on, ledger, { count: 2 });
  full = true;
  await expect(ledger.append([sent(on, 2)])).rejects.toThrow('ENOSPC');
  full = false;
  await write(on, ledger, { from: 3, count: 1 });
  expect(await readLedger(on.folder, { since: 0 })).toMatchObject({ entries: { length: 3 }, problems: [] });
});

test('a folder that does not exist yet holds nothing', async () => {
  const { folder } = await bench();
  expect(await readLedger(join(folder, 'none'), { since: 0 })).toEqual({ entries: [], problems: [] });
});
