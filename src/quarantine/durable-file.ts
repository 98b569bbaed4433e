import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Its owner's eyes only: records are customers' data. */
const fileMode = 0o600;
export const folderMode = 0o700;

/** A new file that is written from start to end and is on the disk when closed. Counts and hashes what it is given. */
export class DurableFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Throws when the file exists already: nothing here is ever written over. */
  static async create(path: string): Promise<DurableFile> {
    return new DurableFile(path, await open(path, 'wx', fileMode));
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at)).bytesWritten;
    this.#bytes += bytes.length;
  }

  /** Syncs and closes. Returns the sha256 of everything appended. */
  async finish(): Promise<string> {
    try {
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
    return this.#hash.digest('hex');
  }

  /** Closes without a promise about what is on the disk. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

/** A small file with this text, on the disk when it resolves. Throws when it exists. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const file = await DurableFile.create(path);
  try {
    await file.append(Buffer.from(text));
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.finish();
}

/**
 * Makes a folder and those above it that are missing, so that they are there after a crash: each new name is on the disk
 * when the folder it stands in was synced.
 */
export async function makeFolderDurably(
  path: string,
  sync: (folder: string) => Promise<void> = syncFolder,
): Promise<void> {
  const folder = resolve(path);
  const first = await mkdir(folder, { recursive: true, mode: folderMode });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await sync(dirname(made));
    if (made === resolve(first)) return;
  }
}

/** Makes the names in a folder durable: a renamed or new file is only there after a crash when its folder was synced. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function sha256OfFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const chunks: AsyncIterable<Buffer> = handle.createReadStream({ autoClose: false });
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await handle.close();
  }
}
