import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { Problem } from '../problems.ts';
import type { PauseSubject } from '../state/pause-record.ts';
import type { SiteState } from '../state/state.ts';
import type { LinkControl } from './link-control.ts';
import type { LinkWorkers } from './link-workers.ts';

export interface PausesPorts {
  readonly state: SiteState;
  readonly workers: LinkWorkers;
  readonly clock: CopierClock;
}

/** A wait for workers looks again at least so often. */
const lookMsMax = 500;

/**
 * Pauses links and single topics, and lets them go on. Each is in `_umbra` before it takes effect, so that it outlives the
 * workers. To be called one after the other, by the controller. Idempotent.
 */
export class Pauses {
  readonly #ports: PausesPorts;
  readonly #stopping: AbortSignal;

  constructor(ports: PausesPorts, stopping: AbortSignal) {
    this.#ports = ports;
    this.#stopping = stopping;
  }

  /** When it resolves nobody appends to the copy any more. */
  async pauseTopic(link: LinkControl, topic: string, signal: AbortSignal): Promise<void> {
    const refusal = this.#refusal(link, topic);
    if (refusal !== undefined) throw refusal;
    await this.#pause(link, { link: link.id, topic }, signal);
  }

  /** When it resolves nobody appends to any copy of the link; topics that faulted stay faulted. */
  async pauseLink(link: LinkControl, signal: AbortSignal): Promise<void> {
    const [held] = link.rebuilds.held;
    if (held !== undefined) {
      throw new Problem('REBUILD_BUSY', `the copy of ${held} on link ${link.id} is being rebuilt; nothing was changed`);
    }
    await this.#pause(link, { link: link.id }, signal);
  }

  /** The topic goes on where it stopped, unless the whole link is paused. */
  async resume(link: LinkControl, subject: PauseSubject, signal: AbortSignal): Promise<void> {
    if (this.#ports.state.pause(subject) === undefined) return;
    await this.#ports.state.removePause(subject, signal);
    link.applyPauses();
  }

  /** A link that is declared again begins anew. */
  async forget(link: string, signal: AbortSignal): Promise<void> {
    const { state } = this.#ports;
    for (const record of state.pauses()) if (record.link === link) await state.removePause(record, signal);
  }

  async #pause(link: LinkControl, subject: PauseSubject, signal: AbortSignal): Promise<void> {
    const { state, clock } = this.#ports;
    if (state.pause(subject) === undefined) {
      await state.putPause({ ...subject, since: clock.now().toISOString() }, signal);
    }
    link.applyPauses();
    await this.#untilReleased(link, subject, signal);
  }

  #refusal(link: LinkControl, topic: string): Problem | undefined {
    const view = link.topicViews().find(({ name }) => name === topic);
    if (view === undefined) return new Problem('NOT_FOUND', `link ${link.id} carries no topic named ${topic}`);
    if (link.rebuilds.holds(topic)) {
      return new Problem('REBUILD_BUSY', `the copy of ${topic} is being rebuilt; nothing was changed`);
    }
    switch (view.state) {
      case 'pending':
      case 'seeding':
      case 'following':
      case 'paused':
        return undefined;
      case 'faulted':
        return new Problem('PAUSE_REFUSED', `${topic} is faulted (${view.fault?.code ?? 'see its partitions'})`);
      case 'orphaned':
      case 'stopped':
      case 'promoted':
        return new Problem('PAUSE_REFUSED', `${topic} is ${view.state}: nothing is copied to it`);
    }
  }

  /** Whoever is told that it is paused may rely on it. */
  async #untilReleased(link: LinkControl, { topic }: PauseSubject, signal: AbortSignal): Promise<void> {
    const { workers } = this.#ports;
    const pause = new Wakeup();
    const names = topic === undefined ? link.topicViews().map(({ name }) => name) : [topic];
    for (let attempt = 0; names.some((name) => workers.holds(name)); attempt++) {
      if (hasAborted(this.#stopping)) throw new Problem('NOT_READY', 'another worker leads the site now');
      await pause.wait(signal, Math.min(retryDelays.after(attempt), lookMsMax));
      if (!hasAborted(signal)) continue;
      const what = topic ?? `link ${link.id}`;
      throw new Problem('NOT_READY', `${what} is paused, but some worker has not stopped copying yet`);
    }
  }
}
