import { z } from 'zod';
import { Secret } from './secret.ts';

/** `host:port`; IPv6 hosts in brackets. The bound on the port is the wire's (1..65535). */
export const bootstrapServerSchema = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:,[\]]+):\d{1,5}$/, { error: 'must look like host:port', abort: true })
  .refine((value) => {
    const port = Number(value.slice(value.lastIndexOf(':') + 1));
    return port >= 1 && port <= 65_535;
  }, 'port must be between 1 and 65535');

const secret = z
  .string()
  .min(1, 'must not be empty')
  .transform((value) => new Secret(value));

const scramOrPlain = z.strictObject({
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
  username: z.string().min(1, 'must not be empty'),
  password: secret,
});

const oauthBearer = z.strictObject({
  mechanism: z.literal('OAUTHBEARER'),
  /** A fixed token; token providers are given in code (see `TokenSource` in sasl.ts). */
  token: secret,
});

const tls = z.strictObject({
  /** PEM files. Without `caFile` Node's own roots are trusted. Verification cannot be switched off. */
  caFile: z.string().min(1).optional(),
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  /** Name checked against the certificate instead of the host connected to. */
  serverName: z.string().min(1).optional(),
});

/** How to reach one Kafka cluster. Parsed at the edge; everything below trusts it. */
export const clusterConfigSchema = z.strictObject({
  bootstrapServers: z.array(bootstrapServerSchema).min(1, 'needs at least one host:port').max(50),
  tls: tls.optional(),
  sasl: z.discriminatedUnion('mechanism', [scramOrPlain, oauthBearer]).optional(),
});

export type ClusterConfig = z.output<typeof clusterConfigSchema>;
/** The same before parsing: plain JSON with clear-text secrets, as it stands in a 0600 file. */
export type ClusterConfigInput = z.input<typeof clusterConfigSchema>;
