import { type LagView } from '../src/worker/views.ts';

/** What one direction has done so far. */
export interface DirectionCounts {
  readonly from: string;
  readonly to: string;
  /** Records acknowledged at `from`. */
  readonly written: number;
  /** Records of these that a consumer at `to` has read from the copy. */
  readonly read: number;
  /** Of the link, as its worker says; undefined while it does not answer. */
  readonly lag: LagView | undefined;
}

/** One line of the running demo: `12 s  a→b 1200 written, 1190 read at b, 10 behind (0.2 s, 0.3 s ago)  │ …`. */
export function renderDemoLine(elapsedMs: number, directions: readonly DirectionCounts[]): string {
  const seconds = `${Math.round(elapsedMs / 1000)} s`.padStart(5);
  return `${seconds}  ${directions.map(renderDirection).join('  │  ')}`;
}

function renderDirection({ from, to, written, read, lag }: DirectionCounts): string {
  return `${from}→${to} ${written} written, ${read} read at ${to}, ${renderLag(lag)}`;
}

/** The age of the sample is always said: a lag is worth no more than that. */
function renderLag(lag: LagView | undefined): string {
  if (lag === undefined) return 'lag unknown (the worker does not answer)';
  const age = lag.sampleAgeMs === undefined ? 'no sample yet' : `${(lag.sampleAgeMs / 1000).toFixed(1)} s ago`;
  return `${lag.records} behind (${lag.seconds.toFixed(1)} s; ${age})`;
}
