import { dirname, join, resolve } from 'node:path';
import type { FoundConfig } from './discovery.ts';

/** Where a worker puts its quarantines: what its file says (relative to the file), else `quarantine` beside it. */
export function quarantineFolderOf({ file, config }: FoundConfig): string {
  const beside = dirname(resolve(file));
  return config.quarantineFolder === undefined ? join(beside, 'quarantine') : resolve(beside, config.quarantineFolder);
}
