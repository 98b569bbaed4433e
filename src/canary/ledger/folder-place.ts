import { type FileHandle, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { lifeSchema, vantageSchema } from '../canary-record.ts';
import type { LedgerPlace, SegmentAppender, SegmentName, StoredSegment } from './ledger-place.ts';

const namePattern = /^(?<index>\d{6})-(?<startedAtMs>\d{13})\.ndjson$/;

/** `<folder>/<vantage>/<life>/<index>-<ms since 1970>.ndjson`; files are readable by their owner only. */
export function folderPlace(folder: string): LedgerPlace {
  const fileOf = (segment: SegmentName): string =>
    join(folder, segment.vantage, segment.life, `${pad(segment.index, 6)}-${pad(segment.startedAtMs, 13)}.ndjson`);
  return {
    async segments(vantage) {
      const found: StoredSegment[] = [];
      for (const each of vantage === undefined ? await namesIn(folder) : [vantage]) {
        if (!vantageSchema.safeParse(each).success) continue;
        for (const life of await namesIn(join(folder, each))) {
          if (!lifeSchema.safeParse(life).success) continue;
          for (const file of await namesIn(join(folder, each, life))) {
            const { index, startedAtMs } = namePattern.exec(file)?.groups ?? {};
            const bytes = await sizeOf(join(folder, each, life, file));
            if (index === undefined || bytes === undefined) continue;
            found.push({ vantage: each, life, index: Number(index), startedAtMs: Number(startedAtMs), bytes });
          }
        }
      }
      return found.toSorted((left, right) => left.startedAtMs - right.startedAtMs || left.index - right.index);
    },
    async begin(segment) {
      await mkdir(join(folder, segment.vantage, segment.life), { recursive: true, mode: 0o700 });
      return new FileAppender(await open(fileOf(segment), 'ax', 0o600));
    },
    read: (segment) => readFile(fileOf(segment), 'utf8').catch(unlessMissing),
    remove: (segment) => unlink(fileOf(segment)).catch(unlessMissing),
  };
}

class FileAppender implements SegmentAppender {
  readonly #file: FileHandle;
  /** Up to here it is whole. */
  #bytes = 0;
  #broken = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(text: string): Promise<void> {
    if (this.#broken) await this.#cut();
    try {
      await this.#file.appendFile(text);
      this.#bytes += Buffer.byteLength(text);
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      if (this.#broken) await this.#cut();
    } finally {
      await this.#file.close();
    }
  }

  /** A disk that is full took a part of it: what goes on behind a part would not be read. */
  async #cut(): Promise<void> {
    await this.#file.truncate(this.#bytes);
    this.#broken = false;
  }
}

function pad(value: number, digits: number): string {
  return String(Math.trunc(value)).padStart(digits, '0');
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(unlessMissing);
  return names ?? [];
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(unlessMissing))?.size;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return;
  throw error;
}
