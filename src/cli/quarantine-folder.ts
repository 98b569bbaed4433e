import { dirname, isAbsolute, join, resolve } from 'node:path';
import { Problem } from '../worker/problems.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';
import { type ConfigSource, sourceName } from './config-text.ts';
import type { FoundConfig } from './discovery.ts';

/** Where a container or a service has its data, as a rule on a volume that outlives it. */
const withoutFile = '/var/lib/umbra/quarantine';

/** Where a worker puts its quarantines: what its file says (relative to the file), else `quarantine` beside it. */
export function quarantineFolderOf({ file, config }: FoundConfig): string {
  const beside = dirname(resolve(file));
  return config.quarantineFolder === undefined ? join(beside, 'quarantine') : resolve(beside, config.quarantineFolder);
}

/**
 * The same for a worker process, which may have no file, or one that its service manager put where nothing can be written:
 * then it is in the state folder that systemd made for it. A relative path is refused where it is relative to nothing.
 */
export function quarantineFolderFor(
  source: ConfigSource,
  config: WorkerConfig,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [stateFolder] = env['STATE_DIRECTORY']?.split(':') ?? [];
  const { quarantineFolder } = config;
  if (quarantineFolder === undefined && stateFolder !== undefined) return join(stateFolder, 'quarantine');
  if (source.kind === 'file') return quarantineFolderOf({ file: source.file, config });
  if (quarantineFolder === undefined) return withoutFile;
  if (isAbsolute(quarantineFolder)) return quarantineFolder;
  throw new Problem(
    'INVALID_INPUT',
    `${sourceName(source)}: config.quarantineFolder: must be an absolute path: there is no file it could lie beside`,
  );
}
