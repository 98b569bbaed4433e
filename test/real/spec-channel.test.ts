import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { S3Documents } from '../../src/aws/s3-documents.ts';
import { DeclaredSite } from '../../src/channel/declared-site.ts';
import {
  documentNames,
  parseSpecDocument,
  renderSpecDocument,
  type SpecDocument,
} from '../../src/channel/spec-document.ts';
import { parseStatusDocument, type StatusDocument } from '../../src/channel/status-document.ts';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';
import type { LinkSpec } from '../../src/pair/spec.ts';
import { declaredPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { Problem } from '../../src/worker/problems.ts';
import { type ChannelSite, startChannelSite } from '../fixtures/channel-site.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';
import { eventually } from '../fixtures/wait.ts';

const of = { pair: 'test', site: 'b' } as const;
const link: LinkSpec = { from: 'a', to: 'b', gap: 'fault' };
const policy = declaredPolicySchema.parse({ owners: { a: 'a_', b: 'b_' } });
const boundMs = 60_000;
const signal = (): AbortSignal => AbortSignal.timeout(boundMs);

let aws: AwsServer;
let notUsed: () => void;
let documents: S3Documents;
let site: ChannelSite;
let buckets = 0;
let bucket: string;

beforeAll(async () => {
  aws = await startAwsServer();
  notUsed = useAwsServer(aws);
}, boundMs);

afterAll(() => aws.stop().finally(notUsed));

beforeEach(async () => {
  buckets += 1;
  bucket = `spec-of-test-${buckets}`;
  await aws.makeBucket(bucket);
  documents = new S3Documents({ bucket, region: 'eu-west-1', prefix: 'pair/' });
  site = startChannelSite({ ...of, documents });
});

afterEach(() => site.stop());

/** What the next leader of the site finds. */
function storedBy({
  inForce,
  judged,
  knownTo,
}: ChannelSite): NonNullable<Parameters<typeof startChannelSite>[0]['stored']> {
  return { inForce, judged: judged(), knownTo: knownTo() };
}

/** Somebody who declares, as the Pulumi provider does. */
function declarer(
  patienceMs = boundMs,
  progress: (line: string) => void = () => undefined,
  nowMs: () => number = Date.now,
): DeclaredSite {
  const clock = { nowMs, sleep: (ms: number, until: AbortSignal) => sleep(ms, undefined, { signal: until }) };
  return new DeclaredSite({ ...of, documents, clock, progress, patienceMs, lookAgainMs: 50 });
}

async function spec(): Promise<SpecDocument> {
  const read = await documents.read(documentNames.spec, { etag: undefined }, signal());
  const parsed = read.kind === 'found' ? parseSpecDocument(read.text, of) : undefined;
  if (parsed?.kind !== 'accepted') throw new Error(`there is no sound document: ${JSON.stringify(parsed ?? read)}`);
  return parsed.document;
}

async function status(holds: (status: StatusDocument) => boolean): Promise<StatusDocument> {
  return eventually('the status says so', async () => {
    const read = await documents.read(documentNames.status, { etag: undefined }, signal());
    const told = read.kind === 'found' ? parseStatusDocument(read.text) : undefined;
    return told !== undefined && holds(told) ? told : undefined;
  });
}

/** Past the conditions by which writers of the product take care of each other. */
async function overwrite(text: string): Promise<void> {
  const read = await documents.read(documentNames.spec, { etag: undefined }, signal());
  const replaces = read.kind === 'found' ? read.etag : undefined;
  expect(await documents.write(documentNames.spec, text, { replaces }, signal())).toMatchObject({ kind: 'written' });
}

async function declareAll(): Promise<void> {
  await declarer().putPrefixPolicy(policy, signal());
  await declarer().putSchemaPrimary({ site: 'a' }, signal());
  await declarer().putLink(link, signal());
}

async function deleted(name: string): Promise<void> {
  const client = new S3Client({ region: 'eu-west-1' });
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `pair/${name}` }));
  client.destroy();
}

