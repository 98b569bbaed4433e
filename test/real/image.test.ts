import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Network, type StartedNetwork } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ApiClient, createApiClient } from '../../src/api/client.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { docker, dockerOk } from '../../src/local/docker.ts';
import { freePorts } from '../../src/local/free-port.ts';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { verifyPair } from '../../src/worker/verify-service.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { type BuiltImage, buildImage } from '../../tools/image-build.ts';
import { openCompose } from '../fixtures/compose.ts';
import { type ContainerCluster, missingEngine, startContainerCluster } from '../fixtures/container-cluster.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const missing = await missingEngine();
if (missing !== undefined) console.warn(`\nSKIPPED: nothing is proven about the image here. ${missing}\n`);

const root = join(import.meta.dirname, '../..');
const tag = 'umbra:test';
const token = 'a-token-for-the-test-of-the-image';
const owners = { a: 'a_', b: 'b_' } as const;
/** docs/deploy/image.md states it. Node is 121 MB of it. */
const imageBytesMax = 200e6;
const buildMs = 300_000;
/** How the manifests in docs/deploy start it. */
const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--network', 'none'];

const call = (): { env: NodeJS.ProcessEnv; signal: AbortSignal; timeoutMs: number } => ({
  env: process.env,
  signal: AbortSignal.timeout(buildMs),
  timeoutMs: buildMs,
});

async function build(name: string, fresh = false): Promise<{ readonly image: BuiltImage; readonly sbom: string }> {
  const work = testFolder('image');
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' };
  const signal = AbortSignal.timeout(buildMs);
  const image = await buildImage({ tag: name, fresh, work, env, signal, report: () => undefined });
  return { image, sbom: await readFile(image.sbom, 'utf8') };
}

