import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFetch, type FetchAnswer } from '../../src/kafka/fetch-api.ts';
import { decodeProduce } from '../../src/kafka/produce-api.ts';
import { golden, goldenBodyStart } from './golden-frames.ts';
import { anyBytes, damaged, outcomeOf, singleFlips, truncations } from './hostile.ts';

const fetchNames = ['fetch-aborted', 'fetch-cut', 'fetch-diverging', 'fetch-session-new', 'fetch-session-news'];
const produceNames = ['produce-9-ok', 'produce-9-mixed', 'produce-11-null-key'];

describe('decodeFetch of hostile bytes', () => {
  const decode = (bytes: Buffer): FetchAnswer => decodeFetch(bytes, goldenBodyStart);

  it.each(fetchNames)('refuses every beginning of an answer: %s', (name) => {
    for (const beginning of truncations(golden('4.3.1', name), goldenBodyStart)) {
      expect(outcomeOf(() => decode(beginning)).kind).toBe('malformed');
    }
  });

  it.each(fetchNames)('gives places inside the answer or refuses it, whichever bit is flipped: %s', (name) => {
    for (const flipped of singleFlips(golden('4.3.1', name), goldenBodyStart)) {
      checkFetch(
        flipped,
        outcomeOf(() => decode(flipped)),
      );
    }
  });

  it('gives places inside the answer or refuses it, whatever the bytes', () => {
    const answers = fc.oneof(anyBytes, ...fetchNames.map((name) => damaged(golden('4.3.1', name), goldenBodyStart)));
    fc.assert(
      fc.property(answers, (bytes) =>
        checkFetch(
          bytes,
          outcomeOf(() => decode(bytes)),
        ),
      ),
      { numRuns: 3000 },
    );
  });

  it.each(['ffffffff0f', '8080808008'])('refuses %s partitions in thirty bytes before it reads one', (count) => {
    const bytes = Buffer.concat([
      Buffer.alloc(10),
      Buffer.from('02', 'hex'),
      Buffer.alloc(16),
      Buffer.from(count, 'hex'),
    ]);
    const startedMs = performance.now();
    expect(outcomeOf(() => decodeFetch(bytes, 0)).kind).toBe('malformed');
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

describe('decodeProduce of hostile bytes', () => {
  it.each(produceNames)('refuses every beginning of an answer: %s', (name) => {
    for (const beginning of truncations(golden('4.3.1', name), goldenBodyStart)) {
      expect(outcomeOf(() => decodeProduce(beginning, goldenBodyStart)).kind).toBe('malformed');
    }
  });

  it.each(produceNames)('gives a value or refuses the answer, whichever bit is flipped: %s', (name) => {
    for (const flipped of singleFlips(golden('4.3.1', name), goldenBodyStart)) {
      outcomeOf(() => decodeProduce(flipped, goldenBodyStart));
    }
  });

  it('gives a value or refuses the answer, whatever the bytes', () => {
    const answers = fc.oneof(anyBytes, ...produceNames.map((name) => damaged(golden('4.3.1', name), goldenBodyStart)));
    fc.assert(
      fc.property(answers, (bytes) => {
        const outcome = outcomeOf(() => decodeProduce(bytes, goldenBodyStart));
        // Each result takes more than ten bytes of the answer.
        if (outcome.kind === 'value') expect(outcome.value.length * 10).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 3000 },
    );
  });
});

function checkFetch(bytes: Buffer, outcome: ReturnType<typeof outcomeOf<FetchAnswer>>): void {
  if (outcome.kind === 'malformed') return;
  for (const { records } of outcome.value.partitions) {
    if (records.start < 0 || records.end < records.start || records.end > bytes.length) {
      expect.fail(`records at ${records.start} to ${records.end} of ${bytes.length} bytes`);
    }
  }
}
