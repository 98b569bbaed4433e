import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { sha256Of } from '../../src/evidence/canonical.ts';
import { loadOrCreateKey, readKey } from '../../src/evidence/keys.ts';
import { parsePublicKey, signatureIsRight } from '../../src/evidence/public-key.ts';
import { testFolder } from '../fixtures/test-root.ts';

let file = '';
beforeEach(() => {
  file = join(testFolder('evidence-key'), 'below', 'evidence.key');
});

describe('the key of a pair', () => {
  test('is made where there is none, for its owner only, and is the same from then on', async () => {
    expect(await readKey(file)).toBeUndefined();
    const made = await loadOrCreateKey(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect((await loadOrCreateKey(file)).keyId).toBe(made.keyId);
    expect(await readdir(join(file, '..'))).toEqual(['evidence.key']);
  });

  test('is one, however many processes start at once', async () => {
    const module = join(import.meta.dirname, '..', '..', 'src', 'evidence', 'keys.ts');
    const code = `const { loadOrCreateKey } = await import(${JSON.stringify(module)});
      process.stdout.write((await loadOrCreateKey(${JSON.stringify(file)})).keyId);`;
    const ids = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
        return said;
      }),
    );
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBe((await readKey(file))?.keyId);
    expect(await readdir(join(file, '..'))).toEqual(['evidence.key']);
  });

  test.each([0o640, 0o604, 0o666])('that others may read is refused: mode %o', async (mode) => {
    await loadOrCreateKey(file);
    await chmod(file, mode);
    await expect(loadOrCreateKey(file)).rejects.toMatchObject({ code: 'KEY_REFUSED' });
  });

  test('of another kind, or what is no key, is refused; the message repeats nothing of it', async () => {
    await loadOrCreateKey(file);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await expect(loadOrCreateKey(file)).rejects.toThrow(/is a key of ec, evidence is signed with Ed25519/);
    await writeFile(file, 'my old secret');
    await expect(loadOrCreateKey(file)).rejects.toThrow(/^(?!.*secret).*is no private key in PEM/);
  });

  test('has an id that is the start of the SHA-256 of its public half, and signs what that one confirms', async () => {
    const key = await loadOrCreateKey(file);
    const half = parsePublicKey(key.publicKeyPem);
    const der = half?.key.export({ type: 'spki', format: 'der' });
    expect(key.keyId).toBe(sha256Of(der ?? '').slice(0, 16));
    const hash = sha256Of('x');
    const signature = key.sign(hash);
    expect(half !== undefined && signatureIsRight(half, hash, signature)).toBe(true);
    expect(half !== undefined && signatureIsRight(half, sha256Of('y'), signature)).toBe(false);
    // The last digit before the padding has bits that decode to nothing.
    const alike = signature.replace(
      /.==$/,
      (end) => `${end.startsWith('A') ? 'B' : String.fromCharCode(end.charCodeAt(0) + 1)}==`,
    );
    expect(half !== undefined && signatureIsRight(half, hash, alike)).toBe(false);
    expect(JSON.stringify(key)).not.toContain('PRIVATE');
  });
});
