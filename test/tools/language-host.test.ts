import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import structPb from 'google-protobuf/google/protobuf/struct_pb.js';
import languagePb from '@pulumi/pulumi/proto/language_pb.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeLauncher } from '../../tools/language-host/launcher.ts';
import { planProgram } from '../../tools/language-host/program.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-host-'));
});

afterEach(() => rm(folder, { recursive: true }));

function request(options: Record<string, structPb.JavaScriptValue> = {}): languagePb.RunRequest {
  const info = new languagePb.ProgramInfo()
    .setRootDirectory('/clone')
    .setEntryPoint('index.ts')
    .setOptions(structPb.Struct.fromJavaScript(options));
  const run = new languagePb.RunRequest()
    .setProject('umbra')
    .setStack('local')
    .setPwd('/clone/infra')
    .setMonitorAddress('127.0.0.1:1')
    .setParallel(16)
    .setOrganization('organization')
    .setConfigsecretkeysList(['umbra:password'])
    .setInfo(info);
  run.getConfigMap().set('umbra:password', 'hunter2').set('umbra:target', 'local');
  return run;
}

test("the engine's request becomes the words of the SDK's runner", () => {
  expect(planProgram(request().setDryrun(true).setArgsList(['x']), '127.0.0.1:2').args).toEqual([
    '--monitor=127.0.0.1:1',
    '--engine=127.0.0.1:2',
    '--organization=organization',
    '--project=umbra',
    '--stack=local',
    '--pwd=/clone/infra',
    '--root-directory=/clone',
    '--parallel=16',
    '--dry-run',
    'index.ts',
    'x',
  ]);
  expect(planProgram(request(), '127.0.0.1:2').args).not.toContain('--dry-run');
});

test('configuration travels in the environment, never in the arguments that everybody sees', () => {
  const start = planProgram(request(), '127.0.0.1:2');
  expect(start.env).toEqual({
    PULUMI_CONFIG: '{"umbra:password":"hunter2","umbra:target":"local"}',
    PULUMI_CONFIG_SECRET_KEYS: '["umbra:password"]',
  });
  expect(JSON.stringify(start.args)).not.toContain('hunter2');
});

test('nodeargs of Pulumi.yaml go to Node', () => {
  expect(planProgram(request({ nodeargs: '--max-old-space-size=512  --trace-warnings' }), '').nodeArgs).toEqual([
    '--max-old-space-size=512',
    '--trace-warnings',
  ]);
  expect(planProgram(request({ typescript: false }), '').nodeArgs).toEqual([]);
});

test('the launcher is placed once, runnable, and mended when it was altered', async () => {
  const file = join(await placeLauncher(join(folder, 'bin')), 'pulumi-language-nodejs');
  const before = await readFile(file, 'utf8');
  expect((await stat(file)).mode & 0o777).toBe(0o755);
  await writeFile(file, '#!/bin/sh\nexit 1\n');
  await placeLauncher(join(folder, 'bin'));
  expect(await readFile(file, 'utf8')).toBe(before);
});

test('the launcher runs the stand-in of the clone it is told, else of the clone it is in', async () => {
  const launcher = join(await placeLauncher(join(folder, 'bin')), 'pulumi-language-nodejs');
  const clones = ['one', 'two'].map((name) => join(folder, name));
  for (const clone of clones) {
    await mkdir(join(clone, 'tools', 'language-host'), { recursive: true });
    await writeFile(join(clone, 'tools/language-host/main.ts'), 'console.log(import.meta.dirname, process.argv[2]);');
  }
  const [one = '', two = ''] = clones;
  const run = async (cwd: string, root: string): Promise<string> =>
    (await promisify(execFile)(launcher, ['addr'], { cwd, env: { ...process.env, UMBRA_CLONE: root } })).stdout;
  expect(await run(join(one, 'tools'), two)).toBe(`${join(two, 'tools/language-host')} addr\n`);
  expect(await run(join(one, 'tools'), '')).toBe(`${join(one, 'tools/language-host')} addr\n`);
  await expect(run(folder, '')).rejects.toThrow('set UMBRA_CLONE to one');
});
