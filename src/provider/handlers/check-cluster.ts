import { z } from 'zod';
import { workerConfigSchema } from '../../worker/worker-config.ts';
import type { CheckCluster } from '../ports.ts';
import type { InvokeHandler } from '../server/handler.ts';

const inputs = z.strictObject({ cluster: workerConfigSchema.shape.clusters.shape.a });

/** A cluster that does not answer within this is refused: connecting and authenticating take well under a second. */
const checkMs = 20_000;

/**
 * Asks one cluster whether it can be a site, before any resource is made. A refusal is an answer
 * (`{kind: 'refused', reason}`), so that the program can put it beside the configuration it came from.
 */
export function checkClusterHandler(check: CheckCluster): InvokeHandler<typeof inputs> {
  return {
    token: 'umbra:index:checkCluster',
    inputs,
    async call({ cluster }, signal) {
      const late = AbortSignal.timeout(checkMs);
      try {
        return { kind: 'usable', ...(await check(cluster, AbortSignal.any([signal, late]))) };
      } catch (error) {
        signal.throwIfAborted();
        const reason = late.aborted
          ? `${cluster.bootstrapServers.join(', ')} gave no answer within ${checkMs / 1000} s`
          : messageOf(error);
        return { kind: 'refused', reason };
      }
    },
  };
}

/** Without the general remedy of its code: what to correct is the configuration that the program names. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
