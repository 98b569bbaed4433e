import { NotSentError, verdictOf } from '../../kafka/errors.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { replayable } from '../reconcile/replayable.ts';
import type { Manifest } from '../../quarantine/manifest.ts';
import { dropCopy } from './drop-copy.ts';
import { boundedRemarks, boundedText } from './journal-bounds.ts';
import type { RebuildPorts, ReplayProgress, TailPorts } from './rebuild-ports.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import type { RebuildView } from './rebuild-view.ts';
import { restorePositions } from './restore-positions.ts';
import { viewRecord } from './view-record.ts';
import { Stopped } from './stopped.ts';
import { type ArchiveCall, bringQuarantineBack, keepQuarantine } from './quarantine-archive.ts';
import { finishedQuarantine, verifiedQuarantine, writeQuarantine, writtenManifest } from './write-quarantine.ts';

type Step = RebuildRecord['step'];
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

const dropAttemptsMax = 12;
const seedLookMs = 500;
/** A minute and a half, beside what the SDK tries again. */
const restoreAttemptsMax = 24;

/**
 * One confirmed rebuild, from the step its record is at to the end. Every step can be begun again: what came before a
 * crash is either found complete or done anew.
 *
 * ```
 *  quarantining ──▶ (replaying) ──▶ deleting ──▶ seeding ──▶ done
 *       ├───────────────────┴──────────────┴──▶ stopped   (the copy is as it was, unless a deletion was sent without an answer)
 *       └──▶ reversing ──▶ done                           (the log of an old primary that is a copy as it is)
 * ```
 */
export class RebuildRun {
  readonly #ports: RebuildPorts;
  #record: RebuildRecord;
  #running = true;
  #partitionsDone = 0;
  #partitionsTotal = 0;
  #trouble: string | undefined;
  /** Why nobody here carries it out any more although it is not at its end. */
  #interrupted: string | undefined;
  /** No answer says what became of it. */
  #deletionSent = false;
  /** Its record is in the journal. */
  #noted: boolean;
  readonly #begun = Promise.withResolvers<undefined>();

  /** `confirmed` just now, so that its record has to be written first, or `found` in the journal. */
  constructor(ports: RebuildPorts, record: RebuildRecord, whence: 'confirmed' | 'found') {
    this.#ports = ports;
    this.#record = record;
    this.#noted = whence === 'found';
  }

  /** Resolves when it is in the journal, or has ended. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get running(): boolean {
    return this.#running;
  }

  get hash(): string {
    return this.#record.planHash;
  }

  /** Nobody but this rebuild may touch the copy; nor this worker at all when another one took the link over. */
  get holding(): boolean {
    return isHeld(this.#record.step) && (this.#running || this.#ports.lease.lost.aborted);
  }

  view(): RebuildView {
    return viewRecord(this.#record, {
      partitionsDone: this.#partitionsDone,
      partitionsTotal: this.#partitionsTotal,
      trouble: this.#trouble,
      interrupted: this.#interrupted,
    });
  }

  /**
   * {@link toTheEnd} from where the journal is when the link's lease is ours: until then another worker may carry it out,
   * and this one only keeps its hands off the copy.
   */
  async takeUp(signal: AbortSignal): Promise<void> {
    const { lease, newestRecord, release } = this.#ports;
    const { topic } = this.#record;
    const pause = new Wakeup();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        if (!(await lease.ours(signal))) continue;
        const newest = await newestRecord(topic, signal);
        if (newest !== undefined) {
          this.#record = newest;
          // Where it is held no more, the other worker has made the new copy, or left the old one.
          if (!isHeld(newest.step)) release(topic);
        }
        break;
      } catch (error) {
        this.#trouble = textOf(error);
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    this.#trouble = undefined;
    await this.toTheEnd(signal);
  }

