import { mkdir } from 'node:fs/promises';
import { type AttachOptions, type Captured, attach, capture } from './child-process.ts';
import { type PulumiCli } from './pulumi-cli.ts';
import { backendFolder, pulumiEnvironment, pulumiHome, usesOwnBackend } from './pulumi-environment.ts';
import { projectRoot } from './project.ts';
import { ToolError } from './steps.mjs';

/** The real CLI, ready to be called for one Pulumi project. */
export interface PulumiSession {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** State in the clone, or where the user's environment says. */
  readonly ownBackend: boolean;
  /** Runs a command on this terminal, in the clone unless told otherwise, and gives its exit code. */
  attach(args: readonly string[], options?: AttachOptions): Promise<number>;
  /** Runs a command silently: did it succeed? */
  test(args: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** Runs a command and gives its standard output. @throws {ToolError} with the CLI's words when it fails */
  read(args: readonly string[], signal: AbortSignal): Promise<string>;
}

/** @param root folder of the project's Pulumi.yaml: this clone, or a test's own project */
export async function openSession(root: string, cli: PulumiCli): Promise<PulumiSession> {
  const env = pulumiEnvironment({ root, clone: projectRoot, cliFolders: cli.folders }, process.env);
  const ownBackend = usesOwnBackend(process.env);
  if (ownBackend) {
    await mkdir(backendFolder(root), { recursive: true });
    await mkdir(pulumiHome(root), { recursive: true });
  }
  const run = (args: readonly string[], signal: AbortSignal): Promise<Captured> =>
    capture(cli.executable, [...args, '--non-interactive'], { cwd: root, env, signal });
  return {
    root,
    env,
    ownBackend,
    attach: (args, options = {}) =>
      attach(cli.executable, args, { cwd: options.cwd ?? root, env: { ...env, ...options.env } }),
    test: async (args, signal) => (await run(args, signal)).code === 0,
    read: async (args, signal) => {
      const result = await run(args, signal);
      if (result.code === 0) return result.stdout;
      throw new ToolError(`${result.tail}\n"pulumi ${args.slice(0, 2).join(' ')}" failed (exit code ${result.code}).`);
    },
  };
}
