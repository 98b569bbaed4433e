import { type BenchContext } from './bench-context.ts';
import { type Follower } from './follower.ts';
import { type LoadEvent } from './load.ts';
import { type Mark, markOf, runOf } from './measured-time.ts';
import { type InsideView } from './mover.ts';
import { type Run } from './results.ts';
import { endSum } from './scenario-topics.ts';
import { logBytes } from './topics.ts';

/** Where both logs and the mover are at one time. */
interface Moment {
  readonly mark: Mark;
  readonly copied: number;
  readonly written: number;
  readonly inside: InsideView | undefined;
}

/** Takes the two moments between which a load that goes on by itself is measured, when the load says so. */
export class Moments {
  readonly #follower: Follower;
  readonly #context: BenchContext;
  readonly #taken: Promise<Moment>[] = [];

  constructor(follower: Follower, context: BenchContext) {
    this.#follower = follower;
    this.#context = context;
  }

  readonly on = (event: LoadEvent): void => {
    const moment = this.#take(event);
    // Awaited when the load has ended; until then nobody would hear of a failure.
    moment.catch(() => undefined);
    this.#taken.push(moment);
  };

  async #take(event: LoadEvent): Promise<Moment> {
    const { running, topics } = this.#follower;
    const { source, target } = this.#context;
    if (event === 'measuring') await running.mark();
    const [mark, copied, written] = await Promise.all([
      markOf(running.pid),
      endSum(target.admin, topics),
      endSum(source.admin, topics),
    ]);
    return { mark, copied, written, inside: await running.inside() };
  }

  /**
   * What was copied and used between the two. @param offsetsPerCopied offsets of the source for each of the copy: more
   * than one where the mover leaves out markers and aborted records. @throws what a moment threw
   */
  async run(offsetsPerCopied = 1): Promise<Run & { readonly writtenOffsets: number }> {
    const { startedAtMs, topics } = this.#follower;
    const [begin, end] = await Promise.all(this.#taken);
    if (begin === undefined || end === undefined) throw new Error('the load did not say when it is to be measured');
    const offsets = (end.copied - begin.copied) * offsetsPerCopied;
    const { admin } = this.#context.source;
    const bytes = (offsets * (await logBytes(admin, topics))) / (await endSum(admin, topics));
    const span = { startedAtMs, begin: begin.mark, end: end.mark, inside: end.inside };
    return { ...runOf(span, { offsets, bytes }), writtenOffsets: end.written - begin.written };
  }
}
