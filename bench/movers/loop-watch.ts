const periodMs = 10;

export interface LoopDelays {
  /** Longest time in which the loop did not turn. */
  readonly maxMs: number;
  /** Of such a time the most that was the thread's own work; the rest it waited for a core that others had. */
  readonly ownMaxMs: number;
}

/**
 * Watches the event loop of this thread: a timer that comes late, and how much of the lateness was CPU time of the
 * thread itself. Where brokers share the cores the loop stands still while they run, and that is nobody's doing here.
 */
export class LoopWatch {
  readonly #timer: NodeJS.Timeout;
  readonly #ever = { maxMs: 0, ownMaxMs: 0 };
  readonly #since = { maxMs: 0, ownMaxMs: 0 };
  #atMs = performance.now();
  #cpu = process.threadCpuUsage();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), periodMs);
  }

  /** Of the whole life. */
  get ever(): LoopDelays {
    return { ...this.#ever };
  }

  /** Since {@link mark}. */
  get since(): LoopDelays {
    return { ...this.#since };
  }

  mark(): void {
    this.#tick();
    Object.assign(this.#since, { maxMs: 0, ownMaxMs: 0 });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const atMs = performance.now();
    const cpu = process.threadCpuUsage();
    const lateMs = Math.max(0, atMs - this.#atMs - periodMs);
    const workedMs = (cpu.user - this.#cpu.user + cpu.system - this.#cpu.system) / 1000;
    const ownMs = Math.min(lateMs, workedMs);
    for (const known of [this.#ever, this.#since]) {
      known.maxMs = Math.max(known.maxMs, lateMs);
      known.ownMaxMs = Math.max(known.ownMaxMs, ownMs);
    }
    this.#atMs = atMs;
    this.#cpu = cpu;
  }
}
