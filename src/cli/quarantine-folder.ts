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

/** The same for a worker that may have no file: then nothing is beside it, and a relative path is refused. */
export function quarantineFolderFor(source: ConfigSource, config: WorkerConfig): string {
  if (source.kind === 'file') return quarantineFolderOf({ file: source.file, config });
  const { quarantineFolder = withoutFile } = config;
  if (isAbsolute(quarantineFolder)) return quarantineFolder;
  throw new Problem(
    'INVALID_INPUT',
    `${sourceName(source)}: config.quarantineFolder: must be an absolute path: there is no file it could lie beside`,
  );
}
