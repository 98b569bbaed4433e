import type { Logger } from 'pino';
import type { OperationRecord } from '../../operations/operation.ts';
import { Grants } from '../../sync/acls/grants.ts';
import type { EventSink } from '../events/event.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { SiteState } from '../state/state.ts';
import type { PeerState } from './peer-state.ts';
import { aclsOnTopics, type Reversed, type ReversePorts, reverseTopics } from './reverse-topics.ts';
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
    await this.#forgetGrants(id, topics, signal);
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

  /** What promotions granted here on these topics was for the time that is over: the fence must not give it back. */
  async #forgetGrants(fence: string, topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { state, target, mayAct } = this.#ports;
    const names = new Set(topics);
    const grants = new Grants({ cluster: target, mayAct, memory: (id) => state.acls(id) });
    const operations = new Set(topics.flatMap((topic) => state.moves.cut(topic)?.operation ?? []));
    for (const operation of operations) {
      const id = grantsId(operation);
      const made = grants.made(id);
      const over = new Set(aclsOnTopics(made, names));
      if (over.size === 0) continue;
      // In this order: what is still remembered here is forgotten there again after an interruption.
      await this.#ports.fence.forget(fence, [...over], signal);
      await grants.grant(
        id,
        made.filter((acl) => !over.has(acl)),
        signal,
      );
    }
  }
}

/** Under which the grants of a promotion are remembered. */
export function grantsId(operation: string): string {
  return `grants/${operation}`;
}
