import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EvidenceProblem } from './evidence-problem.ts';
import { syncFolder } from './folder-files.ts';
import { keyIdOf, publicKeyPem } from './public-key.ts';

/** What seals documents. The private half never leaves this object: it is neither printed nor written. */
export interface EvidenceKey {
  readonly keyId: string;
  /** SPKI, PEM. */
  readonly publicKeyPem: string;
  /** Over the 32 bytes of a hash in hex; in base64. The same hash has the same signature. */
  readonly sign: (hash: string) => string;
}

export function evidenceKey(key: KeyObject): EvidenceKey {
  const signHash = (hash: string): string => sign(null, Buffer.from(hash, 'hex'), key).toString('base64');
  return { keyId: keyIdOf(key), publicKeyPem: publicKeyPem(key), sign: signHash };
}

/**
 * The key in this file (PKCS#8, PEM, mode 0600), which is made where there is none. Processes that start at once end with
 * the same one: it gets its name whole, and only where nothing has it. Throws `KEY_REFUSED` for one that others may read or
 * that is no Ed25519 key.
 */
export async function loadOrCreateKey(file: string): Promise<EvidenceKey> {
  return (await readKey(file)) ?? (await createKey(file));
}

/** The key in a text (PKCS#8, PEM); `where` names it in the `KEY_REFUSED` that is thrown for anything else. */
export function keyIn(where: string, text: string): EvidenceKey {
  return evidenceKey(parsePrivateKey(where, text));
}

/** The key in this file; undefined where there is none. Throws like {@link loadOrCreateKey}. */
export async function readKey(file: string): Promise<EvidenceKey | undefined> {
  const handle = await open(file, 'r').catch(unlessMissing);
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw refused(`${file}: others may read it (mode ${shown}, 0600 is allowed); make a new key where it was open`);
    }
    return evidenceKey(parsePrivateKey(file, await handle.readFile('utf8')));
  } finally {
    await handle.close();
  }
}

async function createKey(file: string): Promise<EvidenceKey> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const part = `${file}.${randomUUID()}.part`;
  const handle = await open(part, 'wx', 0o600);
  try {
    try {
      await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Another process may have been first: its key is the one.
    await link(part, file).catch(unlessExists);
  } finally {
    await rm(part, { force: true });
  }
  await syncFolder(folder);
  const made = await readKey(file);
  if (made === undefined) throw refused(`${file}: was removed while it was made; start again`);
  return made;
}

function parsePrivateKey(file: string, text: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    // What the parser says quotes nothing of the key.
    throw refused(
      `${file}: is no private key in PEM (PKCS#8); restore it, or leave it out so that a new one is made`,
      error,
    );
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw refused(`${file}: is a key of ${key.asymmetricKeyType ?? 'another kind'}, evidence is signed with Ed25519`);
}

function refused(message: string, cause?: unknown): EvidenceProblem {
  return new EvidenceProblem('KEY_REFUSED', message, { cause });
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function unlessExists(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error;
}
