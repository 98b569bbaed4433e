import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { type SiteScope, scopeInputs } from './scope.ts';
import type { AwsSiteConfig } from './site-config.ts';
import { scramSecretPolicyText } from './statements.ts';

interface SecretText {
  readonly value: pulumi.Output<string>;
  /** Made up by AWS at each run; the first one is kept. */
  readonly generated: boolean;
}

const passwordLength = 40;

/** As given, or made up by AWS. Letters and digits: they go into files and headers of many kinds. */
function secretText(given: pulumi.Input<string> | undefined, parent: pulumi.Resource): SecretText {
  if (given !== undefined) return { value: pulumi.secret(given), generated: false };
  const made = aws.secretsmanager.getRandomPasswordOutput({ passwordLength, excludePunctuation: true }, { parent });
  return { value: pulumi.secret(made.randomPassword), generated: true };
}

function keep({ generated }: SecretText): pulumi.CustomResourceOptions {
  return generated ? { ignoreChanges: ['secretString'] } : {};
}

export interface ScramUsersArgs {
  readonly users: AwsSiteConfig['scramUsers'];
  readonly clusterArn: pulumi.Output<string>;
  readonly keyId: pulumi.Output<string>;
}

/** Users with a password at the cluster of a site. Each has a secret of its own, in which applications find it. */
export class ScramUsers extends pulumi.ComponentResource {
  /** ARN of the secret of each user. */
  readonly secretArns: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(scope: SiteScope, { users, clusterArn, keyId }: ScramUsersArgs, opts: pulumi.ComponentResourceOptions) {
    const names = users.map(({ name }) => name);
    super('umbra:aws:ScramUsers', `${scope.name}-scram`, { ...scopeInputs(scope), users: names }, opts);
    const child = { parent: this };
    const made = users.map(({ name, password }) => {
      const at = `${scope.name}-scram-${name}`;
      // MSK takes secrets by this prefix only, and none that is encrypted by the account's own key.
      const args = { namePrefix: `AmazonMSK_${scope.pair}-${scope.site}-${name}-`, kmsKeyId: keyId };
      const secret = new aws.secretsmanager.Secret(at, args, child);
      const text = secretText(password, this);
      const secretString = pulumi.secret(
        text.value.apply((value) => JSON.stringify({ username: name, password: value })),
      );
      const version = new aws.secretsmanager.SecretVersion(
        `${at}-value`,
        { secretId: secret.id, secretString },
        { ...child, ...keep(text) },
      );
      const policy = new aws.secretsmanager.SecretPolicy(
        `${at}-policy`,
        { secretArn: secret.arn, policy: secret.arn.apply(scramSecretPolicyText) },
        child,
      );
      new aws.msk.SingleScramSecretAssociation(
        `${at}-login`,
        { clusterArn, secretArn: secret.arn },
        { ...child, dependsOn: [version, policy] },
      );
      return [name, secret.arn] as const;
    });
    this.secretArns = Object.fromEntries(made);
    this.registerOutputs({ secretArns: this.secretArns });
  }
}

/** The token of the workers' API at a site, which is all of the secret. */
export class ApiToken extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  /** Without it the secret is empty, and no task starts. */
  readonly version: pulumi.Resource;

  constructor(
    scope: SiteScope,
    { token, keyId }: { readonly token: pulumi.Input<string> | undefined; readonly keyId: pulumi.Output<string> },
    opts: pulumi.ComponentResourceOptions,
  ) {
    super('umbra:aws:ApiToken', `${scope.name}-api-token`, scopeInputs(scope), opts);
    const child = { parent: this };
    const args = { namePrefix: `umbra-${scope.pair}-${scope.site}-api-`, kmsKeyId: keyId };
    const secret = new aws.secretsmanager.Secret(`${scope.name}-token`, args, child);
    const text = secretText(token, this);
    const value = { secretId: secret.id, secretString: text.value };
    this.version = new aws.secretsmanager.SecretVersion(`${scope.name}-token-value`, value, {
      ...child,
      ...keep(text),
    });
    this.arn = secret.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** What drills of a site need and nobody may see: laid over the worker's file. */
export class DrillSecrets extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  /** Without it the secret is empty, and no task starts. */
  readonly version: pulumi.Resource;

  constructor(
    scope: SiteScope,
    { text, keyId }: { readonly text: pulumi.Output<string>; readonly keyId: pulumi.Output<string> },
    opts: pulumi.ComponentResourceOptions,
  ) {
    super('umbra:aws:DrillSecrets', `${scope.name}-drill-secrets`, scopeInputs(scope), opts);
    const child = { parent: this };
    const args = { namePrefix: `umbra-${scope.pair}-${scope.site}-drills-`, kmsKeyId: keyId };
    const secret = new aws.secretsmanager.Secret(`${scope.name}-drills`, args, child);
    const value = { secretId: secret.id, secretString: pulumi.secret(text) };
    this.version = new aws.secretsmanager.SecretVersion(`${scope.name}-drills-value`, value, child);
    this.arn = secret.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
