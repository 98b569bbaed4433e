import { z } from 'zod';
import {
  bootstrapServerSchema,
  type ClusterConfig,
  clusterConfigSchema,
  clusterFields,
  refuseClearIam,
} from '../../kafka/cluster-config.ts';
import { evidenceBucketSchema } from '../../evidence/bucket.ts';
import { EvidenceProblem } from '../../evidence/evidence-problem.ts';
import { keyIn } from '../../evidence/keys.ts';
import { Secret } from '../../kafka/secret.ts';
import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { commandHookSchema, webhookSchema } from '../repoint/repoint-spec.ts';

/** As for moves of roles (docs/repoint.md), less what has to do with topics. */
const lossHookSchema = z.discriminatedUnion('kind', [
  commandHookSchema.omit({ prefix: true }),
  webhookSchema.omit({ prefix: true }),
]);

export type LossHook = z.output<typeof lossHookSchema>;

function refuseOtherKeys(text: string, context: z.RefinementCtx): void {
  try {
    keyIn('it', text);
  } catch (error) {
    if (!(error instanceof EvidenceProblem)) throw error;
    // What the parser says quotes nothing of the key.
    const message = 'must be a private key of Ed25519 as PEM (PKCS#8): "openssl genpkey -algorithm ed25519" makes one';
    context.addIssue({ code: 'custom', message });
  }
}

/** What evidence is signed with, as text. */
export const evidenceKeySchema = z.string().min(1).max(1_000).superRefine(refuseOtherKeys);

/** Of a worker's file: who the canaries of its site are, and where what drills leave is written. The same for all workers of a site. */
export const drillsConfigSchema = z.strictObject({
  /** Without it nothing that moves roles can be drilled. */
  canary: z
    .strictObject({
      /** How an ordinary application reaches both sites. Never as umbra: no fence stops that. */
      clients: z.strictObject({ a: clusterConfigSchema, b: clusterConfigSchema }),
      /** Outside of both clusters; one for all vantage points that can reach it (docs/canaries.md). */
      ledgerFolder: z.string().min(1),
      /** Records per second and partition while no drill runs. */
      rate: z.number().min(0.01).max(100).default(1),
    })
    .optional(),
  evidence: z
    .strictObject({
      /** Write-once: documents and what belongs to them (docs/evidence.md). */
      folder: z.string().min(1).optional(),
      /** In place of a folder: a bucket that is made with object lock, best of all. */
      s3: evidenceBucketSchema.optional(),
      /** Ed25519, PEM, mode 0600; made where it is missing. The pair has one. */
      keyFile: z.string().min(1).optional(),
      /** In place of a file, for a disk that goes with the worker: the same PEM, from a secret. */
      key: evidenceKeySchema.transform((text) => new Secret(text)).optional(),
    })
    .refine(({ folder, s3 }) => (folder === undefined) !== (s3 === undefined), {
      message: 'needs one place: either "folder" or "s3"',
    })
    .refine(({ keyFile, key }) => (keyFile === undefined) !== (key === undefined), {
      message: 'needs one key: either "keyFile" or "key"',
    })
    .optional(),
  /** How a drill of L6 takes the other site's cluster away and gives it back. Without it the cluster stays there. */
  loss: z.strictObject({ lose: lossHookSchema, mend: lossHookSchema }).optional(),
  /** Of the pair. `non-production`: it may be lost on purpose (L6). */
  labels: z.array(z.string().min(1).max(40)).max(20).default([]),
});

export type DrillsConfig = z.output<typeof drillsConfigSchema>;
export type DrillsConfigInput = z.input<typeof drillsConfigSchema>;

/** Who a canary is, for whoever knows where the cluster is: without addresses it goes where umbra goes. */
export const canaryClientSchema = z
  .strictObject({
    ...clusterFields,
    bootstrapServers: z.array(bootstrapServerSchema).min(1, 'needs at least one host:port').max(50).optional(),
  })
  .superRefine(refuseClearIam);

/** What drills take from a worker's file. */
export interface DrillSettings {
  readonly config: DrillsConfig | undefined;
  /** As umbra reaches the sites. */
  readonly servers: Readonly<Record<SiteId, readonly string[]>>;
  /** What `umbra doctor` says of both sites. */
  readonly diagnose: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

export function drillSettings(
  {
    drills,
    clusters,
  }: {
    readonly drills?: DrillsConfig | undefined;
    readonly clusters: Readonly<Record<SiteId, Pick<ClusterConfig, 'bootstrapServers'>>>;
  },
  diagnose: DrillSettings['diagnose'],
): DrillSettings {
  const servers = { a: clusters.a.bootstrapServers, b: clusters.b.bootstrapServers };
  return { config: drills, servers, diagnose };
}
