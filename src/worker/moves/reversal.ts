import type { Logger } from 'pino';
import type { OperationRecord } from '../../operations/operation.ts';
import type { EventSink } from '../events/event.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { SiteState } from '../state/state.ts';
import { forgetGrants } from './forget-grants.ts';
import type { PeerState } from './peer-state.ts';
import { type Reversed, type ReversePorts, reverseTopics } from './reverse-topics.ts';
import type { SiteFence } from './site-fence.ts';

export interface ReversalPorts extends ReversePorts {
  readonly state: SiteState;
  readonly peer: PeerState;
  readonly fence: SiteFence;
  readonly logger: Logger;
  readonly events: EventSink;
  /** There is something new to be copied. */
  readonly lookAgain: () => void;
}

/** The last step of a switchover, at the site that was primary: its topics become copies from where they end. */
export class Reversal {
  readonly #ports: ReversalPorts;
  readonly #prepared = new Map<string, Reversed>();

  constructor(ports: ReversalPorts) {
    this.#ports = ports;
  }

  /** Everything but the records of the copies, which are written together with the part: see {@link prepared}. */
  async prepare({ id }: OperationRecord, signal: AbortSignal): Promise<void> {
    const { peer } = this.#ports;
    const topics = peer.state.moves.topicsOf(id);
    const cuts = topics.flatMap((topic) => {
      const cut = peer.state.moves.cut(topic);
      // One that moved again since then is the matter of that operation.
      return cut?.operation === id ? [cut] : [];
    });
    await forgetGrants(this.#ports, { fence: id, topics }, signal);
    this.#prepared.set(id, await reverseTopics(this.#ports, cuts, signal));
  }

  /** Empty for an operation that was not prepared. */
  prepared(id: string): readonly ShadowRecord[] {
    return this.#prepared.get(id)?.shadows ?? [];
  }

  /** They are written. */
  done(id: string): void {
    const { logger, events, link, lookAgain } = this.#ports;
    for (const { topic, why } of this.#prepared.get(id)?.left ?? []) {
      const message = `${id}: ${topic} is no copy of the new primary's: ${why}`;
      logger.error({ operation: id, topic, why }, 'a topic could not be reversed');
      events.report({ kind: 'operation step', level: 'error', link, message });
    }
    this.#prepared.delete(id);
    lookAgain();
  }
}
