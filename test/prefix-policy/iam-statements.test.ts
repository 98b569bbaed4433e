import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherSite, sites } from '../../src/pair/site.ts';
import { type AclOperation, renderSiteAcls, renderSiteGrants } from '../../src/prefix-policy/acls.ts';
import { siteAclInput } from '../../src/prefix-policy/declared-policy.ts';
import { type IamPolicies, renderIamStatements } from '../../src/prefix-policy/iam-statements.ts';
import { decide } from '../../src/sync/acls/effective-rights.ts';
import { anyName } from './arbitraries.ts';
import { anyPolicy } from './policy-arbitraries.ts';

const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/1a2b-3';

/** Which action of IAM stands for which operation of Kafka, as the MSK developer guide has it. */
const actionFor = {
  TOPIC: {
    ...{ READ: 'ReadData', WRITE: 'WriteData', CREATE: 'CreateTopic', DELETE: 'DeleteTopic', ALTER: 'AlterTopic' },
    ...{ DESCRIBE: 'DescribeTopic', DESCRIBE_CONFIGS: 'DescribeTopicDynamicConfiguration' },
    ALTER_CONFIGS: 'AlterTopicDynamicConfiguration',
  },
  GROUP: { READ: 'AlterGroup', DESCRIBE: 'DescribeGroup', DELETE: 'DeleteGroup' },
  TRANSACTIONAL_ID: { WRITE: 'AlterTransactionalId', DESCRIBE: 'DescribeTransactionalId' },
} as const;
const kinds = { TOPIC: 'topic', GROUP: 'group', TRANSACTIONAL_ID: 'transactional-id' } as const;

/** What IAM answers: an action on a resource is allowed when a statement has both; `*` stands for any text. */
function iamAllows({ policies }: IamPolicies, principal: string, action: string, resource: string): boolean {
  const matches = (pattern: string): boolean =>
    pattern.endsWith('*') ? resource.startsWith(pattern.slice(0, -1)) : pattern === resource;
  return policies.some(
    (policy) =>
      policy.principal === principal &&
      policy.statements.some(({ Action, Resource }) => Action.includes(action) && Resource.some(matches)),
  );
}

describe('the statements for an IAM cluster', () => {
  const cases = anyPolicy
    .map((policy) => {
      const anyHost = policy.applications.a.filter(({ host }) => host === '*');
      return { ...policy, applications: { a: anyHost, b: policy.applications.b.filter(({ host }) => host === '*') } };
    })
    .chain((policy) =>
      fc.record({
        policy: fc.constant(policy),
        site: fc.constantFrom(...sites),
        names: fc.array(anyName(policy.owners), { minLength: 5, maxLength: 5 }),
      }),
    );

  it('grant exactly what the ACLs grant', () => {
    fc.assert(
      fc.property(cases, ({ policy, site, names }) => {
        const input = siteAclInput(policy, site, 'User:umbra');
        const rules = { acls: renderSiteAcls(input), superUsers: [], allowsWithoutAcl: false };
        const iam = renderIamStatements(renderSiteGrants(input), clusterArn);
        expect(iam.omitted).toEqual([]);
        for (const principal of ['User:umbra', 'User:x', 'User:y', 'User:CN=orders,O=Some']) {
          for (const resourceType of ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'] as const) {
            for (const [operation, action] of Object.entries(actionFor[resourceType])) {
              for (const name of names) {
                const arn = `arn:aws:kafka:eu-west-1:111122223333:${kinds[resourceType]}/orders/1a2b-3/${name}`;
                const question = { principal, host: '10.0.0.1', resourceType, name };
                expect(iamAllows(iam, principal, `kafka-cluster:${action}`, arn)).toBe(
                  decide({ ...question, operation: operation as AclOperation }, rules).allowed,
                );
              }
            }
          }
        }
      }),
    );
  });

  it('withhold WriteData on the names of the other site from every application', () => {
    fc.assert(
      fc.property(cases, fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 3 }), (given, tail) => {
        const { policy, site } = given;
        const iam = renderIamStatements(renderSiteGrants(siteAclInput(policy, site, 'User:umbra')), clusterArn);
        const name = policy.owners[otherSite(site)] + tail;
        const arn = `arn:aws:kafka:eu-west-1:111122223333:topic/orders/1a2b-3/${name}`;
        for (const { principal } of iam.policies) {
          expect(iamAllows(iam, principal, 'kafka-cluster:WriteData', arn)).toBe(principal === 'User:umbra');
        }
      }),
    );
  });

  it('begin with the right to connect, and put resources with the same actions together', () => {
    const input = {
      ...{ site: 'a' as const, owners: { a: 'a_', b: 'b_' }, principals: { umbra: 'User:umbra' } },
      applications: [
        { principal: 'User:orders', host: '*', writes: 'a_orders_', reads: 'b_' },
        { principal: 'User:audit', host: '*', writes: undefined, reads: 'b_' },
      ],
    };
    const { policies } = renderIamStatements(renderSiteGrants(input), clusterArn);
    const owner = 'arn:aws:kafka:eu-west-1:111122223333';
    expect(policies.find(({ principal }) => principal === 'User:orders')?.statements).toEqual([
      {
        Effect: 'Allow',
        Action: ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'],
        Resource: [clusterArn],
      },
      {
        Effect: 'Allow',
        Action: ['CreateTopic', 'DescribeTopic', 'ReadData', 'WriteData'].map((action) => `kafka-cluster:${action}`),
        Resource: [`${owner}:topic/orders/1a2b-3/a_orders_*`],
      },
      {
        Effect: 'Allow',
        Action: ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'],
        Resource: [`${owner}:topic/orders/1a2b-3/b_*`],
      },
      {
        Effect: 'Allow',
        Action: ['kafka-cluster:AlterTransactionalId', 'kafka-cluster:DescribeTransactionalId'],
        Resource: [`${owner}:transactional-id/orders/1a2b-3/a_orders_*`],
      },
      {
        Effect: 'Allow',
        Action: ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'],
        Resource: [`${owner}:group/orders/1a2b-3/a_orders_*`, `${owner}:group/orders/1a2b-3/b_*`],
      },
    ]);
    expect(policies.find(({ principal }) => principal === 'User:audit')?.statements[0]?.Action).toEqual([
      'kafka-cluster:Connect',
    ]);
  });

  it('name what IAM cannot say', () => {
    const input = {
      ...{ site: 'a' as const, owners: { a: 'a_', b: 'b_' }, principals: { umbra: 'User:umbra' } },
      applications: [{ principal: 'User:x', host: '10.0.0.7', writes: undefined, reads: 'b_' }],
    };
    const { policies, omitted } = renderIamStatements(renderSiteGrants(input), clusterArn);
    expect(policies.map(({ principal }) => principal)).toEqual(['User:umbra']);
    expect(omitted.map(({ grant, why }) => [grant.resource.resourceType, why])).toEqual([
      ['TOPIC', 'IAM does not tell hosts apart, and this is for 10.0.0.7 only'],
      ['GROUP', 'IAM does not tell hosts apart, and this is for 10.0.0.7 only'],
    ]);
  });

  it.each(['', 'orders', 'arn:aws:kafka:eu-west-1:111122223333:topic/orders/1a2b-3', `${clusterArn}/*`])(
    'are not made for %j, which is no ARN of a cluster',
    (arn) => {
      expect(() => renderIamStatements([], arn)).toThrow(/is no ARN of an MSK cluster/);
    },
  );
});
