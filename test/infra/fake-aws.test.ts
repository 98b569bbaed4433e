import { describe, expect, test } from 'vitest';
import { SecretProperty, unknownValue } from '../../src/provider/server/property.ts';
import { checkFake, createFake, replacedBy, updateRefusal } from './fake-aws/resources.ts';
import { objectionsTo, schemaOf } from './fake-aws/schema.ts';

const cluster = 'aws:msk/cluster:Cluster';
const brokers = { instanceType: 'kafka.m7g.large', clientSubnets: ['subnet-1'], securityGroups: ['sg-1'] };
const right = { kafkaVersion: '4.1.x.kraft', numberOfBrokerNodes: 3, brokerNodeGroupInfo: brokers };

describe('the stand-in for the AWS provider', () => {
  test('takes what the types of the package allow, also where it is secret or not known yet', () => {
    expect(objectionsTo(cluster, right)).toEqual([]);
    const kafkaVersion = new SecretProperty('4.1.x.kraft');
    expect(objectionsTo(cluster, { ...right, kafkaVersion, brokerNodeGroupInfo: unknownValue })).toEqual([]);
  });

  test('names what the types do not have, what is missing and what is of another kind, with its path', () => {
    const { securityGroups: _none, ...fewer } = brokers;
    const wrong = {
      ...right,
      numberOfBrokerNodes: '3',
      brokerNodeGroupInfo: { ...fewer, zones: 3, clientSubnets: 'x' },
    };
    expect([...objectionsTo(cluster, { ...wrong, publicAccess: true })].sort()).toEqual([
      'brokerNodeGroupInfo.clientSubnets: is not a list',
      'brokerNodeGroupInfo.securityGroups: is required',
      'brokerNodeGroupInfo.zones: is not an input',
      'numberOfBrokerNodes: is not a number',
      'publicAccess: is not an input',
    ]);
  });

  test('has no type that the package does not have', () => {
    expect(() => schemaOf('aws:msk/clustr:Clustr')).toThrow();
  });

  test('gives a name once, by its prefix where there is one', () => {
    const secret = 'aws:secretsmanager/secret:Secret';
    const { inputs } = checkFake({ type: secret, name: 'one', inputs: { namePrefix: 'AmazonMSK_' } }, {});
    expect(inputs['name']).toMatch(/^AmazonMSK_[0-9a-f]{7}$/);
    const again = { name: 'AmazonMSK_of-before' };
    expect(checkFake({ type: secret, name: 'one', inputs: {} }, again).inputs).toEqual(again);
  });

  test('makes up ARNs in the shape of the real ones', () => {
    const { id, outputs } = createFake({
      type: cluster,
      name: 'pair-a-cluster',
      region: 'eu-west-1',
      inputs: { clusterName: 'x' },
    });
    expect(id).toMatch(/^arn:aws:kafka:eu-west-1:\d{12}:cluster\/x\/[0-9a-f-]+$/);
    expect(outputs['arn']).toBe(id);
  });

  test('a cluster by another name is another cluster, and no version goes back', () => {
    expect(replacedBy(cluster, ['clusterName', 'kafkaVersion'])).toEqual(['clusterName']);
    const version = (kafkaVersion: string): { kafkaVersion: string } => ({ kafkaVersion });
    expect(updateRefusal(cluster, version('4.1.x.kraft'), version('4.0.x.kraft'))).toMatch(/cannot be lowered/);
    expect(updateRefusal(cluster, version('3.9.x.kraft'), version('4.0.x.kraft'))).toBeUndefined();
  });
});
