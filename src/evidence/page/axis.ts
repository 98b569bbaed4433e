import { duration } from './figures.ts';

/** What stands on an axis: values and where they are drawn. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly at: (value: number) => number;
}

export interface Tick {
  readonly x: number;
  readonly label: string;
}

/** Values from `from` to `to` over pixels; values outside are drawn at the edge. */
export function scaleOf(
  values: { readonly from: number; readonly to: number },
  pixels: readonly [number, number],
): Scale {
  const { from } = values;
  const to = values.to > from ? values.to : from + 1;
  const [start, end] = pixels;
  const at = (value: number): number => {
    const part = Math.min(1, Math.max(0, (value - from) / (to - from)));
    return rounded(start + part * (end - start));
  };
  return { from, to, at };
}

/** Pixels with one digit behind the point: more is only bytes. */
export function rounded(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const timeSteps: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((value) => value * second),
  ...[1, 2, 5, 10, 15, 30].map((value) => value * minute),
  ...[1, 2, 3, 6, 12].map((value) => value * hour),
  ...[1, 2, 7, 14, 30, 90, 365].map((value) => value * day),
];

/** Round times since the axis begins, `ticksMax` at most. */
export function timeTicks(scale: Scale, ticksMax = 8): readonly Tick[] {
  const span = scale.to - scale.from;
  const step = timeSteps.find((each) => span / each <= ticksMax) ?? span;
  return stepsUpTo(span, step).map((passed) => ({
    x: scale.at(scale.from + passed),
    label: passed === 0 ? '0' : `+${duration(passed)}`,
  }));
}

/** Round values from 0, at least up to `value`; the last one is where the axis ends. */
export function roundValues(value: number, ticksMax = 4): readonly number[] {
  const rough = Math.max(value, Number.MIN_VALUE) / ticksMax;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = value <= 0 ? 1 : ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const ticks = Math.max(1, Math.ceil(value / step - 1e-9));
  return Array.from({ length: ticks + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

function stepsUpTo(span: number, step: number): readonly number[] {
  return Array.from({ length: Math.floor(span / step + 1e-9) + 1 }, (_, index) => index * step);
}
