import { type Environment } from './cache-dir.ts';
import { LocalProblem } from './local-problems.ts';
import { type CommandResult, runCommand } from './run-command.ts';

export interface EngineCall {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 60_000;

/**
 * Runs the `docker` command line; any engine that brings a command of that name will do. An exit code is an answer.
 * @throws {LocalProblem} ENGINE_MISSING when there is no such command or no engine behind it
 */
export async function docker(args: readonly string[], call: EngineCall): Promise<CommandResult> {
  const { env, signal, timeoutMs = defaultTimeoutMs } = call;
  let result: CommandResult;
  try {
    result = await runCommand('docker', args, { env, signal, timeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new LocalProblem('ENGINE_MISSING', 'There is no "docker" command on PATH.', { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new LocalProblem('ENGINE_FAILED', `docker ${args[0] ?? ''} failed: ${why}.`, { cause: error });
  }
  if (result.exitCode !== 0 && /cannot connect to the docker daemon|error during connect/i.test(result.output)) {
    throw new LocalProblem('ENGINE_MISSING', 'The "docker" command finds no running engine.');
  }
  return result;
}

/** The same for a call that has to succeed; gives its stdout. @throws {LocalProblem} ENGINE_FAILED with its last words */
export async function dockerOk(args: readonly string[], call: EngineCall): Promise<string> {
  const result = await docker(args, call);
  if (result.exitCode === 0) return result.stdout;
  throw new LocalProblem('ENGINE_FAILED', `docker ${args[0] ?? ''} failed: ${result.output.trim().slice(-600)}`);
}

/** Who a container runs as, so that what it writes into a mounted folder belongs to us. */
export interface EngineTraits {
  readonly securityOptions: string;
  readonly uid: number;
  readonly gid: number;
}

/** Pure: flags of `docker run` that the engine's kind asks for. A rootless engine's root is already us. */
export function ownershipFlags({ securityOptions, uid, gid }: EngineTraits): readonly string[] {
  const rootless = securityOptions.includes('rootless');
  const selinux = securityOptions.includes('selinux');
  return [...(rootless ? [] : ['--user', `${uid}:${gid}`]), ...(selinux ? ['--security-opt', 'label=disable'] : [])];
}

export async function engineTraits(call: EngineCall): Promise<EngineTraits> {
  const securityOptions = await dockerOk(['info', '--format', '{{.SecurityOptions}}'], call);
  return { securityOptions, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
