import { z } from 'zod';
import type { ResourceRule, Rule, SeenResource } from './rule.ts';

const kmsKey = 'aws:kms/key:Key';

/** Which property of which type holds a policy document. */
const documents: Readonly<Record<string, string>> = {
  'aws:iam/policy:Policy': 'policy',
  'aws:iam/rolePolicy:RolePolicy': 'policy',
  'aws:iam/userPolicy:UserPolicy': 'policy',
  'aws:iam/groupPolicy:GroupPolicy': 'policy',
  'aws:iam/role:Role': 'assumeRolePolicy',
  [kmsKey]: 'policy',
  'aws:kms/keyPolicy:KeyPolicy': 'policy',
  'aws:msk/clusterPolicy:ClusterPolicy': 'policy',
  'aws:s3/bucketPolicy:BucketPolicy': 'policy',
  'aws:secretsmanager/secretPolicy:SecretPolicy': 'policy',
  'aws:sns/topicPolicy:TopicPolicy': 'policy',
  'aws:sqs/queue:Queue': 'policy',
  'aws:sqs/queuePolicy:QueuePolicy': 'policy',
};
const types = Object.keys(documents);

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const statementSchema = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.string(), z.record(z.string(), oneOrMore)]).optional(),
  NotPrincipal: z.unknown().optional(),
  Action: oneOrMore.optional(),
  NotAction: z.unknown().optional(),
});
const documentSchema = z.looseObject({
  Statement: z.union([statementSchema.transform((one) => [one]), z.array(statementSchema)]),
});

type Statement = z.output<typeof statementSchema>;

/** Who may do what in AWS. A Deny takes rights away: it may speak of everybody and everything. */
export const statementRules: readonly Rule[] = [
  {
    ...{ of: 'resource', name: 'policies-readable', level: 'mandatory' },
    holds: 'policy documents are ones that can be judged',
    remedy: 'write the document as IAM takes it: JSON with Statement, each with Effect and Action',
    types,
    judge: (resource) => {
      const read = statementsOf(resource);
      return read === 'unreadable' ? ['has a policy that is no policy document'] : [];
    },
  },
  {
    ...{ of: 'resource', name: 'no-wildcard-principals', level: 'mandatory' },
    holds: 'nothing is allowed to everybody',
    remedy: 'name the roles, accounts or services that are meant',
    types,
    judge: (resource) =>
      allowsOf(resource)
        .filter((statement) => everybody(statement) || statement.NotPrincipal !== undefined)
        .map((statement) => `allows everybody ${said(statement)}`),
  },
  {
    ...{ of: 'resource', name: 'no-wildcard-actions', level: 'mandatory' },
    holds: 'no right to all actions, nor to all of a service, is given; but an account may have all of its own key',
    remedy: 'list the actions that are needed (docs/rights.md)',
    types,
    judge: (resource) =>
      allowsOf(resource).flatMap((statement) => [
        ...(statement.NotAction === undefined ? [] : [`allows all actions but some ${said(statement)}`]),
        ...(statement.Action ?? [])
          .filter((action) => /^(\*|[a-z0-9-]+:\*)$/i.test(action) && !ownKey(resource, statement, action))
          .map((action) => `allows ${action} ${said(statement)}`),
      ]),
  },
] satisfies readonly ResourceRule[];

function allowsOf(resource: SeenResource): readonly Statement[] {
  const statements = statementsOf(resource);
  return statements === 'unreadable' ? [] : statements.filter(({ Effect }) => Effect === 'Allow');
}

/** None where the document is left out or not known yet. */
function statementsOf({ type, props }: SeenResource): readonly Statement[] | 'unreadable' {
  const text = props[documents[type] ?? ''];
  if (text === undefined || typeof text === 'symbol') return [];
  try {
    const parsed = documentSchema.safeParse(typeof text === 'string' ? JSON.parse(text) : text);
    return parsed.success ? parsed.data.Statement : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

function everybody({ Principal }: Statement): boolean {
  if (Principal === undefined || typeof Principal === 'string') return Principal === '*';
  return Object.values(Principal).some((names) => names.includes('*'));
}

/** Without it nobody could administer the key: the account delegates to its roles (KMS developer guide, "Default key policy"). */
function ownKey({ type }: SeenResource, { Principal }: Statement, action: string): boolean {
  if (!type.startsWith('aws:kms/') || action !== 'kms:*') return false;
  const names = typeof Principal === 'object' ? Object.values(Principal).flat() : [];
  return names.length > 0 && names.every((name) => /^arn:aws[a-z-]*:iam::\d{12}:root$/.test(name));
}

function said({ Sid }: Statement): string {
  return Sid === undefined ? 'in a statement without Sid' : `in the statement ${Sid}`;
}
