import { expect, test } from 'vitest';
import { wantsSelectedStack } from '../../tools/pulumi-arguments.ts';
import { pinnedVersion } from '../../tools/pulumi-cli.ts';
import { pulumiEnvironment, usesOwnBackend } from '../../tools/pulumi-environment.ts';
import { stackSetting } from '../../tools/stack-settings.ts';

const place = { root: '/project', clone: '/clone', cliFolders: ['/cache/pulumi'] };

test('the state stays in the project when the user says nothing', () => {
  const env = pulumiEnvironment(place, { PATH: '/usr/bin' });
  expect(env).toMatchObject({
    PULUMI_BACKEND_URL: 'file:///project/.umbra/pulumi',
    PULUMI_HOME: '/project/.umbra/pulumi-home',
    PULUMI_CONFIG_PASSPHRASE: '',
    UMBRA_PROJECT_ROOT: '/project',
    UMBRA_CLONE: '/clone',
    PATH: '/cache/pulumi:/clone/node_modules/.bin:/usr/bin',
  });
});

test("a backend of the user's own keeps its home, login and passphrase", () => {
  const user = { PATH: '/usr/bin', PULUMI_BACKEND_URL: 's3://state' };
  expect(usesOwnBackend(user)).toBe(false);
  const env = pulumiEnvironment(place, user);
  expect(env['PULUMI_BACKEND_URL']).toBe('s3://state');
  expect(env).not.toHaveProperty('PULUMI_HOME');
  expect(env).not.toHaveProperty('PULUMI_CONFIG_PASSPHRASE');
});

test('a passphrase file is not overruled by an empty passphrase', () => {
  expect(pulumiEnvironment(place, { PULUMI_CONFIG_PASSPHRASE_FILE: '/pass' })).not.toHaveProperty(
    'PULUMI_CONFIG_PASSPHRASE',
  );
});

test('another clone in the environment is overruled', () => {
  expect(pulumiEnvironment(place, { UMBRA_CLONE: '/other' })['UMBRA_CLONE']).toBe('/clone');
});

test('what is started keeps its compiled form in the cache of umbra, unless the user has another one', () => {
  const env = { UMBRA_CACHE_DIR: '/cache/umbra' };
  expect(pulumiEnvironment(place, env)['NODE_COMPILE_CACHE']).toBe('/cache/umbra/node');
  expect(pulumiEnvironment(place, { ...env, NODE_COMPILE_CACHE: '/mine' })['NODE_COMPILE_CACHE']).toBe('/mine');
});

test.each([
  ['preview'],
  ['up', '--yes'],
  ['config', 'set', 'umbra:target', 'existing'],
  ['stack'],
  ['stack', 'output'],
])('pulumi %s %s works on the selected stack', (...args) => {
  expect(wantsSelectedStack(args)).toBe(true);
});

test.each([
  [],
  ['version'],
  ['login'],
  ['stack', 'select', 'existing'],
  ['stack', 'ls'],
  ['up', '--stack', 'existing'],
  ['up', '--stack=existing'],
  ['preview', '-s', 'existing'],
  ['up', '--help'],
  ['-C', 'elsewhere', 'up'],
])('pulumi %s %s needs no stack chosen for it', (...args) => {
  expect(wantsSelectedStack(args)).toBe(false);
});

test('the version of the CLI is the one in the module that is built', () => {
  const goMod = 'require (\n\tgithub.com/pulumi/pulumi/pkg/v3 v3.259.0\n\tgithub.com/pulumi/pulumi/sdk/v3 v3.259.0\n)';
  expect(pinnedVersion(goMod)).toBe('3.259.0');
  expect(() => pinnedVersion('module x')).toThrow('does not say which Pulumi CLI to build');
});

test('a plain setting is read from a stack file, quoted or not, and nothing else', () => {
  const file =
    'encryptionsalt: v1:abc\nconfig:\n  umbra:target: existing\n  umbra:pair: "shop"\n  umbra:local:\n    runtime: docker\n    sites:\n      a: x\n  umbra:logLevel: debug\n';
  expect(stackSetting(file, 'umbra:target')).toBe('existing');
  expect(stackSetting(file, 'umbra:pair')).toBe('shop');
  expect(stackSetting(file, 'umbra:local.runtime')).toBe('docker');
  expect(stackSetting(file, 'umbra:logLevel')).toBe('debug');
  expect(stackSetting(file, 'umbra:local')).toBeUndefined();
  expect(stackSetting(file, 'runtime')).toBeUndefined();
  expect(stackSetting('', 'umbra:target')).toBeUndefined();
});
