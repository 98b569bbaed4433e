import http from 'node:http';
import { type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RegistryConfig, registryConfigSchema } from '../../../src/sync/schemas/registry-config.ts';
import { askRegistry } from '../../../src/sync/schemas/registry-http.ts';
import { probeRegistry } from '../../../src/sync/schemas/registry-probe.ts';

const never = new AbortController().signal;

/** Answers paths with JSON as a product does; everything else with 404. */
async function serve(
  answers: Readonly<Record<string, unknown>>,
  on: (request: http.IncomingMessage) => number = () => 200,
): Promise<string> {
  const server = http.createServer((request, response) => {
    const status = on(request);
    const body = status === 200 ? answers[request.url ?? ''] : {};
    response.writeHead(body === undefined ? 404 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { error_code: 404 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const configOf = (url: string, more: object = {}): RegistryConfig => registryConfigSchema.parse({ url, ...more });
const common = { '/mode': { mode: 'READWRITE' }, '/config': { compatibilityLevel: 'BACKWARD' } };

describe('the probe of a registry', () => {
  test('knows Karapace by its health, and whether it may write', async () => {
    const url = await serve({
      ...common,
      '/_health': {
        karapace_version: '6.2.0',
        status: { schema_registry_is_primary: false, schema_registry_is_primary_eligible: false },
        healthy: true,
      },
      '/subjects/a%2Fb/versions/1': { subject: 'a/b', version: 1, id: 7, schema: '"int"' },
    });
    const versions = [
      { subject: 'a/b', version: 1 },
      { subject: 'other', version: 2 },
    ];
    expect(await probeRegistry(configOf(`${url}/`), versions, never)).toEqual({
      kind: 'answers',
      url: `${url}/`,
      product: 'karapace',
      version: '6.2.0',
      kafkaClusterId: undefined,
      eligible: false,
      leads: false,
      mode: 'READWRITE',
      compatibility: 'BACKWARD',
      versions: [
        { subject: 'a/b', version: 1, id: 7 },
        { subject: 'other', version: 2, id: undefined },
      ],
    });
  });

  test('knows Confluent by its metadata, and which cluster holds its log', async () => {
    const clusters = { 'kafka-cluster': 'one', 'schema-registry-cluster': 'schema-registry' };
    const url = await serve({
      ...common,
      '/v1/metadata/id': { scope: { path: [], clusters }, id: '' },
      '/v1/metadata/version': { version: '8.1.0', commitId: 'x' },
    });
    expect(await probeRegistry(configOf(url), [], never)).toMatchObject({
      product: 'confluent',
      version: '8.1.0',
      kafkaClusterId: 'one',
      eligible: undefined,
    });
  });

  test('knows Apicurio by its own API beside the compatible one', async () => {
    const url = await serve({
      '/apis/ccompat/v7/mode': { mode: 'READWRITE' },
      '/apis/registry/v3/system/info': { name: 'Apicurio Registry (Kafka)', version: '3.3.3' },
    });
    expect(await probeRegistry(configOf(`${url}/apis/ccompat/v7`), [], never)).toMatchObject({
      product: 'apicurio',
      version: '3.3.3',
    });
  });

  test('something that is no registry, and nothing at all, are told apart from one that asks for a password', async () => {
    const other = await serve({ '/mode': { hello: 'world' } });
    expect(await probeRegistry(configOf(other), [], never)).toMatchObject({
      kind: 'unreachable',
      why: expect.stringContaining('no schema registry') as string,
    });
    expect(await probeRegistry(configOf('http://127.0.0.1:1'), [], never)).toMatchObject({
      kind: 'unreachable',
      why: expect.stringContaining('refuses connections') as string,
    });
    const wanted = `Basic ${Buffer.from('u:p').toString('base64')}`;
    const guarded = await serve(common, ({ headers }) => (headers.authorization === wanted ? 200 : 401));
    expect(await probeRegistry(configOf(guarded), [], never)).toMatchObject({ kind: 'refused', status: 401 });
    const known = configOf(guarded, { username: 'u', password: 'p' });
    expect(await probeRegistry(known, [], never)).toMatchObject({ kind: 'answers', product: 'unknown' });
    expect(JSON.stringify(known)).not.toContain('"p"');
  });

  test('an answer that is too large or does not come is given up', async () => {
    const url = await serve({ '/big': 'x'.repeat(5000) });
    const limits = { timeoutMs: 5_000, bytesMax: 1000 };
    expect(await askRegistry(configOf(url), '/big', { signal: never, limits })).toMatchObject({
      kind: 'unreachable',
      why: expect.stringContaining('larger than 1000 bytes') as string,
    });
    const silent = http.createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    expect(
      await askRegistry(configOf(`http://127.0.0.1:${port}`), '/', {
        signal: never,
        limits: { timeoutMs: 50, bytesMax: 1 },
      }),
    ).toEqual({ kind: 'unreachable', why: `no answer from 127.0.0.1:${port} within 50 ms` });
  });

  test('a URL with a password in it, another protocol, or a name without password is refused', () => {
    for (const wrong of [
      { url: 'https://user:secret@host' },
      { url: 'ftp://host' },
      { url: 'host:8081' },
      { url: 'http://host', username: 'u' },
    ]) {
      const parsed = registryConfigSchema.safeParse(wrong);
      expect(parsed.success).toBe(false);
      expect(JSON.stringify(parsed.error?.issues)).not.toContain('secret');
    }
  });
});
