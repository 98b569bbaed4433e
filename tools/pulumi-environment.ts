import { delimiter, join } from 'node:path';
import { compileCacheDir } from '../src/local/compile-cache.mjs';

export interface PulumiPlace {
  /** Folder of the Pulumi project, in which `.umbra` keeps what runs; the clone itself but for tests. */
  readonly root: string;
  /** Folder of this code: its Node, its language host. */
  readonly clone: string;
  /** Folders of the CLI and its language host. */
  readonly cliFolders: readonly string[];
}

/**
 * True when Pulumi keeps its state in the project. A backend in the environment is the user's own choice: then neither
 * its login nor its passphrase is touched, and no stack is made for them.
 */
export function usesOwnBackend(env: NodeJS.ProcessEnv): boolean {
  return env['PULUMI_BACKEND_URL'] === undefined;
}

/** Folder of the file backend inside the project. It must exist before the CLI is started. */
export function backendFolder(root: string): string {
  return join(root, '.umbra', 'pulumi');
}

/** Pulumi's own folder (credentials, selected stacks, plugins), kept out of the user's home. */
export function pulumiHome(root: string): string {
  return join(root, '.umbra', 'pulumi-home');
}

/** The environment in which the real CLI runs for this project. What the user has set stays. */
export function pulumiEnvironment(place: PulumiPlace, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = [...place.cliFolders, join(place.clone, 'node_modules', '.bin'), env['PATH'] ?? ''].join(delimiter);
  return {
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    // The project's provider is in the clone; nothing is to be fetched behind the user's back.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    // Each run starts three programs of this project.
    NODE_COMPILE_CACHE: compileCacheDir(env),
    ...(usesOwnBackend(env) ? ownBackend(place.root, env) : {}),
    ...env,
    UMBRA_PROJECT_ROOT: place.root,
    UMBRA_CLONE: place.clone,
    PATH: path,
  };
}

function ownBackend(root: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passphraseGiven = env['PULUMI_CONFIG_PASSPHRASE_FILE'] !== undefined;
  return {
    PULUMI_BACKEND_URL: `file://${backendFolder(root)}`,
    PULUMI_HOME: pulumiHome(root),
    // The state lies beside the clusters' own key files, under the same rights: a passphrase would add a question only.
    ...(passphraseGiven ? {} : { PULUMI_CONFIG_PASSPHRASE: '' }),
  };
}