describe('what is declared by a document', { timeout: boundMs }, () => {
  test('is in force when the status of its revision says so, and declaring it again writes nothing', async () => {
    await declareAll();
    expect(site.inForce).toEqual({ prefixPolicy: policy, schemaPrimary: { site: 'a' }, links: [link], drills: [] });
    const told = await status(({ judged }) => judged?.revision === 3);
    expect(told).toMatchObject({ channel: { state: 'following', revision: 3 }, judged: { outcome: 'applied' } });
    expect(told.view.links.map(({ id }) => id)).toEqual(['a-b']);
    await declareAll();
    expect((await spec()).revision).toBe(3);
  });

  test('of drills is by name: each comes, changes and goes by itself, and a refused one is taken back', async () => {
    const canary = drillSpecSchema.parse({ name: 'canary', level: 'L2', site: 'b' });
    const ready = drillSpecSchema.parse({ name: 'ready', level: 'L0', site: 'b' });
    await Promise.all([canary, ready].map((drill) => declarer().putDrill(drill, signal())));
    await declarer().putDrill({ ...canary, hold: '5s' }, signal());
    expect(site.inForce.drills).toEqual(expect.arrayContaining([{ ...canary, hold: '5s' }, ready]));
    site.refusals.set('drill canary', new Problem('DRILL_BUSY', 'a run of it goes on'));
    await expect(declarer().deleteDrill('canary', signal())).rejects.toMatchObject({ code: 'DRILL_BUSY' });
    site.refusals.clear();
    expect((await spec()).spec.drills?.map(({ name }) => name)).toEqual(['canary', 'ready']);
    await declarer().deleteDrill('canary', signal());
    expect(site.inForce.drills).toEqual([ready]);
  });

  test('of several resources at once all is in force: no writer overwrites what he has not seen', async () => {
    await Promise.all([
      declarer().putPrefixPolicy(policy, signal()),
      declarer().putSchemaPrimary({ site: 'a' }, signal()),
      declarer().putLink(link, signal()),
    ]);
    const { revision, spec: declared } = await spec();
    expect(revision).toBe(3);
    expect(declared).toMatchObject({ prefixPolicy: policy, schemaPrimary: { site: 'a' }, links: [link] });
    expect(site.inForce.links).toEqual([link]);
  });

  test('of one section by two at once, one is told that somebody else was there', async () => {
    await declareAll();
    const results = await Promise.allSettled([
      declarer().putLink({ ...link, gap: 'fill' }, signal()),
      declarer().putLink({ ...link, acls: { leaks: 'refuse' } }, signal()),
    ]);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Problem] : []));
    // Whoever came second may also have begun after the first had ended: then his word is the last one.
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'PLAN_CHANGED' });
    expect(reasons.length).toBeLessThan(2);
    await status(({ judged }) => judged?.revision === 5 - reasons.length);
    expect((await spec()).spec.links).toEqual(site.inForce.links);
  });

  test('and refused is taken back, so that it does not come true some day', async () => {
    await declareAll();
    site.refusals.set('link a-b', new Problem('LINK_FOLLOWS', 'link a-b follows 1 topic (a_x)'));
    await expect(declarer().deleteLink('a-b', 'refuse', signal())).rejects.toMatchObject({
      code: 'LINK_FOLLOWS',
      message: 'link a-b follows 1 topic (a_x)',
    });
    const { revision, spec: declared } = await spec();
    expect({ revision, links: declared.links }).toEqual({ revision: 5, links: [link] });
    site.refusals.clear();
    await status(({ judged }) => judged?.revision === 5);
    expect(site.inForce.links).toEqual([link]);
  });

  test('and not answered in time: a removal is taken back, one that detaches stays written', async () => {
    await declareAll();
    await site.stop();
    const lines: string[] = [];
    const hasty = declarer(1_500, (line) => lines.push(line));
    await expect(hasty.deleteLink('a-b', 'refuse', signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect((await spec()).spec.links).toEqual([link]);
    expect(lines[0]).toMatch(/^link a-b is written for site b as revision 4; its worker has taken revision 3/);
    await expect(hasty.deleteLink('a-b', 'detach', signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect((await spec()).spec).toMatchObject({ links: [], detach: ['a-b'] });
    site = startChannelSite({ ...of, documents, stored: storedBy(site) });
    site.refusals.set('link a-b', new Problem('LINK_FOLLOWS', 'follows'));
    await eventually('the link is gone', () => (site.inForce.links.length === 0 ? true : undefined));
  });

  test('and not answered in time, or given up, is taken back: it must not come true when a worker comes', async () => {
    await declareAll();
    await site.stop();
    const filling = { ...link, gap: 'fill' as const };
    await expect(declarer(300).putLink(filling, signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
    const cancelled = new AbortController();
    const begun = declarer(boundMs, () => {
      cancelled.abort();
    }).putLink(filling, cancelled.signal);
    await expect(begun).rejects.toThrow(/abort/i);
    expect((await spec()).spec.links).toEqual([link]);
    site = startChannelSite({ ...of, documents, stored: storedBy(site) });
    const { revision } = await spec();
    await status(({ judged }) => judged?.revision === revision);
    expect(site.inForce.links).toEqual([link]);
  });

  test('is not taken back where somebody else has declared another thing since', async () => {
    await declareAll();
    await site.stop();
    const others = { ...link, acls: { leaks: 'refuse' as const } };
    const second = Promise.withResolvers<undefined>();
    let asked = false;
    const first = declarer(2_000, () => {
      if (asked) return;
      asked = true;
      void declarer(300)
        .putLink(others, AbortSignal.timeout(250))
        .catch(() => second.resolve(undefined));
    }).putLink({ ...link, gap: 'fill' }, signal());
    await second.promise;
    await expect(first).rejects.toThrow();
    // Both came to nothing, so what is in force is what is declared.
    expect((await spec()).spec.links).toEqual([link]);
  });

  test('and was left refused by somebody who died stands in nobody’s way, and never comes true', async () => {
    await declareAll();
    const { spec: declared } = await spec();
    const refused = declaredPolicySchema.parse({ owners: { a: 'x_', b: 'y_' } });
    site.refusals.set('prefix policy', new Problem('POLICY_IN_USE', 'the link a-b runs under the present prefixes'));
    const writtenAt = new Date().toISOString();
    await overwrite(
      renderSpecDocument({ site: 'b', revision: 4, writtenAt, spec: { ...declared, prefixPolicy: refused } }),
    );
    await status(({ channel }) => channel.state === 'refused');
    await declarer().putLink({ ...link, gap: 'fill' }, signal());
    expect(site.inForce).toMatchObject({ prefixPolicy: policy, links: [{ gap: 'fill' }] });
    site.refusals.clear();
    await declarer().putLink(link, signal());
    expect(site.inForce).toMatchObject({ prefixPolicy: policy, links: [link] });
    expect((await spec()).spec.prefixPolicy).toEqual(policy);
  });

  test('and cannot be applied yet is tried again until it can', async () => {
    await declareAll();
    site.refusals.set('link a-b', new Problem('NOT_READY', 'the source does not answer'));
    const declared = declarer().putLink({ ...link, gap: 'fill' }, signal());
    const told = await status(({ channel }) => channel.state === 'pending');
    expect(told.channel.reason).toBe('link a-b: the source does not answer');
    expect(site.inForce.links).toEqual([link]);
    site.refusals.clear();
    await declared;
    expect(site.inForce.links).toEqual([{ ...link, gap: 'fill' }]);
  });

  test('is not judged twice, whoever leads: another worker goes on where the one before was', async () => {
    await declareAll();
    await site.stop();
    const { inForce } = site;
    const api = { ...inForce, links: [{ ...link, gap: 'fill' as const }] };
    site = startChannelSite({ ...of, documents, stored: { ...storedBy(site), inForce: api } });
    await status(({ spec: now }) => now.links[0]?.gap === 'fill');
    expect(site.inForce).toBe(api);
    // Who declares it again means it.
    await declarer().putLink(link, signal());
    expect(site.inForce.links).toEqual([link]);
    expect((await spec()).revision).toBe(4);
  });

  test('leaves the schema primary alone where that role has moved since', async () => {
    await declareAll();
    site.inForce = { ...site.inForce, schemaPrimary: { site: 'b' } };
    site.refusals.set('schema primary', new Problem('SCHEMAS_FOLLOW', 'they follow'));
    await declarer().putLink({ ...link, gap: 'fill' }, signal());
    await declarer().putSchemaPrimary({ site: 'a' }, signal());
    expect(site.inForce.schemaPrimary).toEqual({ site: 'b' });
    expect((await spec()).revision).toBe(4);
  });
});

describe('a document that must not be taken', { timeout: boundMs }, () => {
  test('an older revision is refused and told; the next declaration is a newer one', async () => {
    await declareAll();
    const { spec: declared } = await spec();
    const old: Parameters<typeof renderSpecDocument>[0] = {
      site: 'b',
      revision: 2,
      writtenAt: new Date().toISOString(),
      spec: { ...declared, links: [] },
    };
    await overwrite(renderSpecDocument(old));
    const told = await status(({ channel }) => channel.state === 'stale');
    expect(told.channel.reason).toContain('revision 2 is older than 3');
    expect(site.inForce.links).toEqual([link]);
    // Another one under the same number is none either.
    await overwrite(renderSpecDocument({ ...old, revision: 3 }));
    await status(({ channel }) => channel.reason?.includes('another one than the revision 3') === true);
    expect(site.inForce.links).toEqual([link]);
    await declarer().putLink(link, signal());
    expect(await spec()).toMatchObject({ revision: 4, spec: { links: [link] } });
    await status(({ channel }) => channel.state === 'following');
  });

  test.each([
    { what: 'was cut off', change: (text: string) => text.slice(0, 100), says: 'is no JSON' },
    {
      what: 'was edited by hand',
      change: (text: string) => text.replace('"fault"', '"fill"'),
      says: 'does not have the hash',
    },
    {
      what: 'is of another site',
      change: (text: string) => text.replace('"site": "b"', '"site": "a"'),
      says: 'is of site a',
    },
    { what: 'is of another pair', change: (text: string) => text.replace('"test"', '"other"'), says: 'pair "other"' },
    {
      what: 'is of another version',
      change: (text: string) => text.replace('"version": 1', '"version": 9'),
      says: 'version',
    },
  ])('one that $what: what was in force stays, and a declaration mends it', async ({ change, says }) => {
    await declareAll();
    const read = await documents.read(documentNames.spec, { etag: undefined }, signal());
    await overwrite(change(read.kind === 'found' ? read.text : ''));
    const told = await status(({ channel }) => channel.state === 'invalid');
    expect(told.channel.reason).toContain(says);
    expect(site.inForce).toEqual({ prefixPolicy: policy, schemaPrimary: { site: 'a' }, links: [link], drills: [] });
    await declarer().putLink(link, signal());
    expect(await spec()).toMatchObject({ revision: 4, spec: { prefixPolicy: policy, links: [link] } });
  });

  test('one that is lost is told; all of it is in force, and written again by whoever declares next', async () => {
    await declareAll();
    await deleted(documentNames.spec);
    const told = await status(({ channel }) => channel.state === 'lost');
    expect(told.channel).toMatchObject({ revision: 3, reason: expect.stringContaining('pulumi up') as string });
    expect(site.inForce.links).toEqual([link]);
    await declarer().putSchemaPrimary({ site: 'a' }, signal());
    expect(await spec()).toMatchObject({ revision: 4, spec: { prefixPolicy: policy, links: [link] } });
    await status(({ channel }) => channel.state === 'following');
  });

  test('neither of them is what the next declaration of another section is made of', async () => {
    await declareAll();
    const { spec: declared } = await spec();
    const writtenAt = new Date().toISOString();
    await overwrite(renderSpecDocument({ site: 'b', revision: 2, writtenAt, spec: { ...declared, links: [] } }));
    const other = declaredPolicySchema.parse({ ...policy, unowned: 'refuse' });
    await declarer().putPrefixPolicy(other, signal());
    expect(site.inForce).toMatchObject({ prefixPolicy: other, links: [link] });
    await site.stop();
    await deleted(documentNames.spec);
    // Nobody leads for an hour: what the site said last is still the newest word.
    const later = declarer(
      300,
      () => undefined,
      () => Date.now() + 3_600_000,
    );
    await expect(later.putPrefixPolicy(policy, signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect((await spec()).spec).toMatchObject({ prefixPolicy: other, links: [link] });
    site = startChannelSite({ ...of, documents, stored: storedBy(site) });
    await status(({ channel }) => channel.state === 'following');
    expect(site.inForce).toMatchObject({ prefixPolicy: other, links: [link] });
  });

  test('a worker that does not know yet that it leads no more does not overwrite what the next one said', async () => {
    await declareAll();
    const before = storedBy(site);
    await declarer().putLink({ ...link, gap: 'fill' }, signal());
    const old = startChannelSite({ ...of, documents, stored: { ...before, knownTo: before.knownTo - 1n } });
    try {
      await eventually('it has looked and told', () => old.view());
      // Whatever it did, it did it before it looks again.
      await eventually('it has looked again', () => (old.judged()?.revision === 4 ? true : undefined));
      const told = await status(({ judged }) => judged !== undefined);
      expect(told).toMatchObject({ judged: { revision: 4 }, knownTo: String(site.knownTo()) });
    } finally {
      await old.stop();
    }
  });

  test('while the service does not answer, what was in force is in force', async () => {
    await declareAll();
    const broken = useAwsServer({ ...aws, env: { ...aws.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' } });
    const away = new S3Documents({ bucket, region: 'eu-west-1', prefix: 'pair/' });
    const cut = startChannelSite({ ...of, documents: away, stored: storedBy(site) });
    try {
      const view = await eventually('it says so', () => (cut.view()?.state === 'unreachable' ? cut.view() : undefined));
      expect(view.reason).toContain('ECONNREFUSED');
      expect(cut.inForce.links).toEqual([link]);
    } finally {
      await cut.stop();
      broken();
    }
  });

  test('before the first word of a site nothing is taken for granted', async () => {
    await site.stop();
    await deleted(documentNames.status);
    await expect(declarer().status(signal())).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(declarer(500).putLink(link, signal())).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
