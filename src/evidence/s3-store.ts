import { buffer } from 'node:stream/consumers';
import { AwsProblem } from '../aws/aws-problem.ts';
import { type ObjectLock, type ObjectToWrite, S3Objects } from '../aws/s3-objects.ts';
import type { S3Place } from '../aws/s3-place.ts';
import { sha256Of } from './canonical.ts';
import { EvidenceProblem } from './evidence-problem.ts';
import { headName } from './names.ts';
import type { EvidenceReader, EvidenceStore } from './store.ts';

/** How long S3 itself refuses to let a version of an object go. The bucket must be made with object lock. */
export interface RetentionOptions {
  /** `COMPLIANCE`: nobody at all shortens it. `GOVERNANCE`: who has `s3:BypassGovernanceRetention` may. */
  readonly mode: ObjectLock['mode'];
  readonly days: number;
}

export interface S3StoreOptions {
  /** Ends with the chain's own folder: `…/<pair>/<site>/`. */
  readonly place: S3Place;
  /** Undefined: what the bucket does by default. */
  readonly retention: RetentionOptions | undefined;
  readonly now: () => Date;
}

/** A page and a ledger of canaries are some megabytes. */
const objectBytesMax = 256 << 20;
const requestMs = 120_000;

/** The chain below this prefix of a bucket. */
export function s3Reader(place: S3Place, objects = new S3Objects(place)): EvidenceReader {
  return {
    where: (name = '') => objects.where(name),
    list: async (signal) => (await objects.list('', bounded(signal))).toSorted(),
    read: async (name, signal) => {
      const within = bounded(signal);
      const found = await objects.head(name, within);
      if (found === undefined) return undefined;
      if (found.bytes > objectBytesMax) {
        throw new AwsProblem(
          'refused',
          `${objects.where(name)}: has ${found.bytes} bytes, ${objectBytesMax} are read at most`,
        );
      }
      return await buffer(objects.read(name, within));
    },
  };
}

/** A chain in S3: every object by one conditional request, whose sum S3 holds the bytes against. */
export function s3Store({ place, retention, now }: S3StoreOptions): EvidenceStore {
  const objects = new S3Objects(place);
  const reader = s3Reader(place, objects);
  const write = async (name: string, bytes: Uint8Array, how: HowToWrite): Promise<'written' | 'same' | 'conflict'> => {
    const within = bounded(how.signal);
    const object = { sha256: sha256Of(bytes), bytes: bytes.length, replaces: how.replaces, ...how.lock };
    const written = await objects.put(name, bytes, object, within).catch(async (error: unknown) => {
      // The answer may have been lost behind what was done.
      if ((await isThere(objects, name, object, within).catch(() => false)) && !within.aborted) return 'same' as const;
      throw error;
    });
    return written === 'conflict' && (await isThere(objects, name, object, within)) ? 'same' : written;
  };
  return {
    ...reader,
    put: async (name, bytes, signal) => {
      const lock =
        retention === undefined ? undefined : { mode: retention.mode, until: daysAfter(now(), retention.days) };
      const how = { replaces: undefined, lock: lock === undefined ? {} : { lock }, signal };
      if ((await write(name, bytes, how)) !== 'conflict') return;
      throw new EvidenceProblem('DIFFERENT', `${objects.where(name)}: other bytes lie there; nothing is written over`);
    },
    readHead: async (signal) => {
      const within = bounded(signal);
      const found = await objects.head(headName, within);
      const bytes = found === undefined ? undefined : await reader.read(headName, within);
      // Read behind the tag: bytes of a newer head make the replacement fail, as it must.
      return found === undefined || bytes === undefined ? undefined : { bytes, tag: found.etag };
    },
    replaceHead: async (bytes, seen, signal) => {
      // Each version of a head would stay for years: what it says is in the locked documents.
      if ((await write(headName, bytes, { replaces: seen?.tag, lock: {}, signal })) !== 'conflict') return;
      throw new EvidenceProblem('CHAIN_MOVED', `${objects.where(headName)}: was replaced meanwhile; read it again`);
    },
  };
}

interface HowToWrite extends Pick<ObjectToWrite, 'replaces'> {
  readonly lock: Pick<ObjectToWrite, 'lock'>;
  readonly signal: AbortSignal | undefined;
}

async function isThere(objects: S3Objects, name: string, object: ObjectToWrite, signal: AbortSignal): Promise<boolean> {
  const there = await objects.head(name, signal);
  return there?.sha256 === object.sha256 && there.bytes === object.bytes;
}

function bounded(signal: AbortSignal | undefined): AbortSignal {
  const deadline = AbortSignal.timeout(requestMs);
  return signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
}

function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * 86_400_000);
}
