import { z } from 'zod';
import { localClusterSpecSchema } from '../../local/cluster-spec.ts';
import { drillsConfigSchema } from '../../worker/drill/drills-config.ts';
import { workerConfigSchema } from '../../worker/worker-config.ts';

// The fields that a program and a resource take alike: parsed by one and the same schema at both places.

const { runtime, kafkaVersion, clientPort, heapMb } = localClusterSpecSchema.shape;
const { canary, labels } = drillsConfigSchema.shape;
const { api, logLevel, principals, authorizers, repoint } = workerConfigSchema.shape;

/** Of `LocalCluster`. */
export const localClusterFields = { runtime, kafkaVersion, clientPort, heapMb };

/** Of `LocalWorker`. */
export const workerFields = {
  apiHost: z.string().min(1, 'must not be empty').optional(),
  apiPort: api.shape.port.optional(),
  apiToken: api.shape.token,
  logLevel: logLevel.unwrap().optional(),
  principals,
  authorizers,
  repoint,
  /** As a worker's file has it, less the folders: those of this machine are in `.umbra`. */
  drills: z.strictObject({ canary: canary.unwrap().omit({ ledgerFolder: true }).optional(), labels }).optional(),
};
