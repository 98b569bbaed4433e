import { html, type Html } from './html.ts';

/** 1234567 → `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `840 ms`, `1.84 s`, `12.3 s`, `2 min 5 s`, `1 h 4 min`, `2 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${Number((ms / 1_000).toFixed(2))} s`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  if (ms < 3_600_000) return inTwo(Math.round(ms / 1_000), { size: 60, names: ['min', 's'] });
  if (ms < 86_400_000) return inTwo(Math.round(ms / 60_000), { size: 60, names: ['h', 'min'] });
  return inTwo(Math.round(ms / 3_600_000), { size: 24, names: ['d', 'h'] });
}

export function seconds(value: number): string {
  return duration(value * 1_000);
}

/** A time in UTC, with its milliseconds where it has some. */
export function time(iso: string): Html {
  const text = new Date(iso).toISOString().replace('T', ' ').replace('.000Z', 'Z').replace('Z', ' UTC');
  return html`<time datetime="${iso}">${text}</time>`;
}

export function dateOf(iso: string): string {
  return new Date(iso).toISOString().slice(0, 10);
}

export function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

interface TwoUnits {
  readonly size: number;
  readonly names: readonly [string, string];
}

function inTwo(small: number, { size, names: [big, little] }: TwoUnits): string {
  const rest = small % size;
  return `${Math.floor(small / size)} ${big}${rest === 0 ? '' : ` ${rest} ${little}`}`;
}
