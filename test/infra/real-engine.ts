import { appendFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { compileCacheDir } from '../../src/local/compile-cache.mjs';
import { capture } from '../../tools/child-process.ts';
import { findPulumi } from '../../tools/pulumi-cli.ts';
import { testFolder } from '../fixtures/test-root.ts';

/** What one run of the CLI showed and how it ended. */
export interface CliRun {
  readonly code: number;
  readonly text: string;
  /** What follows `error: ` in the diagnostics, without the engine's own summing up. */
  readonly errors: readonly string[];
}

/** A stack of the real program, under the real engine and its file backend, in a folder of its own. */
export interface TestStack {
  /** `UMBRA_PROJECT_ROOT`: `.umbra` is in it. Processes whose pid files are below it end with the test process. */
  readonly root: string;
  /** Everything the CLI has shown so far, and what it writes besides the state of the stack. */
  readonly shown: string[];
  pulumi(...args: readonly string[]): Promise<CliRun>;
  up(...args: readonly string[]): Promise<CliRun>;
  /** Settings by their paths, as a person gives them; secrets are encrypted in the file of the stack. */
  setConfig(plain: Readonly<Record<string, string>>, secret?: Readonly<Record<string, string>>): Promise<void>;
  /** Has exactly these settings, and those of its options, while `work` runs, without a run of the CLI for each; then those from before. */
  configured<T>(values: Readonly<Record<string, unknown>>, work: () => Promise<T>): Promise<T>;
  /** Has another program while `work` runs: the one of this repository with `changed` applied to its text. */
  programmed<T>(changed: (program: string) => string, work: () => Promise<T>): Promise<T>;
  outputs(): Promise<StackOutputs>;
  /** Type and name of what is in the state. */
  resources(): Promise<readonly string[]>;
  /** Every file of the backend, the history of updates included. */
  stateFiles(): Promise<readonly string[]>;
}

export interface StackOutputs {
  readonly bootstrapServers: Readonly<Record<'a' | 'b', string>>;
  readonly api: Readonly<Record<'a' | 'b', string>>;
  readonly metrics: Readonly<Record<'a' | 'b', string>>;
  readonly links: Readonly<Record<string, string>>;
  readonly clientFiles: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** As the file backend keeps the state of a stack; `latest` is absent before the first update. */
interface StackFile {
  readonly checkpoint: { readonly latest?: { readonly resources?: readonly { readonly urn: string }[] } };
}

const clone = join(import.meta.dirname, '../..');
const commandMs = 180_000;
const stackName = 'test';

export interface StackOptions {
  /** Changes Pulumi.yaml, for another plugin in the place of umbra's. */
  readonly project?: (yaml: string) => string;
  /** Puts further plugins into `PULUMI_HOME` before the first command. */
  readonly prepare?: (pulumiHome: string) => Promise<void>;
  /** Settings that it has all the time, by their keys. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Beside what every stack has: for the CLI, the program and plugins. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function openStack(options: StackOptions = {}): Promise<TestStack> {
  const cli = await findPulumi({ signal: AbortSignal.timeout(commandMs) });
  if (cli === undefined) throw new Error('the Pulumi CLI is not on this machine: "npm test" builds it');
  const folder = testFolder('pulumi');
  const [project, root, state] = [join(folder, 'project'), join(folder, 'root'), join(folder, 'state')];
  const home = join(folder, 'home');
  await makeProject(project, options.project);
  for (const made of [root, state, home]) await mkdir(made);
  await options.prepare?.(home);
  const env = {
    PATH: [...cli.folders, join(clone, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter),
    HOME: process.env['HOME'],
    UMBRA_CLONE: clone,
    UMBRA_PROJECT_ROOT: root,
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_HOME: home,
    PULUMI_CONFIG_PASSPHRASE: 'of the test',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    // That of the test run, where it has one of its own.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? compileCacheDir(process.env),
    ...options.env,
  };
  const shown: string[] = [];
  const pulumi = async (...args: readonly string[]): Promise<CliRun> => {
    const lines: string[] = [];
    const signal = AbortSignal.timeout(commandMs);
    const onLine = (line: string): void => void lines.push(line);
    const { code } = await capture(cli.executable, ['--non-interactive', ...args], {
      cwd: project,
      env,
      signal,
      onLine,
    });
    const text = lines.join('\n');
    shown.push(text);
    return { code, text, errors: errorsOf(text) };
  };
  const done = async (...args: readonly string[]): Promise<string> => {
    const run = await pulumi(...args);
    if (run.code !== 0) throw new Error(`pulumi ${args.join(' ')}: ${run.text}`);
    return run.text;
  };
  await done('stack', 'init', stackName);
  const stackFile = join(project, `Pulumi.${stackName}.yaml`);
  const settingLines = (values: Readonly<Record<string, unknown>>): string => {
    const settings = Object.entries({ ...options.settings, ...values });
    return ['config:', ...settings.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`), ''].join('\n');
  };
  if (options.settings !== undefined) await appendFile(stackFile, settingLines({}));
  return {
    root,
    shown,
    pulumi,
    up: (...args) => pulumi('up', '--yes', ...args),
    setConfig: async (plain, secret = {}) => {
      const flags = (kind: string, settings: Readonly<Record<string, string>>): readonly string[] =>
        Object.entries(settings).map(([path, value]) => `--${kind}=${path}=${value}`);
      await done('config', 'set-all', '--path', ...flags('plaintext', plain), ...flags('secret', secret));
    },
    async configured(values, work) {
      const before = await readFile(stackFile, 'utf8');
      const salt = before.split('\n').filter((line) => line.startsWith('encryptionsalt:'));
      await writeFile(stackFile, [...salt, settingLines(values)].join('\n'));
      try {
        return await work();
      } finally {
        await writeFile(stackFile, before);
      }
    },
    async programmed(changed, work) {
      const [folder, yaml] = ['another-infra', join(project, 'Pulumi.yaml')];
      await mkdir(join(project, folder), { recursive: true });
      const texts = await Promise.all(
        programFiles.map(async (name) => [name, await readFile(join(project, 'infra', name), 'utf8')] as const),
      );
      if (texts.every(([, text]) => changed(text) === text)) throw new Error('the program has no such text');
      for (const [name, text] of texts) await writeFile(join(project, folder, name), changed(elsewhere(text)));
      const before = await readFile(yaml, 'utf8');
      await writeFile(yaml, before.replace('main: infra/', `main: ${folder}/`));
      try {
        return await work();
      } finally {
        await writeFile(yaml, before);
      }
    },
    outputs: async () => JSON.parse(await done('stack', 'output', '--json')) as StackOutputs,
    resources: async () => {
      const file = join(state, '.pulumi/stacks/umbra', `${stackName}.json`);
      const { checkpoint } = JSON.parse(await readFile(file, 'utf8')) as StackFile;
      return (checkpoint.latest?.resources ?? []).map(({ urn }) => urn.split('::').slice(2).join(' '));
    },
    stateFiles: async () => {
      const names = await readdir(state, { recursive: true, withFileTypes: true });
      const files = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
      return Promise.all(files.map((file) => readFile(file, 'utf8')));
    },
  };
}

/** The files of the program that say what a pair of processes is. */
const programFiles = ['index.ts', 'processes.ts'];

/** What a file of the program imports, as seen from a folder beside its own; the files of the program are in both. */
function elsewhere(text: string): string {
  return text.replaceAll(/(from |import\()'\.\/([^']+)'/g, (whole, how: string, name: string) =>
    programFiles.includes(name) ? whole : `${how}'../infra/${name}'`,
  );
}

/** For the end of a file, whatever failed before it: a stack that is empty already is left as it is. */
export async function takeAway(stack: TestStack): Promise<void> {
  if ((await stack.resources()).length === 0) return;
  await stack.setConfig({ 'umbra:onDelete': 'detach' });
  await stack.up('--skip-preview');
  await stack.pulumi('destroy', '--yes');
}

/** The clone's own program and packages below another Pulumi.yaml: stack files and state stay out of the clone. */
async function makeProject(project: string, changed: (yaml: string) => string = (yaml) => yaml): Promise<void> {
  await mkdir(project);
  for (const name of ['infra', 'src', 'node_modules', 'package.json']) {
    await symlink(join(clone, name), join(project, name));
  }
  const yaml = await readFile(join(clone, 'Pulumi.yaml'), 'utf8');
  await writeFile(join(project, 'Pulumi.yaml'), changed(yaml));
}

/** The lines of the block "Diagnostics" that name an error; the summary of the stack says only that there was one. */
function errorsOf(text: string): readonly string[] {
  const diagnostics = text.slice(Math.max(0, text.indexOf('\nDiagnostics:')));
  const found = [...diagnostics.matchAll(/^ {4}error: (.*)$/gm)].map((match) => match[1] ?? '');
  return [...new Set(found)].filter((line) => line !== 'update failed' && line !== 'preview failed');
}
