import type { Logger } from 'pino';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import type { TopicStep } from '../../sync/topics/plan-topics.ts';
import { nameOf } from './topic-steps.ts';

const stepsAtOnce = 8;

/** Carries out the steps of a link's topics, some at once; one that fails is remembered, and no hindrance to the others. */
export class StepRunner {
  readonly #link: string;
  readonly #logger: Logger;
  /** The newest trouble of each topic that could not be set up. */
  readonly #troubles = new Map<string, string>();

  constructor(link: string, logger: Logger) {
    this.#link = link;
    this.#logger = logger;
  }

  /** Of the first topic that could not be set up. */
  get trouble(): string | undefined {
    return this.#troubles.values().next().value;
  }

  /** Resolves when each step was tried once. Topics that are in no step any more have no trouble. */
  async run(
    steps: readonly TopicStep[],
    carryOut: (step: TopicStep) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const waiting = [...steps];
    const names = new Set(steps.map(nameOf));
    for (const name of this.#troubles.keys()) if (!names.has(name)) this.#troubles.delete(name);
    const next = async (): Promise<void> => {
      for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
        const name = nameOf(step);
        try {
          await carryOut(step);
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
