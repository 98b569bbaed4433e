import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { LocalProblem } from './local-problems.ts';

/** Version used when none is configured; the one that everything is tested with. */
export const defaultKafkaVersion = '4.3.1';

const port = z.int().min(1024, 'must be at least 1024').max(65_535, 'must be at most 65535');

/** Kafka separates lists and class paths by these, Docker its mounts: they cannot be escaped everywhere. */
const folder = z
  .string()
  .refine((path) => isAbsolute(path), 'must be an absolute path')
  .refine((path) => !/[,:;"\n\r]/.test(path), 'must not contain any of , : ; " or a line break');

/**
 * A Kafka cluster on this machine. One broker unless a test wants more; it is broker and KRaft controller at once.
 * Principals with `scram`: `admin` (may do everything), `umbra` and `app` (nothing until granted).
 */
export const localClusterSpecSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}'),
    /** Everything about the cluster is in this folder: state, credentials, data, logs, client files. */
    home: folder,
    runtime: z.enum(['jvm', 'docker']).default('jvm'),
    kafkaVersion: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/, 'must look like 4.3.1')
      .default(defaultKafkaVersion),
    /** `none`: plain connections and no authorizer, as many clusters out there are. */
    security: z.enum(['scram', 'none']).default('scram'),
    brokers: z.int().min(1).max(3).default(1),
    /** Port of the first broker for clients; a free one is chosen, and kept, when absent. */
    clientPort: port.optional(),
    /** Java heap of each broker. */
    heapMb: z.int().min(192, 'must be at least 192').max(16_384).default(384),
    /** Lines of `server.properties` beside ours, fixed when the cluster is made: laboratories shorten times by them. */
    brokerSettings: z.record(z.string().regex(/^[a-z][a-z0-9.]*$/, 'must be a setting'), z.string()).default({}),
    /** Label on containers, so that they can be told apart. */
    pair: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}')
      .default('umbra'),
  })
  .refine((spec) => spec.runtime === 'jvm' || spec.brokers === 1, {
    path: ['brokers'],
    message: 'must be 1 with the runtime docker',
  })
  .refine((spec) => spec.security === 'none' || !/^3\.[0-4]\./.test(spec.kafkaVersion), {
    path: ['security'],
    // KIP-900: before, users could only be made through a cluster that already lets them in.
    message: 'must be none before Kafka 3.5, whose storage is the first to be formatted with SCRAM users in it',
  });

export type LocalClusterSpec = z.output<typeof localClusterSpecSchema>;
export type LocalClusterSpecInput = z.input<typeof localClusterSpecSchema>;

/** @throws {LocalProblem} INVALID_SPEC with one `path: reason` per wrong field. */
export function parseClusterSpec(input: LocalClusterSpecInput): LocalClusterSpec {
  const parsed = localClusterSpecSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'cluster'}: ${issue.message}`);
  throw new LocalProblem('INVALID_SPEC', `Local cluster refused: ${reasons.join('; ')}.`);
}
