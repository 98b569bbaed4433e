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

const oauthBearer = z
  .strictObject({
    mechanism: z.literal('OAUTHBEARER'),
    /** A fixed token: it serves until it expires. */
    token: secret.optional(),
    /** A file that holds the token and that somebody else renews: it is read again at each authentication. */
    tokenFile: z.string().min(1, 'must not be empty').optional(),
  })
  .superRefine(({ token, tokenFile }, context) => {
    const wrong = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (token === undefined && tokenFile === undefined) wrong('token', 'is required, or tokenFile in its place');
    if (token !== undefined && tokenFile !== undefined)
      wrong('tokenFile', 'stands beside token: remove one of the two');
  });

/** IAM access control of Amazon MSK. On the wire it is OAUTHBEARER with tokens that are signed here (msk-iam-tokens.ts). */
const mskIam = z.strictObject({
  mechanism: z.literal('AWS_MSK_IAM'),
  /** Of the cluster: brokers refuse what is signed for another one. Never guessed from the environment. */
  region: z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/, 'must be the name of an AWS region, such as eu-west-1'),
});

const tls = z.strictObject({
  /** PEM files. Without `caFile` Node's own roots are trusted. Verification cannot be switched off. */
  caFile: z.string().min(1).optional(),
  certFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
  /** Name checked against the certificate instead of the host connected to. */
  serverName: z.string().min(1).optional(),
});

/** What a cluster configuration consists of. Whoever builds on it also asks {@link refuseClearIam}. */
export const clusterFields = {
  bootstrapServers: z.array(bootstrapServerSchema).min(1, 'needs at least one host:port').max(50),
  tls: tls.optional(),
  sasl: z.discriminatedUnion('mechanism', [scramOrPlain, oauthBearer, mskIam]).optional(),
};

/** Whoever reads an IAM token on its way may use it: it goes over TLS only, which MSK has on every listener for IAM. */
export function refuseClearIam(
  { tls: security, sasl }: { readonly tls?: object | undefined; readonly sasl?: { mechanism: string } | undefined },
  context: z.RefinementCtx,
): void {
  if (sasl?.mechanism !== 'AWS_MSK_IAM' || security !== undefined) return;
  context.addIssue({
    code: 'custom',
    path: ['tls'],
    message: 'is required with AWS_MSK_IAM; {} trusts the usual roots',
  });
}

/** How to reach one Kafka cluster. Parsed at the edge; everything below trusts it. */
export const clusterConfigSchema = z.strictObject(clusterFields).superRefine(refuseClearIam);

export type ClusterConfig = z.output<typeof clusterConfigSchema>;
/** The same before parsing: plain JSON with clear-text secrets, as it stands in a 0600 file. */
export type ClusterConfigInput = z.input<typeof clusterConfigSchema>;
