import { describe, expect, test } from 'vitest';
import { clearTextSecrets, parseConfig, type PairConfig } from '../../../infra/config.ts';
import { defaultProviderRefusal } from '../../../infra/aws/program.ts';
import { asExpected } from '../wrong-configs.ts';
import { awsConfig, awsSettings, siteWith } from './settings.ts';
import { secretText, wrongAwsConfigs } from './wrong-settings.ts';

type AwsPairConfig = Extract<PairConfig, { target: 'aws' }>;

function accepted(config: Readonly<Record<string, string>>): AwsPairConfig {
  const parsed = parseConfig(config);
  if (parsed.kind === 'refused') throw new Error(parsed.lines.join('\n'));
  if (parsed.config.target !== 'aws') throw new Error('another target');
  return parsed.config;
}

describe('the setting umbra:aws', () => {
  test('has a default for everything that is no choice of the pair', () => {
    const { a, b } = awsSettings.sites;
    const least = (site: typeof a | typeof b): object => ({
      region: site.region,
      network: site.network,
      brokers: site.brokers,
    });
    const { aws } = accepted({
      'umbra:target': 'aws',
      'umbra:aws': JSON.stringify({ sites: { a: least(a), b: least(b) }, image: awsSettings.image }),
    });
    expect(aws).toMatchObject({
      ...{ kafkaVersion: '4.1.x.kraft', markers: true, peering: true, monitoring: 'PER_BROKER', drills: [], tags: {} },
      ...{ logRetentionDays: 30, exposureSecondsMax: 60, interRegionMibPerSecond: { 'a-b': 0, 'b-a': 0 } },
      sites: { a: { workers: { cpu: 1024, memoryMib: 2048, min: 2, max: 4 }, scramUsers: [], clientCidrs: [] } },
    });
  });

  test('takes one image for both sites where both have a way out', () => {
    const network = (at: number): object => ({
      ...{ kind: 'existing', vpcId: 'vpc-01234567', cidr: `10.${at}.0.0/16`, routeTableIds: ['rtb-01234567'] },
      subnetIds: ['subnet-01234567', 'subnet-01234568', 'subnet-01234569'],
    });
    const site = (id: 'a' | 'b', at: number): object => ({
      ...awsSettings.sites[id],
      network: network(at),
      registry: undefined,
    });
    const image = awsSettings.image.a;
    const { aws } = accepted(awsConfig({ sites: { a: site('a', 1), b: site('b', 2) }, image }));
    expect(aws.image).toEqual({ a: image, b: image });
  });

  test('there are at least twenty wrong ones', () => {
    expect(wrongAwsConfigs.length).toBeGreaterThanOrEqual(20);
  });

  test.each(wrongAwsConfigs)('$name: one line with the path', ({ config, line }) => {
    const parsed = parseConfig(config);
    expect(parsed).toEqual({ kind: 'refused', lines: [asExpected(line)] });
    expect(JSON.stringify(parsed)).not.toContain(secretText);
  });

  test('all wrong fields are told together', () => {
    const parsed = parseConfig(awsConfig({ kafkaVersion: '2.8', ...siteWith('b', { region: 'x', brokers: {} }) }));
    expect(parsed.kind === 'refused' && parsed.lines.map((line) => line.split(': ')[0])).toEqual([
      'umbra:aws.sites.b.region',
      'umbra:aws.sites.b.brokers.instanceType',
      'umbra:aws.sites.b.brokers.count',
      'umbra:aws.kafkaVersion',
    ]);
  });

  test('a password in clear text is pointed at', () => {
    const config = accepted(awsConfig());
    expect(clearTextSecrets(config, () => false)).toEqual([
      ...['umbra:aws.sites.a.scramUsers[1].password', 'umbra:aws.canary.password', 'umbra:aws.evidenceKey'],
    ]);
    expect(clearTextSecrets(config, (key) => key === 'umbra:aws')).toEqual([]);
  });

  test('without default providers switched off nothing is made', () => {
    expect(defaultProviderRefusal({})).toMatch(/^pulumi:disable-default-providers: must name "aws".*config set --path/);
    for (const given of ['["aws"]', '["*"]', '["gcp","aws"]']) {
      expect(defaultProviderRefusal({ 'pulumi:disable-default-providers': given })).toBeUndefined();
    }
  });
});
