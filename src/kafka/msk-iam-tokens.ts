import type { fromNodeProviderChain as Chain } from '@aws-sdk/credential-providers';
import type { BearerToken } from './bearer-token.ts';
import { ConnectionError } from './errors.ts';
import { Secret } from './secret.ts';

/** Credentials are asked of files, of the container's or the machine's own endpoint, or of STS. */
const credentialsTimeoutMs = 20_000;
const reasonCharsMax = 300;

/**
 * Signs tokens for IAM access control of Amazon MSK: presigned requests of the action kafka-cluster:Connect, good for 900 s,
 * with the credentials of AWS's usual chain (environment, profile, web identity, container, instance). They are signed here:
 * AWS is asked for credentials only. The AWS packages are loaded with the first token.
 * Source: the project aws-msk-iam-sasl-signer-js and the MSK developer guide, "IAM access control".
 */
export function mskIamMint(region: string): () => Promise<BearerToken> {
  let chain: ReturnType<typeof Chain> | undefined;
  return async () => {
    const [{ generateAuthTokenFromCredentialsProvider: sign }, { fromNodeProviderChain }] = await Promise.all([
      import('aws-msk-iam-sasl-signer-js'),
      import('@aws-sdk/credential-providers'),
    ]);
    // Kept: it holds credentials until they are about to expire, and asks for new ones then.
    chain ??= fromNodeProviderChain({ clientConfig: { region } });
    const { expiration, ...credentials } = await withinTime(chain(), region).catch((error: unknown) => {
      chain = undefined;
      throw error instanceof ConnectionError ? error : noCredentials(region, reasonOf(error));
    });
    // The signer knows the whole life of a token only in whole seconds: told of credentials that end sooner it writes
    // fractions into the request (X-Amz-Expires=300.5), which is not a number of seconds. Their end is held here instead.
    const { token, expiryTime } = await sign({ region, awsCredentialsProvider: () => Promise.resolve(credentials) });
    const expiresAtMs = Math.min(expiryTime, expiration?.getTime() ?? Infinity);
    return { value: new Secret(token), expiresAtMs };
  };
}

/** What to do when a broker refuses such a token: it never says which of these it was. */
export function mskIamRemedy(region: string): string {
  return (
    `check that the cluster is in ${region}, that its policy lets this identity do kafka-cluster:Connect, ` +
    "that the AWS credentials are valid, and this machine's clock"
  );
}

async function withinTime<T>(work: Promise<T>, region: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void => reject(noCredentials(region, `no answer within ${credentialsTimeoutMs} ms`));
  const timer = setTimeout(late, credentialsTimeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Without a cause: what is thrown in the AWS packages may carry more than is to be shown. */
function noCredentials(region: string, why: string): ConnectionError {
  return new ConnectionError(
    `no AWS credentials to sign a token for ${region} (${why}): give this process a role (of its task, pod or instance), ` +
      'a profile (AWS_PROFILE), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    { verdict: 'denied' },
  );
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').slice(0, reasonCharsMax);
}