  /**
   * Goes on until nothing is left to do, or `signal` fires (the worker ends, or another one took over): who comes next
   * goes on from the journal.
   */
  async toTheEnd(signal: AbortSignal): Promise<void> {
    const { topic, link } = this.#record;
    try {
      if (this.#noted || (await this.#note(this.#record, signal))) {
        if (isHeld(this.#record.step)) await this.#ports.quiet(topic, signal);
        await this.#walk(signal);
      }
      if (this.#ports.lease.lost.aborted) this.#interrupted = 'another worker took over the link; ask that one';
    } catch (error) {
      // Only the journal can fail here, and for good. The copy is examined anew; a restart goes on from the last step.
      this.#ports.logger.error({ err: error, link, topic }, 'a rebuild could not write its journal');
      this.#interrupted = `its journal cannot be written: ${textOf(error)}`;
      this.#running = false;
      this.#ports.release(topic);
    } finally {
      this.#running = false;
      this.#begun.resolve(undefined);
    }
  }

  async #walk(signal: AbortSignal): Promise<void> {
    this.#begun.resolve(undefined);
    const { topic } = this.#record;
    while (!hasAborted(signal)) {
      const next = await this.#next(signal);
      const held = isHeld(this.#record.step);
      if (next === undefined || !(await this.#note({ ...this.#record, step: next }, signal))) return;
      if (held && (next.kind === 'stopped' || next.kind === 'done')) this.#ports.release(topic);
      if (held && next.kind === 'seeding') this.#ports.dropped(topic);
    }
  }

  /**
   * Writes the record, as long as it takes: a write whose answer was lost may be in the journal, so it is neither given
   * up nor taken back. False when the lease is not ours any more, or `signal` fired. Throws when it is refused for good.
   */
  async #note(record: RebuildRecord, signal: AbortSignal): Promise<boolean> {
    const { lease, state, logger } = this.#ports;
    const { link, topic, step, name } = record;
    const pause = new Wakeup();
    for (let attempt = 1; await lease.ours(signal); attempt++) {
      try {
        await state.putRebuild(record, signal);
        this.#record = record;
        this.#trouble = undefined;
        logger.warn({ link, topic, step: step.kind, quarantine: name }, 'rebuild');
        return true;
      } catch (error) {
        if (hasAborted(signal)) return false;
        if (verdictOf(error) === 'final') throw error;
        this.#trouble = `its journal cannot be written: ${textOf(error)}`;
        logger.warn({ err: error, link, topic, step: step.kind }, 'a rebuild waits for its journal');
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    return false;
  }

  /** Carries out the step at hand and returns the one that follows; undefined at the end, or when asked to stop. */
  async #next(signal: AbortSignal): Promise<Step | undefined> {
    const { step } = this.#record;
    switch (step.kind) {
      case 'quarantining':
        return this.#untilStopped(signal, () => this.#quarantine(signal));
      case 'replaying':
        return this.#untilStopped(signal, () => this.#replay(step, signal));
      case 'deleting':
        return this.#untilStopped(signal, () => this.#delete(step, signal));
      case 'reversing':
        return this.#untilStopped(signal, () => this.#reverse(signal));
      case 'seeding':
        return this.#seed(step, signal);
      case 'done':
      case 'stopped':
        return undefined;
    }
  }

  /** Whatever goes wrong before the copy is gone ends the rebuild, and the copy stays. */
  async #untilStopped(signal: AbortSignal, work: () => Promise<Step>): Promise<Step | undefined> {
    try {
      return await work();
    } catch (error) {
      if (hasAborted(signal)) return undefined;
      const { topic, link, step } = this.#record;
      const reason = boundedText(textOf(error));
      this.#ports.logger.error({ err: error, link, topic, step: step.kind }, 'a rebuild stopped');
      const quarantined = step.kind === 'deleting' || step.kind === 'replaying';
      const deletionSent = this.#deletionSent;
      return { kind: 'stopped', at: this.#ports.now().toISOString(), reason, quarantined, deletionSent };
    }
  }

  async #quarantine(signal: AbortSignal): Promise<Step> {
    this.#requireFolder();
    await bringQuarantineBack(this.#archiveCall(), Infinity, signal);
    const { sides, pair, version, now } = this.#ports;
    const onPartition = (done: number, total: number): void => {
      this.#partitionsDone = done;
      this.#partitionsTotal = total;
    };
    // A worker may have died between giving the folder its name and noting it.
    const { manifestSha256 } =
      (await finishedQuarantine(this.#record)) ??
      (await writeQuarantine({ sides, pair, version, now }, this.#record, { signal, onPartition }));
    await keepQuarantine(this.#archiveCall(), signal);
    const { tail } = this.#record;
    if (tail?.method === 'in-place') return { kind: 'reversing' };
    if (tail?.decision?.kind !== 'replay') return { kind: 'deleting', manifestSha256 };
    return { kind: 'replaying', manifestSha256, records: await replayable(this.#record) };
  }

  /** As long as it takes: the new primary may be down. Not a record is deleted before all of them are there. */
  async #replay({ manifestSha256, records }: StepOf<'replaying'>, signal: AbortSignal): Promise<Step> {
    this.#requireFolder();
    await bringQuarantineBack(this.#archiveCall(), Infinity, signal);
    const pause = new Wakeup();
    for (;;) {
      const progress = await this.#tails.replayed(this.#record, signal).catch((error: unknown): ReplayProgress => {
        signal.throwIfAborted();
        return { kind: 'waiting', trouble: textOf(error) };
      });
      if (progress.kind === 'done') {
        this.#trouble = undefined;
        if (progress.records !== records)
          throw new Stopped(
            `the new primary appended ${progress.records} records of the tail, ${records} are in the quarantine`,
          );
        await keepQuarantine(this.#archiveCall(), signal);
        return { kind: 'deleting', manifestSha256 };
      }
      this.#trouble = progress.trouble;
      await pause.wait(signal, seedLookMs);
      signal.throwIfAborted();
    }
  }

  async #reverse(signal: AbortSignal): Promise<Step> {
    const pause = new Wakeup();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#tails.makeCopyInPlace(this.#record, signal);
        break;
      } catch (error) {
        if (hasAborted(signal) || error instanceof Stopped) throw error;
        this.#trouble = textOf(error);
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    this.#trouble = undefined;
    return { kind: 'done', at: this.#ports.now().toISOString(), copy: 'level', remarks: [] };
  }

  #archiveCall(): ArchiveCall {
    const { archive } = this.#ports;
    return { archive, record: this.#record, onTrouble: (reason) => void (this.#trouble = reason) };
  }

  get #tails(): TailPorts {
    if (this.#ports.tails !== undefined) return this.#ports.tails;
    throw new Stopped('its journal is that of a reconciliation');
  }

  /** The journal is a topic, and others may be able to write it: it does not say where files are written and removed. */
  #requireFolder(): void {
    const { folder } = this.#record;
    if (folder === this.#ports.folder) return;
    throw new Stopped(
      `its quarantine folder is ${folder}, the worker is configured with ${this.#ports.folder ?? 'none'}`,
    );
  }

  /** Whole on this disk, and in the archive by now, whoever noted that it was: asked for while there is a copy to delete. */
  async #keptQuarantine(manifestSha256: string, signal: AbortSignal): Promise<Manifest> {
    this.#requireFolder();
    await bringQuarantineBack(this.#archiveCall(), Infinity, signal);
    const manifest = await verifiedQuarantine(this.#record, manifestSha256);
    await keepQuarantine(this.#archiveCall(), signal);
    return manifest;
  }

  async #delete({ manifestSha256 }: StepOf<'deleting'>, signal: AbortSignal): Promise<Step> {
    const { sides, mayCopy, lease } = this.#ports;
    let sentAttempt = 0;
    const pause = new Wakeup();
    for (let attempt = 1; ; attempt++) {
      try {
        const onSending = (): void => void (sentAttempt = attempt);
        if (this.#record.tail !== undefined) await this.#tails.prepare(this.#record, signal);
        const ports = { sides, mayCopy, lease, onSending, signal };
        await dropCopy(ports, this.#record, () => this.#keptQuarantine(manifestSha256, signal));
        break;
      } catch (error) {
        const verdict = verdictOf(error);
        const again = verdict === 'moved' || verdict === 'later';
        // Only an answer that refuses it, or knowing that it never left, says that the copy is still there.
        if (sentAttempt === attempt && again && !(error instanceof NotSentError)) this.#deletionSent = true;
        if (hasAborted(signal) || !again || (!this.#deletionSent && attempt >= dropAttemptsMax)) throw error;
        this.#trouble = textOf(error);
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    this.#trouble = undefined;
    return { kind: 'seeding', manifestSha256 };
  }

  async #seed(step: StepOf<'seeding'>, signal: AbortSignal): Promise<Step | undefined> {
    const { topic, copyTopicId } = this.#record;
    const pause = new Wakeup();
    // As long as seeding takes: it is the link's ordinary work, and shown as such.
    let became = this.#ports.seeded(topic, copyTopicId);
    for (; became === 'not-yet' && !hasAborted(signal); became = this.#ports.seeded(topic, copyTopicId)) {
      await pause.wait(signal, seedLookMs);
    }
    if (became === 'not-yet') return undefined;
    const remarks = await this.#restore(step, { became, signal });
    if (hasAborted(signal)) return undefined;
    for (const remark of remarks) this.#ports.logger.warn({ topic, remark }, 'a rebuild ended with a remark');
    const at = this.#ports.now().toISOString();
    return { kind: 'done', manifestSha256: step.manifestSha256, at, copy: became, remarks: boundedRemarks(remarks) };
  }

  async #restore({ manifestSha256 }: StepOf<'seeding'>, { became, signal }: Seeded): Promise<string[]> {
    const { topic, copiedTopicId, sourceTopicId } = this.#record;
    try {
      // The copy is gone: what the archive does not answer is not waited for.
      if (this.#record.folder === this.#ports.folder)
        await bringQuarantineBack(this.#archiveCall(), restoreAttemptsMax, signal);
      const manifest = await writtenManifest(this.#record, manifestSha256);
      if (manifest.groupPositions.length === 0) return [];
      if (became === 'faulted') return [unrestored];
      if (copiedTopicId !== sourceTopicId) {
        return ['positions of consumer groups are not put back: they were on a source topic that is no more'];
      }
      return [...(await restorePositions(this.#ports.sides.target, manifest, signal))];
    } catch (error) {
      this.#ports.logger.error({ err: error, topic }, 'positions of consumer groups could not be put back');
      return [`${unrestored} (${textOf(error)})`];
    }
  }
}

interface Seeded {
  readonly became: 'level' | 'faulted';
  readonly signal: AbortSignal;
}

/** Nobody but this run may touch the copy. */
const held: ReadonlySet<Step['kind']> = new Set(['quarantining', 'replaying', 'deleting', 'reversing']);

function isHeld({ kind }: Step): boolean {
  return held.has(kind);
}

const unrestored = 'the positions of consumer groups were not put back; they are in the manifest';

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
