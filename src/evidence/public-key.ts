import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** A key that documents are held against. */
export interface PublicKey {
  readonly keyId: string;
  readonly key: KeyObject;
  /** SPKI, PEM. */
  readonly pem: string;
}

/** The first 16 hex digits of the SHA-256 of the public key (SPKI, DER). Of a private key it is that of its public half. */
export function keyIdOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(half.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

export function publicKeyPem(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ type: 'spki', format: 'pem' }).toString();
}

/** The public key in a PEM text, also of a private key; undefined where there is none of Ed25519. */
export function parsePublicKey(text: string): PublicKey | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    return undefined;
  }
  return key.asymmetricKeyType === 'ed25519' ? { key, keyId: keyIdOf(key), pem: publicKeyPem(key) } : undefined;
}

/** Whether the signature is that of the 32 bytes of `hash` (hex). A signature has one text: what only decodes alike is none. */
export function signatureIsRight(key: PublicKey, hash: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  return bytes.toString('base64') === signature && verify(null, Buffer.from(hash, 'hex'), key.key, bytes);
}
