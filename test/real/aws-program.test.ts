import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3Documents } from '../../src/aws/s3-documents.ts';
import { sites } from '../../src/pair/site.ts';
import { linkId } from '../../src/pair/spec.ts';
import { type ChannelSite, startChannelSite } from '../fixtures/channel-site.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';
import { awsConfig, canaryPassword, evidenceKey, newKey, ownPassword, regions } from '../infra/aws/settings.ts';
import { madeUp } from '../infra/fake-aws/resources.ts';
import { placeFakeAws } from '../infra/fake-aws/place.ts';
import type { LoggedRequest } from '../infra/fake-aws/server.ts';
import { openStack, type TestStack } from '../infra/real-engine.ts';
import { testFolder } from '../fixtures/test-root.ts';

// The whole program for AWS under the real engine, with umbra's own provider. What is not real: the AWS provider
// (test/infra/fake-aws); S3, which is moto; and the workers behind the buckets (test/fixtures/channel-site.ts), which copy nothing.

const testMs = 240_000;
const golden = join(import.meta.dirname, '../infra/aws/urns.txt');
const guardRails = join(import.meta.dirname, '../../infra/policy/guard-rails');
const secretPaths = [
  ...['umbra:aws.sites.a.scramUsers[1].password', 'umbra:aws.canary.password', 'umbra:aws.evidenceKey'],
];

let aws: AwsServer;
let notUsed: () => void;
let stack: TestStack;
let log: string;
let answering: readonly ChannelSite[] = [];
/** Of a stack that does not exist yet. */
let plan: Plan;

beforeAll(async () => {
  log = join(testFolder('fake-aws'), 'requests.jsonl');
  aws = await startAwsServer();
  notUsed = useAwsServer(aws);
  const env = { ...aws.env, UMBRA_FAKE_AWS_LOG: log, UMBRA_FAKE_AWS_S3_ENDPOINT: aws.url };
  stack = await openStack({ prepare: placeFakeAws, env });
  const values = Object.entries(settingsByPath(awsConfig()));
  const [secret, plain] = [true, false].map((wanted) =>
    values.filter(([path]) => secretPaths.includes(path) === wanted),
  );
  await stack.setConfig(Object.fromEntries(plain ?? []), Object.fromEntries(secret ?? []));
  plan = await previewed();
}, testMs);

afterAll(async () => {
  await Promise.all(answering.map((site) => site.stop()));
  notUsed();
  await aws.stop();
}, testMs);

/** Those who look into the buckets of this plan, whether the buckets are there already or not. */
function startSites(): readonly ChannelSite[] {
  return sites.map((site) => {
    const spec = plan.steps.find(({ urn }) => nameOf(urn) === `pair-${site}-spec`);
    const bucket = String(spec?.newState?.inputs?.['bucket']);
    const documents = new S3Documents({ bucket, region: regions[site], prefix: 'pair/' });
    return startChannelSite({ pair: 'pair', site, documents });
  });
}

/** A step of a plan, as `preview --json` shows it. */
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly newState?: {
    readonly type: string;
    readonly provider?: string;
    readonly inputs?: Readonly<Record<string, unknown>>;
    readonly aliases?: readonly string[];
  };
}

interface Plan {
  readonly steps: readonly Step[];
}

async function previewed(): Promise<Plan> {
  const run = await stack.pulumi('preview', '--json');
  const json = run.text.slice(run.text.indexOf('{\n'), run.text.lastIndexOf('\n}') + 2);
  expect(run.code, run.text).toBe(0);
  return JSON.parse(json) as Plan;
}

/** What the stand-in for AWS was asked, in order; previews apart. */
async function requests(): Promise<readonly LoggedRequest[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as LoggedRequest).filter(({ preview }) => !preview);
}

/** Without stack and project. */
function shortUrn(urn: string): string {
  return urn.split('::').slice(2).join(' ');
}

function nameOf(urn: string): string {
  return urn.split('::').at(-1) ?? '';
}

