import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { z } from 'zod';
import { S3Objects } from '../aws/s3-objects.ts';
import type { S3Place } from '../aws/s3-place.ts';
import { type SiteId } from '../pair/site.ts';
import { evidenceBucketSchema } from './bucket.ts';
import { folderReader, folderStore } from './folder-store.ts';
import { parseName } from './names.ts';
import { s3Reader, s3Store } from './s3-store.ts';
import type { EvidenceReader, EvidenceStore } from './store.ts';

/** Where a pair keeps its evidence: below it each site has a chain of its own, `<pair>/<site>/`. */
export const evidencePlaceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1) }),
  evidenceBucketSchema.extend({ kind: z.literal('s3') }),
]);

export type EvidencePlace = z.output<typeof evidencePlaceSchema>;

export interface ChainOwner {
  readonly pair: string;
  readonly site: SiteId;
}

/** The chain of a site at this place; it is made with its first document. */
export function openEvidenceStore(
  place: EvidencePlace,
  { pair, site }: ChainOwner,
  now: () => Date = () => new Date(),
): EvidenceStore {
  if (place.kind === 'folder') return folderStore(join(place.path, pair, site));
  return s3Store({ place: below(place, `${pair}/${site}`), retention: place.objectLock, now });
}

/** A chain that is at a place, by its folder below it: `orders/a`, or nothing where the place is the chain's own folder. */
export interface FoundChain {
  readonly name: string;
  readonly reader: EvidenceReader;
}

/** Folders below a place are looked into so deep: the place, its pairs, their sites. */
const depthMax = 2;

export interface FoundEvidence {
  /** By name. */
  readonly chains: readonly FoundChain[];
  /** Files that lie in no chain's folder: no document vouches for them. */
  readonly outside: readonly string[];
}

/** What lies at a place. One that is not there rejects; one without evidence has no chains. */
export async function findEvidence(place: EvidencePlace, signal?: AbortSignal): Promise<FoundEvidence> {
  const inFolder = place.kind === 'folder';
  const files = inFolder
    ? await filesBelow(place.path)
    : await new S3Objects(place).list('', signal ?? AbortSignal.timeout(listMs));
  const ofChains = files.filter((file) => parseName(posix.basename(file)) !== undefined).map(folderOf);
  const folders = new Set(ofChains.toSorted());
  const readerOf = (name: string): EvidenceReader =>
    inFolder ? folderReader(join(place.path, name)) : s3Reader(below(place, name));
  return {
    chains: [...folders].map((name) => ({ name, reader: readerOf(name) })),
    outside: files.filter((file) => !folders.has(folderOf(file))).toSorted(),
  };
}

const listMs = 60_000;

function folderOf(file: string): string {
  const folder = posix.dirname(file);
  return folder === '.' ? '' : folder;
}

/** Their paths below the place, written with `/`. */
async function filesBelow(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries) {
      const path = posix.join(folder, entry.name);
      if (!entry.isDirectory()) files.push(path);
      else if (depth < depthMax) await look(path, depth + 1);
    }
  };
  await look('', 0);
  return files;
}

function below({ bucket, region, prefix }: S3Place, folder: string): S3Place {
  return { bucket, region, prefix: folder === '' ? prefix : `${prefix}${folder}/` };
}
