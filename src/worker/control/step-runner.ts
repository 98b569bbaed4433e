import type { Logger } from 'pino';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import type { TopicStep } from '../../sync/topics/plan-topics.ts';
import { nameOf } from './seen-topics.ts';

const stepsAtOnce = 8;

/** Carries out the steps of a look, some at once, and remembers the newest trouble of each topic until a look ends it. */
export class StepRunner {
  readonly #link: string;
  readonly #logger: Logger;
  readonly #troubles = new Map<string, string>();

  constructor(link: string, logger: Logger) {
    this.#link = link;
    this.#logger = logger;
  }

  /** Of some topic that could not be set up. */
  get trouble(): string | undefined {
    return this.#troubles.values().next().value;
  }

  /** A step that fails holds up no other; the next look plans it again. Ends early when `signal` is aborted. */
  async run(steps: readonly TopicStep[], work: (step: TopicStep) => Promise<void>, signal: AbortSignal): Promise<void> {
    const waiting = [...steps];
    const names = new Set(steps.map(nameOf));
    for (const name of this.#troubles.keys()) if (!names.has(name)) this.#troubles.delete(name);
    const next = async (): Promise<void> => {
      for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
        const name = nameOf(step);
        try {
          await work(step);
          this.#troubles.delete(name);
        } catch (error) {
          if (hasAborted(signal)) return;
          this.#troubles.set(name, `${name}: ${error instanceof Error ? error.message : String(error)}`);
          this.#logger.warn(
            { err: error, link: this.#link, topic: name, step: step.kind },
            'setting up a copy failed; trying again',
          );
        }
      }
    };
    await Promise.all(Array.from({ length: stepsAtOnce }, next));
  }
}