describe.skipIf(missing !== undefined)('the image', () => {
  let built: Awaited<ReturnType<typeof build>>;
  let network: StartedNetwork;
  const clusters = new Map<SiteId, ContainerCluster>();
  const clusterOf = (site: SiteId): ContainerCluster => clusters.get(site)!;

  beforeAll(async () => {
    network = await new Network().start();
    const start = async (site: SiteId): Promise<void> => {
      clusters.set(site, await startContainerCluster(`kafka-${site}`, { network }));
    };
    const brokers = Promise.all(sites.map(start));
    built = await build(tag);
    await brokers;
  }, buildMs);
  afterAll(async () => {
    await Promise.all([...clusters.values()].map((cluster) => cluster.remove()));
    await network.stop();
    // A run leaves no 180 MB behind.
    await docker(['image', 'rm', '--force', tag], call());
    await docker(['image', 'prune', '--force', '--filter', 'label=umbra.stage=proof'], call());
  });

  test('runs as nobody of this machine, and starts with a read-only file system, no rights and no network', async () => {
    const user = await dockerOk(['image', 'inspect', '--format', '{{.Config.User}}', tag], call());
    expect(user.trim()).toBe('65532:65532');
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await dockerOk(['run', '--rm', ...hardened, tag, '--version'], call())).trim()).toBe(version);
    const script = 'process.stdout.write(`${process.getuid()}:${process.getgid()}:${process.version.split(".")[0]}`)';
    const asked = ['run', '--rm', ...hardened, '--entrypoint', 'node', tag, '--eval', script];
    expect(await dockerOk(asked, call())).toBe('65532:65532:v24');
  });

  test.each(['sh', '/bin/sh', '/bin/bash', '/bin/busybox', 'npm'])('has no %s', async (program) => {
    const tried = await docker(['run', '--rm', ...hardened, '--entrypoint', program, tag], call());
    expect([tried.exitCode, tried.output]).toEqual([127, expect.stringMatching(/no such file|not found/)]);
  });

  test('is not larger than the docs say', () => {
    expect(built.image.bytes).toBeLessThan(imageBytesMax);
    expect(built.image.bytes).toBeGreaterThan(120e6);
  });

  test('its bill of materials lies in it and beside it, and names exactly the packages that are in it', async () => {
    const inImage = ['run', '--rm', ...hardened, '--entrypoint', 'node', tag, '--print'];
    const told = await dockerOk([...inImage, 'fs.readFileSync("/umbra/sbom.cdx.json", "utf8")'], call());
    expect(told.trim()).toBe(built.sbom.trim());
    const { components } = JSON.parse(built.sbom) as {
      components: readonly { name: string; version: string; 'bom-ref': string }[];
    };
    const names = new Set(components.map(({ name, version }) => `${name}@${version}`));
    const look = `JSON.stringify(fs.globSync("/umbra/node_modules/**/package.json").filter((file) => /node_modules\\/(@[^/]+\\/)?[^/]+\\/package\\.json$/.test(file)).map((file) => JSON.parse(fs.readFileSync(file))).filter(({ name, version }) => name && version).map(({ name, version }) => name + "@" + version))`;
    const found = new Set(JSON.parse(await dockerOk([...inImage, look], call())) as readonly string[]);
    expect([...found].sort()).toEqual([...names].sort());
    expect([...names].filter((name) => /pulumi|grpc|vitest|typescript@/.test(name))).toEqual([]);
  });

  test('the same sources give the same layers', async () => {
    const again = await build('umbra:test-again', true);
    onTestFinished(() => docker(['image', 'rm', 'umbra:test-again'], call()).then(() => undefined));
    expect(again.image.layers).toEqual(built.image.layers);
    expect(again.sbom).toBe(built.sbom);
  }, 240_000);

  test('what must outlive a worker is its user’s own, on a volume too', async () => {
    const volume = 'umbra-test-quarantine';
    onTestFinished(() => docker(['volume', 'rm', volume], call()).then(() => undefined));
    const make =
      'fs.mkdirSync("/var/lib/umbra/quarantine"); process.stdout.write(fs.readdirSync("/var/lib/umbra").join())';
    const mounted = [...hardened, '--volume', `${volume}:/var/lib/umbra`, '--entrypoint', 'node', tag];
    expect(await dockerOk(['run', '--rm', ...mounted, '--eval', make], call())).toBe('quarantine');
    const declared = await dockerOk(['image', 'inspect', '--format', '{{json .Config.Volumes}}', tag], call());
    expect(JSON.parse(declared)).toEqual({ '/var/lib/umbra': {}, '/tmp': {} });
    const elsewhere = ['--entrypoint', 'node', tag, '--eval', 'fs.writeFileSync("/umbra/x", "")'];
    const refused = await docker(['run', '--rm', ...hardened, ...elsewhere], call());
    expect(refused.output).toMatch(/EROFS/);
  });

  test('a worker says what is wrong with its configuration, and nothing of what is in it', async () => {
    const secret = 'never-to-be-printed';
    const given = ['--env', `UMBRA_WORKER_CONFIG={"pair":"${secret} "}`];
    const tried = await docker(['run', '--rm', ...hardened, ...given, tag], call());
    expect(tried.exitCode).toBe(2);
    expect(tried.output).toMatch(/the variable UMBRA_WORKER_CONFIG: config\.pair: /);
    expect(tried.output).not.toContain(secret);
  });

  test('the compose file: two workers get healthy, both links copy record by record, and a stop is clean', async () => {
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    for (const site of sites) await clusterOf(site).grant(renderSiteAcls({ site, owners, principals }));
    const pair = await composePair(network, { a: clusterOf('a'), b: clusterOf('b') });
    onTestFinished(() => pair.down());
    for (const site of sites) await pair.api[site].putPrefixPolicy(owners);
    for (const site of sites) {
      await pair.api[site].putSchemaPrimary({ site: 'a' });
      await pair.api[site].putLink({ from: otherSite(site), to: site });
    }
    const values = Array.from({ length: 300 }, (_, index) => `record ${index}`);
    for (const site of sites) {
      const app = clusterOf(site).connection('app');
      await createTopic(app, `${owners[site]}boxed`, { partitions: 2 });
      await produce(app, `${owners[site]}boxed`, values);
    }
    const config = workerConfigSchema.parse({
      ...{ pair: 'boxed', site: 'a', api: { port: 0 } },
      clusters: { a: clusterOf('a').connection('umbra'), b: clusterOf('b').connection('umbra') },
    });
    await eventually('both copies are equal to their sources', async () => {
      const { totals } = await verifyPair({ config, signal: AbortSignal.timeout(30_000) });
      if (totals.recordsDifferent > 0) throw new Error('copies differ');
      return totals.recordsEqual === 600 && totals.behind === 0 ? true : undefined;
    });
    // One more at site b: whichever of the two leads, the other one reaches it by the address that it was told.
    const more = `${network.getName()}-b-2`;
    onTestFinished(() => docker(['rm', '--force', more], call()).then(() => undefined));
    await pair.compose.run('run', '--detach', '--name', more, 'worker-b');
    const ask = (path: string): Promise<string> => {
      const headers = `{ headers: { authorization: "Bearer ${token}" } }`;
      const script = `fetch("http://127.0.0.1:8080${path}", ${headers}).then((answer) => console.log(answer.status))`;
      return dockerOk(['exec', more, 'node', '--eval', script], call());
    };
    await eventually(
      'the other worker has its part',
      async () => ((await ask('/readyz')).trim() === '200' ? true : undefined),
      60_000,
    );
    expect((await ask('/v1/links')).trim()).toBe('200');
    await pair.api.b.links();
    await dockerOk(['stop', '--time', '30', more], call());
    await dockerOk(['rm', more], call());

    await pair.compose.run('stop');
    for (const site of sites) {
      expect(await pair.state(site, '{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('0 false');
      const log = await pair.compose.run('logs', '--no-color', `worker-${site}`);
      expect(log).toContain('"msg":"stopped"');
      expect(log).not.toContain(token);
    }
  }, 120_000);
});

