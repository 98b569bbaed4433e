import { generateKeyPairSync } from 'node:crypto';

/** Settings of the target `aws` that are right, to be changed and spoiled. */

export const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

export const regions = { a: 'eu-west-1', b: 'eu-central-1' } as const;

function imageIn(region: string, name: string): string {
  return `111122223333.dkr.ecr.${region}.amazonaws.com/${name}@${digest}`;
}

/** A password that no request and no state may show. */
export const ownPassword = 'hunter2-hunter2-hunter2';

/** Another one, of the canaries; and a key that signs nothing but evidence of tests. */
export const canaryPassword = 'correct-horse-battery';
export const evidenceKey = newKey();

/** Two sites that are alike in everything but region, network and users. */
export const awsSettings = {
  sites: {
    a: {
      region: regions.a,
      network: { kind: 'new', cidr: '10.10.0.0/16' },
      brokers: { instanceType: 'kafka.m7g.large', count: 3, storageGib: 500 },
      workers: { cpu: 1024, memoryMib: 2048, min: 2, max: 6 },
      registry: { image: imageIn(regions.a, 'registry') },
      scramUsers: [{ name: 'orders' }, { name: 'billing', password: ownPassword }],
    },
    b: {
      region: regions.b,
      network: { kind: 'new', cidr: '10.20.0.0/16' },
      brokers: { instanceType: 'kafka.m7g.large', count: 3, storageGib: 500 },
      workers: { cpu: 1024, memoryMib: 2048, min: 2, max: 6 },
      registry: { image: imageIn(regions.b, 'registry') },
    },
  },
  kafkaVersion: '4.0.x.kraft',
  image: { a: imageIn(regions.a, 'umbra'), b: imageIn(regions.b, 'umbra') },
  drills: [{ name: 'lose-a', level: 'L2', schedule: 'cron(0 6 ? * TUE *)', timezone: 'Europe/Dublin', site: 'b' }],
  canary: { user: 'canary', password: canaryPassword },
  evidenceKey,
  alarmTopics: { a: `arn:aws:sns:${regions.a}:111122223333:pages` },
  tags: { team: 'streams' },
};

export const applications = {
  a: [{ principal: 'User:orders' }, { principal: 'User:billing' }, { principal: 'User:canary' }],
  b: [{ principal: 'User:canary' }],
};

/** `namespace:key` → text, as Pulumi hands it over. */
export function awsConfig(changes: object = {}, beside: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'pulumi:disable-default-providers': '["aws"]',
    'umbra:target': 'aws',
    'umbra:policy': JSON.stringify({ applications }),
    'umbra:aws': JSON.stringify({ ...awsSettings, ...changes }),
    ...beside,
  };
}

type Settings = typeof awsSettings;

/** With other values at a site. */
export function siteWith(site: 'a' | 'b', changes: object): Pick<Settings, 'sites'> {
  return { sites: { ...awsSettings.sites, [site]: { ...awsSettings.sites[site], ...changes } } };
}

/** One in which no letter stands alone: tests exchange the names of the sites in whole settings. */
export function newKey(): string {
  for (;;) {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    if (!/(?<![A-Za-z0-9])[ab](?![A-Za-z0-9])/.test(pem)) return pem;
  }
}