describe('pulumi up, target aws', { timeout: testMs }, () => {
  test('no resource vanishes from the plan: its URN, or an alias of it, is still there', async () => {
    const planned = plan.steps.map(({ urn }) => shortUrn(urn));
    const aliases = plan.steps.flatMap(({ newState }) => (newState?.aliases ?? []).map(shortUrn));
    const before = (await readFile(golden, 'utf8')).split('\n').filter((line) => line !== '');
    expect(before.filter((urn) => !planned.includes(urn) && !aliases.includes(urn))).toEqual([]);
    expect(planned.length).toBeGreaterThan(200);
    // A new one is added by "vitest -u".
    await expect(`${[...planned].sort().join('\n')}\n`).toMatchFileSnapshot(golden);
  });

  test('sites that are exchanged are the two subtrees exchanged, and nothing else', async () => {
    const swapped = await stack.configured(swappedSettings(), previewed);
    expect(ofSites(swapped, (text) => text)).toEqual(ofSites(plan, exchanged));
  });

  test('up makes it all: each resource by the provider of its region, no password in a request or in the state', async () => {
    answering = startSites();
    const run = await stack.up('--skip-preview');
    expect(run.errors, run.text).toEqual([]);
    expect(run.text).toContain('estimate, not a quote');
    expect(answering.map(({ inForce }) => inForce.links.map(linkId))).toEqual([['b-a'], ['a-b']]);
    expect(answering.map(({ inForce }) => inForce.drills.map(({ name }) => name))).toEqual([[], ['lose-a']]);
    const asked = await requests();
    const created = asked.filter(({ method }) => method === 'create');
    expect(created).toHaveLength(plan.steps.filter(({ newState }) => newState?.type.startsWith('aws:')).length);
    for (const { name, region } of created) expect(region, name).toBe(regions[sideOf(name)]);
    for (const { newState, urn } of plan.steps.filter((step) => step.newState?.type.startsWith('aws:'))) {
      expect(newState?.provider, urn).toContain(`pulumi:providers:aws::pair-${sideOf(nameOf(urn))}-provider::`);
    }
    const texts = [await readFile(log, 'utf8'), ...(await stack.stateFiles()), ...stack.shown];
    expect(texts[0]).toContain('"secretString":"****"');
    // Where a secret stands, with what is around it.
    const found = texts.flatMap((text) =>
      [ownPassword, madeUp, canaryPassword, evidenceKey.split('\n')[1] ?? ''].flatMap((secret) => {
        const at = text.indexOf(secret);
        return at < 0 ? [] : [text.slice(Math.max(0, at - 300), at)];
      }),
    );
    expect(found).toEqual([]);
    expect((await stack.resources()).filter((resource) => resource.startsWith('pulumi:providers:aws default'))).toEqual(
      [],
    );
  });

  test('a second preview has nothing to do, though AWS would make up other passwords', async () => {
    const run = await stack.pulumi('preview', '--expect-no-changes');
    expect(run.code, run.text).toBe(0);
  });

  test('the guard rails let it pass also when everything in it is known', async () => {
    const run = await stack.pulumi('preview', '--policy-pack', guardRails);
    expect(run.text).toContain('umbra@v0.1.0');
    expect(run.text).not.toMatch(/\[(mandatory|advisory)\]/);
    expect(run.code, run.text).toBe(0);
  });

  test('another version of Kafka is two clusters updated, and nothing else', async () => {
    await stack.setConfig({ 'umbra:aws.kafkaVersion': '4.1.x.kraft' });
    const before = (await requests()).length;
    const run = await stack.up('--skip-preview');
    expect(run.errors, run.text).toEqual([]);
    const asked = (await requests()).slice(before).filter(({ method }) => method !== 'invoke');
    expect(asked.map(({ method, name }) => `${method} ${name}`).sort()).toEqual([
      'update pair-a-cluster',
      'update pair-b-cluster',
    ]);
    for (const { inputs } of asked) expect(inputs['kafkaVersion']).toBe('4.1.x.kraft');
  });

  test('sites cannot be exchanged where there are clusters: they are protected', async () => {
    const run = await stack.configured(swappedSettings(), () => stack.pulumi('preview'));
    expect(run.code).not.toBe(0);
    for (const site of ['a', 'b']) {
      expect(run.errors).toContainEqual(
        expect.stringMatching(new RegExp(`^unable to replace resource .*::pair-${site}-cluster"`)),
      );
    }
  });

  test('destroy is refused before anything is deleted', async () => {
    const before = await stack.resources();
    const run = await stack.pulumi('destroy', '--yes');
    expect(run.code).not.toBe(0);
    for (const site of ['a', 'b']) {
      expect(run.errors).toContainEqual(expect.stringMatching(new RegExp(`::pair-${site}-cluster" cannot be deleted`)));
    }
    expect((await requests()).filter(({ method }) => method === 'delete')).toEqual([]);
    expect(await stack.resources()).toEqual(before);
  });

  test('with both clusters unprotected all goes but the buckets, what guards them, and the keys', async () => {
    for (const { urn } of plan.steps.filter((step) => step.urn.endsWith('-cluster'))) {
      const run = await stack.pulumi('state', 'unprotect', urn, '--yes');
      expect(run.code, run.text).toBe(0);
    }
    const run = await stack.pulumi('destroy', '--yes');
    expect(run.errors, run.text).toEqual([]);
    expect(await stack.resources()).toEqual([]);
    const deleted = (await requests()).filter(({ method }) => method === 'delete').map(({ name }) => name);
    const made = (await requests()).filter(({ method }) => method === 'create');
    const left = made.filter(({ name }) => !deleted.includes(name)).map(({ type }) => type.split('/')[0]);
    expect([...new Set(left)].sort()).toEqual(['aws:kms', 'aws:s3']);
    expect(deleted.filter((name) => /-(?:spec|evidence|quarantine|key)\b/.test(name))).toEqual([]);
    expect(answering.map(({ inForce }) => inForce.links)).toEqual([[], []]);
  });
});

