import type { ExposureView, LagView } from '../worker/views.ts';

/** 1234567 → `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Milliseconds as one short figure: `40 ms`, `1.5 s`, `3 min`, `2.0 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 B`, `1.5 MiB`. */
export function byteSize(bytes: number): string {
  const power = Math.min(byteUnits.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const amount = bytes / 1024 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)} ${byteUnits[power] ?? 'B'}`;
}

/** `1 topic`, `2 topics`, `3 batches`. */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** The three cells of a lag: records, time, age of the sample. Without a sample nothing is known, and that is shown. */
export function lagCells(lag: LagView): readonly [string, string, string] {
  if (lag.sampleAgeMs === undefined) return ['?', '?', 'no sample yet'];
  return [count(lag.records), duration(lag.seconds * 1_000), duration(lag.sampleAgeMs)];
}

/** How much would be lost if the source died now, in time; `-` where nothing of it can be. */
export function atRiskCell(exposure: ExposureView | undefined): string {
  if (exposure === undefined) return '-';
  const { seconds, basis } = exposure;
  return `${duration(seconds * 1_000)}${basis === 'measured' ? '' : ` ${basis}`}`;
}
