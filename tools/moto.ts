import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir } from '../src/local/cache-dir.ts';
import { capture } from './child-process.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';

/** An emulator of AWS's services, for tests of what umbra says to S3 and SSM. Pinned, with what its server needs. */
const packages = ['moto==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5', 'PyYAML==6.0.3'];

export interface Moto {
  /** Folder that `PYTHONPATH` has to name for `python3 -m moto.server`. */
  readonly folder: string;
  readonly source: 'cached' | 'installed';
}

/** Where it is; undefined while it is not on this machine. */
export function findMoto(): Moto | undefined {
  const folder = motoFolder();
  return existsSync(folder) ? { folder, source: 'cached' } : undefined;
}

/** Installs it into the cache, beside no other packages. @throws ToolError without a Python 3 that has pip */
export async function ensureMoto({ signal }: { readonly signal: AbortSignal }): Promise<Moto> {
  const found = findMoto();
  if (found !== undefined) return found;
  const folder = motoFolder();
  return withTemporaryFolder(dirname(folder), async (part) => {
    const target = join(part, 'packages');
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', target, ...packages];
    const { code, tail } = await capture('python3', args, { signal });
    if (code !== 0)
      throw new ToolError(`python3 -m pip cannot install moto (Debian: apt-get install python3-pip):\n${tail}`);
    await rename(target, folder);
    return { folder, source: 'installed' };
  });
}

function motoFolder(): string {
  return join(cacheDir(process.env), 'moto', packages.join('+').replaceAll('==', '-'));
}
