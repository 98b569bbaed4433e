import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Every chain at a place, by name. A place that is not there rejects; one without chains is an empty list. */
export async function findChains(place: EvidencePlace, signal?: AbortSignal): Promise<readonly FoundChain[]> {
  if (place.kind === 'folder') {
    const folders = await foldersWithChains(place.path);
    return folders.map((name) => ({ name, reader: folderReader(join(place.path, name)) }));
  }
  const names = await new S3Objects(place).list('', signal ?? AbortSignal.timeout(listMs));
  const folders = names.flatMap((name) => {
    const cut = name.lastIndexOf('/');
    return parseName(name.slice(cut + 1)) === undefined ? [] : [name.slice(0, Math.max(0, cut))];
  });
  return [...new Set(folders)].toSorted().map((name) => ({ name, reader: s3Reader(below(place, name)) }));
}

const listMs = 60_000;

async function foldersWithChains(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    if (entries.some((entry) => entry.isFile() && parseName(entry.name) !== undefined)) found.push(folder);
    if (depth === depthMax) return;
    for (const entry of entries) if (entry.isDirectory()) await look(join(folder, entry.name), depth + 1);
  };
  await look('', 0);
  return found.toSorted();
}

function below({ bucket, region, prefix }: S3Place, folder: string): S3Place {
  return { bucket, region, prefix: folder === '' ? prefix : `${prefix}${folder}/` };
}
