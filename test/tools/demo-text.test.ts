import { expect, test } from 'vitest';
import { renderDemoLine } from '../../tools/demo-text.ts';

test('a line of the demo says of each direction what was written, read and how old the lag is', () => {
  const line = renderDemoLine(12_040, [
    { from: 'a', to: 'b', written: 1200, read: 1190, lag: { records: 10, seconds: 0.24, sampleAgeMs: 310 } },
    { from: 'b', to: 'a', written: 900, read: 900, lag: undefined },
  ]);
  expect(line).toBe(
    ' 12 s  a→b 1200 written, 1190 read at b, 10 behind (0.2 s; 0.3 s ago)  │  ' +
      'b→a 900 written, 900 read at a, lag unknown (the worker does not answer)',
  );
});

test('a lag without a sample says so', () => {
  const lag = { records: 0, seconds: 0 };
  expect(renderDemoLine(0, [{ from: 'a', to: 'b', written: 0, read: 0, lag }])).toContain('(0.0 s; no sample yet)');
});
