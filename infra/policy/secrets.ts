import { isGiven, type ResourceRule, type Rule, unknownValue } from './rule.ts';

/** Everything else that keeps something. */
export const secretRules: readonly Rule[] = [
  {
    ...{ of: 'resource', name: 'secrets-own-key', level: 'mandatory' },
    holds: 'secrets are encrypted with a key of the customer; MSK takes no others',
    remedy: 'give kmsKeyId',
    types: ['aws:secretsmanager/secret:Secret'],
    judge: ({ props: { kmsKeyId } }) => (isGiven(kmsKeyId) ? [] : ["is encrypted with AWS's own key"]),
  },
  {
    ...{ of: 'resource', name: 'logs-end', level: 'mandatory' },
    holds: 'logs are kept for a time, and encrypted with a key of the customer',
    remedy: 'give retentionInDays and kmsKeyId',
    types: ['aws:cloudwatch/logGroup:LogGroup'],
    judge: ({ props: { retentionInDays, kmsKeyId } }) => [
      ...(isGiven(retentionInDays) && retentionInDays !== 0 ? [] : ['keeps logs for ever']),
      ...(isGiven(kmsKeyId) ? [] : ["is encrypted with AWS's own key"]),
    ],
  },
  {
    ...{ of: 'resource', name: 'keys-rotate', level: 'mandatory' },
    holds: 'keys are renewed each year by AWS',
    remedy: 'set enableKeyRotation to true',
    types: ['aws:kms/key:Key'],
    judge: ({ props: { enableKeyRotation } }) =>
      enableKeyRotation === true || enableKeyRotation === unknownValue ? [] : ['is never renewed'],
  },
] satisfies readonly ResourceRule[];
