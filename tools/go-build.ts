import { capture, isMissingProgram } from './child-process.ts';
import { ToolError } from './steps.mjs';
import { type Version, isAtLeast, parseVersion, renderVersion } from './version.ts';

/** What tools/pulumi-cli/go.mod asks for. */
const goLeast: Version = [1, 26, 0];
/** From here on, Go fetches the version that a module asks for by itself. */
const goWithToolchains: Version = [1, 21, 0];

export interface GoBuild {
  /** Folder with the go.mod whose tools are built. */
  readonly module: string;
  /** Gets the binaries. */
  readonly into: string;
  readonly flags: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (detail: string) => void;
}

/** `why`, then what a person can do instead of building: always two ways out. */
export function goRemedy(why: string): string {
  return (
    `The Pulumi CLI is not on PATH and not in the cache, and it cannot be built: ${why} Install the Pulumi CLI ` +
    `(3.200 or newer), or Go ${renderVersion(goLeast)} or newer, and run the same command again.`
  );
}

/** Builds the tools of a Go module. @throws {ToolError} no Go, one that is too old, or Go's own words. */
export async function buildTools(build: GoBuild): Promise<void> {
  const env: NodeJS.ProcessEnv = { CGO_ENABLED: '0', ...(await toolchainOf(build)), GOBIN: build.into };
  let modules = 0;
  let packages = 0;
  const onLine = (line: string): void => {
    if (line.startsWith('go: downloading')) modules += 1;
    else packages += 1;
    build.onProgress(
      packages === 0 ? `downloading, ${modules} modules so far` : `compiling, ${packages} packages so far`,
    );
  };
  const result = await capture('go', ['install', '-v', ...build.flags, 'tool'], {
    cwd: build.module,
    env: { ...process.env, ...env },
    signal: build.signal,
    onLine,
  });
  if (result.code !== 0) {
    throw new ToolError(`${result.tail}\n${goRemedy(`go install failed (exit code ${result.code}), see above.`)}`);
  }
}

async function toolchainOf({ module, signal }: GoBuild): Promise<NodeJS.ProcessEnv> {
  const options = { cwd: module, signal, env: { ...process.env, GOTOOLCHAIN: 'local' } };
  const { stdout } = await capture('go', ['env', 'GOVERSION'], options).catch((error: unknown) => {
    if (error instanceof Error && isMissingProgram(error.cause)) throw new ToolError(goRemedy('Go is not on PATH.'));
    throw error;
  });
  const version = parseVersion(stdout);
  if (version === undefined) throw new ToolError(goRemedy(`"go env GOVERSION" said "${stdout.trim()}".`));
  if (isAtLeast(version, goLeast)) return {};
  // Some distributions switch this off by default; a wish in the environment stays.
  if (isAtLeast(version, goWithToolchains)) return { GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'auto' };
  throw new ToolError(goRemedy(`this Go is ${renderVersion(version)}.`));
}
