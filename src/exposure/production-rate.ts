/** How far back it looks. */
const windowMs = 32_000;
/** Between two marks. */
const markEveryMs = 1_000;
/** A source that got nothing for so long has paused. */
const pauseMs = 2_000;
/** A run of production shorter than that is a burst: it says nothing of the rate. */
const runMsMin = 3_000;
/** Halves of a window are not compared when it is shorter. */
const halvedMsMin = 8_000;

interface Mark {
  readonly atMs: number;
  /** Produced since the oldest mark. */
  readonly total: number;
}

/**
 * How many records a source gets per second lately: what is expected while it cannot be asked. The mean of the last half
 * minute, or of the time since production went on after a pause, or of the newer half where both halves differ much.
 * A partition that gets nothing costs no memory.
 */
export class ProductionRate {
  #marks: Mark[] = [];
  #newest: Mark | undefined;
  readonly #bornMs: number;

  constructor(bornMs: number) {
    this.#bornMs = bornMs;
  }

  /** `count` records came between `fromMs`, when it was looked at before, and `nowMs`. */
  add(count: number, fromMs: number, nowMs: number): void {
    if (this.#newest === undefined) {
      if (count === 0) return;
      // Until the look before there was nothing for as long as it is remembered.
      const idleSinceMs = Math.max(this.#bornMs, fromMs - windowMs);
      this.#marks = idleSinceMs < fromMs ? [{ atMs: idleSinceMs, total: 0 }] : [];
      this.#marks.push({ atMs: fromMs, total: 0 });
      this.#newest = { atMs: fromMs, total: 0 };
    }
    this.#newest = { atMs: nowMs, total: this.#newest.total + count };
    if (nowMs - (this.#marks.at(-1)?.atMs ?? -Infinity) < markEveryMs) return;
    this.#marks.push(this.#newest);
    while ((this.#marks[1]?.atMs ?? Infinity) <= nowMs - windowMs) this.#marks.shift();
    if (this.#marks[0]?.total === this.#newest.total) this.#forget();
  }

  #forget(): void {
    this.#marks = [];
    this.#newest = undefined;
  }

  get perSecond(): number {
    return rateOf(steadyPart(runOf(this.#all())));
  }

  /** The highest rate between two marks of the last half minute; never below {@link perSecond}. */
  get fastestPerSecond(): number {
    const marks = this.#all();
    return marks.reduce((fastest, mark, index) => {
      const before = marks[index - 1];
      return before === undefined ? fastest : Math.max(fastest, rateOf([before, mark]));
    }, this.perSecond);
  }

  #all(): readonly Mark[] {
    const newest = this.#newest;
    return newest === undefined ? [] : [...this.#marks.filter(({ atMs }) => atMs < newest.atMs), newest];
  }
}

/** The marks since the last pause, if production has gone on long enough since; else all of them. Pure. */
function runOf(marks: readonly Mark[]): readonly Mark[] {
  let from = 0;
  let idleSince: Mark | undefined;
  for (const [index, mark] of marks.entries()) {
    if (index === 0) continue;
    const before = marks[index - 1] ?? mark;
    if (mark.total > before.total) {
      // In the interval in which it went on it was idle for a part: the run begins after it.
      const began = idleSince === marks[0];
      if (idleSince !== undefined && (began || before.atMs - idleSince.atMs >= pauseMs)) from = index;
      idleSince = undefined;
    } else idleSince ??= before;
  }
  const run = marks.slice(from);
  return spanMs(run) >= runMsMin ? run : marks;
}

/** The newer half, and the newer half of that, as long as it differs much from the older one. Pure. */
function steadyPart(marks: readonly Mark[]): readonly Mark[] {
  const [first] = marks;
  const last = marks.at(-1);
  if (first === undefined || last === undefined || spanMs(marks) < halvedMsMin) return marks;
  const middleMs = (first.atMs + last.atMs) / 2;
  const at = marks.findIndex(({ atMs }) => atMs >= middleMs);
  const [older, newer] = [marks.slice(0, at + 1), marks.slice(at)];
  // Where nothing was seen for long a half may be a single interval, or none.
  if (spanMs(older) < runMsMin || spanMs(newer) < runMsMin) return marks;
  const [before, now] = [countOf(older), countOf(newer)];
  const larger = Math.max(before, now);
  const alike = Math.abs(rateOf(older) - rateOf(newer)) <= Math.max(rateOf(older), rateOf(newer)) / 3;
  return alike || Math.abs(before - now) <= 4 * Math.sqrt(larger) ? marks : steadyPart(newer);
}

function countOf(marks: readonly Mark[]): number {
  return (marks.at(-1)?.total ?? 0) - (marks[0]?.total ?? 0);
}

function spanMs(marks: readonly Mark[]): number {
  return (marks.at(-1)?.atMs ?? 0) - (marks[0]?.atMs ?? 0);
}

/** Less than a second of looking counts as one: a single answer says nothing of a rate. */
function rateOf(marks: readonly Mark[]): number {
  return (countOf(marks) / Math.max(markEveryMs, spanMs(marks))) * 1000;
}