interface ComposePair {
  readonly compose: Awaited<ReturnType<typeof openCompose>>;
  readonly api: Readonly<Record<SiteId, ApiClient>>;
  state(site: SiteId, format: string): Promise<string>;
  down(): Promise<void>;
}

/** docs/deploy/compose as it is, on the network of the clusters. Resolves when both workers are healthy and ready. */
async function composePair(
  network: StartedNetwork,
  clusters: Readonly<Record<SiteId, ContainerCluster>>,
): Promise<ComposePair> {
  const folder = testFolder('compose');
  await mkdir(folder, { recursive: true });
  const inside = { a: clusters.a.insideConnection('umbra'), b: clusters.b.insideConnection('umbra') };
  const envFile = async (site: SiteId): Promise<string> => {
    const file = join(folder, `site-${site}.env`);
    const tuning = { discoveryIntervalMs: 300, foreignWriteCheckMs: 500 };
    const config = { pair: 'boxed', site, clusters: inside, api: { host: '0.0.0.0', port: 8080 }, tuning };
    await writeFile(file, `UMBRA_WORKER_CONFIG='${JSON.stringify(config)}'\nUMBRA_API_TOKEN='${token}'\n`);
    return file;
  };
  const override = join(folder, 'override.yaml');
  await writeFile(override, `networks:\n  default:\n    external: true\n    name: ${network.getName()}\n`);
  const [portA, portB] = (await freePorts(2)) as [number, number]; // as: two were asked for
  const compose = await openCompose({
    name: `umbra-${portA}`,
    files: [join(root, 'docs/deploy/compose/compose.yaml'), override],
    env: {
      UMBRA_IMAGE: tag,
      UMBRA_SITE_A: await envFile('a'),
      UMBRA_SITE_B: await envFile('b'),
      UMBRA_PORT_A: String(portA),
      UMBRA_PORT_B: String(portB),
    },
  });
  const client = (port: number): ApiClient =>
    createApiClient({ url: `http://127.0.0.1:${port}`, token: new Secret(token) });
  const api = { a: client(portA), b: client(portB) };
  const state: ComposePair['state'] = async (site, format) => {
    const id = (await compose.run('ps', '--all', '--quiet', `worker-${site}`)).trim();
    return (await dockerOk(['inspect', '--format', format, id], call())).trim();
  };
  await compose.run('up', '--detach');
  for (const site of sites) {
    await eventually(
      `worker ${site} is healthy`,
      async () => ((await state(site, '{{.State.Health.Status}}')) === 'healthy' ? true : undefined),
      60_000,
    );
    await eventually(`worker ${site} is ready`, () => api[site].pair().then(() => true), 60_000);
  }
  const down = async (): Promise<void> => {
    await compose.run('down', '--volumes', '--timeout', '5');
  };
  return { compose, api, state, down };
}