/** Of names such as `pair-a-vpc`. Of the connection between the sites, a asks and b accepts. */
function sideOf(name: string): 'a' | 'b' {
  if (name === 'pair-peering-request') return 'a';
  if (name === 'pair-peering-accept') return 'b';
  return name.startsWith('pair-a-') ? 'a' : 'b';
}

/** `umbra:aws` as JSON → one path per value, as `pulumi config set --path` takes them. */
function settingsByPath(config: Readonly<Record<string, string>>): Record<string, string> {
  const walk = (path: string, value: unknown): readonly (readonly [string, string])[] => {
    if (Array.isArray(value)) return value.flatMap((item, index) => walk(`${path}[${index}]`, item));
    if (typeof value !== 'object' || value === null) return [[path, String(value)]];
    return Object.entries(value).flatMap(([name, member]) => walk(`${path}.${name}`, member));
  };
  return Object.fromEntries(Object.entries(config).flatMap(([key, text]) => walk(key, parsedOrText(text))));
}

function parsedOrText(text: string): unknown {
  return /^[[{]/.test(text) ? JSON.parse(text) : text;
}

/** The same two sites, each in the place of the other; everything that names a site goes with it. */
function swappedSettings(): Readonly<Record<string, unknown>> {
  const config = Object.entries(awsConfig()).map(([key, text]) => [
    key,
    parsedOrText(key.startsWith('pulumi:') ? text : exchanged(text)),
  ]);
  const values = Object.fromEntries(config) as Record<string, unknown>;
  const swapped = { ...values, 'umbra:target': 'aws', 'umbra:schemaPrimary': 'b' };
  // A plan as JSON shows settings as they are given, and these are given in clear.
  const shown = JSON.stringify(swapped)
    .replaceAll(ownPassword, 'a-password-of-nobody')
    .replaceAll(canaryPassword, 'a-password-of-nobody')
    .replaceAll(JSON.stringify(evidenceKey).slice(1, -1), JSON.stringify(newKey()).slice(1, -1));
  return JSON.parse(shown) as Record<string, unknown>;
}

/** Every `a` that stands alone becomes a `b`, and the other way round: `pair-a-vpc`, `"a"`, `a_`, `a-b`. */
function exchanged(text: string): string {
  return text.replace(/(?<![A-Za-z0-9])[ab](?![A-Za-z0-9])/g, (letter) => (letter === 'a' ? 'b' : 'a'));
}

/** Name → type and inputs of what belongs to a site, as text. Words of people, and what the name alone decides, are left out. */
function ofSites({ steps }: Plan, changed: (text: string) => string): ReadonlyMap<string, string> {
  const found = steps.flatMap(({ urn, newState }): readonly (readonly [string, string])[] => {
    const name = nameOf(urn);
    if (newState === undefined || !/^pair-[ab](?:-|$)/.test(name)) return [];
    const { alarmDescription: _alarm, description: _description, ...inputs } = newState.inputs ?? {};
    const text = JSON.stringify(inputs).replaceAll(/-[0-9a-f]{7}\b/g, '-auto');
    const provider = nameOf((newState.provider ?? '').split('::').slice(0, -1).join('::'));
    return [[changed(name), `${newState.type} by ${changed(provider)}: ${sorted(changed(text))}`]];
  });
  return new Map([...found].sort(([left], [right]) => left.localeCompare(right)));
}

function sorted(json: string): string {
  const inOrder = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => left.localeCompare(right)))
      : value;
  return JSON.stringify(JSON.parse(json, inOrder));
}
