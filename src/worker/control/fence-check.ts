import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import { authorizerOf } from '../../kafka/topic-admin.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { LinkView } from '../views.ts';

export interface FenceCheckPorts {
  readonly link: string;
  readonly target: Cluster;
  readonly clock: CopierClock;
  readonly logger: Logger;
}

const checkEveryMs = 30_000;

/** Whether the target checks rights, looked at now and then: without an authorizer anybody can write the copies. */
export class FenceCheck {
  readonly #ports: FenceCheckPorts;
  #fence: Exclude<LinkView['fence'], 'leaking'> = 'unknown';
  #checkedAtMs: number | undefined;

  constructor(ports: FenceCheckPorts) {
    this.#ports = ports;
  }

  get state(): Exclude<LinkView['fence'], 'leaking'> {
    return this.#fence;
  }

  async look(): Promise<void> {
    const { link, target, clock, logger } = this.#ports;
    const nowMs = clock.monotonicMs();
    if (this.#checkedAtMs !== undefined && nowMs - this.#checkedAtMs < checkEveryMs) return;
    const authorizer = await authorizerOf(target);
    this.#fence = authorizer === 'present' ? 'acl' : authorizer === 'absent' ? 'unfenced' : 'unknown';
    this.#checkedAtMs = nowMs;
    if (this.#fence === 'unfenced')
      logger.warn({ link }, 'the target has no authorizer: anybody can write the copies (unfenced)');
  }
}
