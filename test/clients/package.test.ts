import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from '../../src/local/run-command.ts';

const project = join(import.meta.dirname, '..', '..');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const made: string[] = [];
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))));

async function node(args: readonly string[]): Promise<string> {
  const bounds = { env: process.env, signal: new AbortController().signal, timeoutMs: 60_000 };
  const { exitCode, output } = await runCommand(process.execPath, args, bounds);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}:\n${output}`);
  return output;
}

test('an application that has umbra among its packages imports umbra/kafkajs and gives it to kafkajs', async () => {
  const application = await mkdtemp(join(tmpdir(), 'umbra-app-'));
  made.push(application);
  const umbra = join(application, 'node_modules', 'umbra');
  await mkdir(umbra, { recursive: true });
  await cp(join(project, 'package.json'), join(umbra, 'package.json'));
  await node([tsc, '--project', join(project, 'tsconfig.clients.json'), '--outDir', join(umbra, 'dist')]);
  for (const name of ['kafkajs', '@types'])
    await symlink(join(project, 'node_modules', name), join(application, 'node_modules', name));
  const source = [
    "import { Kafka } from 'kafkajs';",
    "import { followPrimary, followProducer, saslBySite } from 'umbra/kafkajs';",
    "const follower = followPrimary({ topic: 'a_orders', workers: ['http://127.0.0.1:1'] });",
    "const of = { username: 'app', password: 'secret' };",
    "const sasl = saslBySite(follower, 'plain', { a: of, b: of });",
    'const kafka = new Kafka({ ...follower, sasl });',
    'const producer = followProducer(follower, () => kafka.producer({ idempotent: true }));',
    "console.log(typeof producer.send, follower.current() === undefined ? 'nobody yet' : 'somebody');",
    'follower.stop();',
  ].join('\n');
  await writeFile(join(application, 'app.mts'), source);
  await writeFile(join(application, 'app.mjs'), source);
  expect(await node([join(application, 'app.mjs')])).toContain('function nobody yet');
  const types = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--target',
    'es2022',
  ];
  expect(await node([tsc, ...types, '--skipLibCheck', join(application, 'app.mts')])).toBe('');
});
