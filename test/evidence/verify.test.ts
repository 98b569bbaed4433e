import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { renderJson } from '../../src/evidence/canonical.ts';
import { evidenceDocumentSchema } from '../../src/evidence/document.ts';
import { sealHead } from '../../src/evidence/head.ts';
import type { EvidenceKey } from '../../src/evidence/keys.ts';
import { parseName } from '../../src/evidence/names.ts';
import { parsePublicKey, type PublicKey } from '../../src/evidence/public-key.ts';
import { recordEvidence } from '../../src/evidence/record.ts';
import { sealEvidence } from '../../src/evidence/seal.ts';
import { type ChainVerdict, missingDocument, verifyChain } from '../../src/evidence/verify.ts';
import { memoryReader, memoryStore, newKey, recordedChain, smallContent } from './samples.ts';

type Files = ReadonlyMap<string, Uint8Array>;

const runs = { numRuns: 150 };
const lengths = [1, 2, 4] as const;
const chains = new Map<number, { readonly files: Files; readonly names: readonly string[] }>();
let key: EvidenceKey;
let publicKey: PublicKey;

beforeAll(async () => {
  key = newKey();
  publicKey = publicHalf(key);
  for (const length of lengths) {
    const { files } = (await recordedChain(length, key)).store;
    chains.set(length, { files, names: [...files.keys()].toSorted() });
  }
});

function publicHalf({ publicKeyPem }: EvidenceKey): PublicKey {
  const parsed = parsePublicKey(publicKeyPem);
  if (parsed === undefined) throw new Error('no key');
  return parsed;
}

const lengthOf = fc.constantFrom(...lengths);
const anyNumber = fc.nat();

function chainOf(length: number): { readonly files: Files; readonly names: readonly string[] } {
  const chain = chains.get(length);
  if (chain === undefined) throw new Error('no chain');
  return chain;
}

function verdictOn(files: Files, keys: readonly PublicKey[] = [publicKey]): Promise<ChainVerdict> {
  return verifyChain(memoryReader(files), { keys });
}

/** Names the file, or a document by its number where nothing says any more what it was called. */
function names(verdict: ChainVerdict, file: string): boolean {
  const parsed = parseName(file);
  const number = parsed !== undefined && 'sequence' in parsed ? file.slice(0, 9) : file;
  return verdict.problems.some(
    (problem) => problem.file === file || (problem.file === `${number}*.json` && file.endsWith('.json')),
  );
}

describe('a chain as it was recorded', () => {
  test.each(lengths)(
    'of %i documents has no problem, with a key from elsewhere or with those beside it',
    async (length) => {
      const { files } = chainOf(length);
      const given = await verdictOn(files);
      expect(given.problems).toEqual([]);
      expect(given).toMatchObject({ documents: length, files: files.size, keys: { from: 'given', ids: [key.keyId] } });
      const beside = await verdictOn(files, []);
      expect(beside.problems).toEqual([]);
      expect(beside.keys).toEqual({ from: 'beside', ids: [key.keyId] });
    },
  );

  test('of no file at all is an empty one', async () => {
    expect(await verdictOn(new Map())).toMatchObject({ documents: 0, files: 0, last: undefined });
  });
});

describe('whatever is done to a chain, a problem names the file', () => {
  test('one bit of any byte of any file is flipped', async () => {
    await fc.assert(
      fc.asyncProperty(lengthOf, anyNumber, anyNumber, fc.nat(7), async (length, file, byte, bit) => {
        const { files, names: all } = chainOf(length);
        const name = all[file % all.length] ?? '';
        const bytes = Buffer.from(files.get(name) ?? []);
        const index = byte % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        const verdict = await verdictOn(new Map(files).set(name, bytes));
        expect(names(verdict, name), `${name}, byte ${index}, bit ${bit}`).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  test('every byte of every small file becomes another one', async () => {
    const { files, names: all } = chainOf(1);
    for (const name of all.filter((each) => !each.endsWith('.html'))) {
      const bytes = files.get(name) ?? Buffer.alloc(0);
      for (let index = 0; index < bytes.length; index += name.endsWith('.json') ? 3 : 1) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ 0x01;
        expect(names(await verdictOn(new Map(files).set(name, changed)), name), `${name}, byte ${index}`).toBe(true);
      }
    }
  });

  test('one file is removed', async () => {
    for (const length of lengths) {
      const { files, names: all } = chainOf(length);
      for (const name of all) {
        const fewer = new Map(files);
        fewer.delete(name);
        expect(names(await verdictOn(fewer), name), name).toBe(true);
      }
    }
  });

  test('two files change places', async () => {
    await fc.assert(
      fc.asyncProperty(lengthOf, anyNumber, anyNumber, async (length, first, second) => {
        const { files, names: all } = chainOf(length);
        const [one = '', other = ''] = [all[first % all.length], all[second % all.length]];
        fc.pre(
          one !== other && Buffer.compare(files.get(one) ?? Buffer.alloc(0), files.get(other) ?? Buffer.alloc(0)) !== 0,
        );
        const swapped = new Map(files);
        swapped.set(one, files.get(other) ?? Buffer.alloc(0)).set(other, files.get(one) ?? Buffer.alloc(0));
        const verdict = await verdictOn(swapped);
        expect(names(verdict, one) && names(verdict, other), `${one} and ${other}`).toBe(true);
      }),
      runs,
    );
  });

  test('a file loses its end, or gets more', async () => {
    await fc.assert(
      fc.asyncProperty(
        lengthOf,
        anyNumber,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (length, file, by, more) => {
          const { files, names: all } = chainOf(length);
          const name = all[file % all.length] ?? '';
          const bytes = Buffer.from(files.get(name) ?? []);
          const changed = more
            ? Buffer.concat([bytes, Buffer.alloc(by, ' ')])
            : bytes.subarray(0, Math.max(0, bytes.length - by));
          expect(names(await verdictOn(new Map(files).set(name, changed)), name), name).toBe(true);
        },
      ),
      runs,
    );
  });

  test('a file is added', async () => {
    const { files } = chainOf(2);
    const document = files.get('00000001-drill-1.json') ?? Buffer.alloc(0);
    const added: readonly (readonly [string, Uint8Array])[] = [
      ['notes.txt', Buffer.from('x')],
      ['.part-00000003-drill-3.json', Buffer.from('x')],
      ['00000001-drill-1.more.html', Buffer.from('x')],
      ['00000002-drill-1.json', document],
      ['99999999-drill-1.json', document],
      [`public-key-${newKey().keyId}.pem`, Buffer.from(newKey().publicKeyPem)],
    ];
    for (const [name, bytes] of added) {
      expect(names(await verdictOn(new Map(files).set(name, bytes)), name), name).toBe(true);
    }
    const stranger = newKey();
    const name = `public-key-${stranger.keyId}.pem`;
    expect(names(await verdictOn(new Map(files).set(name, Buffer.from(stranger.publicKeyPem))), name)).toBe(true);
  });
});

describe('who has another key', () => {
  test('cannot put a document of his own in the place of one, nor his whole chain', async () => {
    const { files } = chainOf(2);
    const forger = newKey();
    const first = evidenceDocumentSchema.parse(
      JSON.parse(Buffer.from(files.get('00000001-drill-1.json') ?? []).toString()),
    );
    const previous = { sequence: 1, hash: first.hash };
    const last = evidenceDocumentSchema.parse(
      JSON.parse(Buffer.from(files.get('00000002-drill-2.json') ?? []).toString()),
    );
    const content = smallContent('drill-2', { verdict: 'FAILED' });
    const forged = sealEvidence({ content, previous, attachments: last.attachments, key: forger });
    const changed = new Map(files)
      .set('00000002-drill-2.json', renderJson(forged))
      .set('head.json', renderJson(sealHead(forged, forger)))
      .set(`public-key-${forger.keyId}.pem`, Buffer.from(forger.publicKeyPem));
    const verdict = await verdictOn(changed);
    expect(verdict.problems.map(({ kind, file }) => `${kind} ${file}`)).toEqual([
      'signature 00000002-drill-2.json',
      'signature head.json',
    ]);
    const whole = (await recordedChain(2, forger)).store.files;
    expect(names(await verdictOn(whole), '00000001-drill-1.json')).toBe(true);
    expect((await verdictOn(whole, [])).keys.from).toBe('beside');
  });
});

describe('what the right key has signed, in another place or at another time,', () => {
  /** Two chains that go apart behind their first document. */
  async function branches(): Promise<readonly [Map<string, Uint8Array>, Map<string, Uint8Array>]> {
    const files = await Promise.all(
      ['PASSED', 'FAILED'].map(async (verdict) => {
        const store = memoryStore();
        await recordEvidence(store, { content: smallContent('drill-1'), files: [], key });
        const second = smallContent('drill-2', verdict === 'PASSED' ? {} : { verdict: 'FAILED' });
        await recordEvidence(store, { content: second, files: [], key });
        await recordEvidence(store, { content: smallContent('drill-3'), files: [], key });
        return store.files;
      }),
    );
    return [files[0] ?? new Map(), files[1] ?? new Map()];
  }

  test('a document of another branch is not chained to what stands before it', async () => {
    const [one, other] = await branches();
    for (const name of [...other.keys()].filter((each) => each.startsWith('00000002-'))) {
      one.set(name, other.get(name) ?? Buffer.alloc(0));
    }
    const { problems } = await verdictOn(one);
    expect(problems.map(({ kind, file }) => `${kind} ${file}`)).toEqual(['order 00000003-drill-3.json']);
  });

  test('a head of another branch says otherwise than the last document', async () => {
    const [one, other] = await branches();
    const { problems } = await verdictOn(one.set('head.json', other.get('head.json') ?? Buffer.alloc(0)));
    expect(problems).toMatchObject([{ kind: 'head', file: 'head.json' }]);
  });

  test('a head of an earlier day knows fewer documents than there are', async () => {
    const { store } = await recordedChain(2, key);
    const earlier = store.files.get('head.json') ?? Buffer.alloc(0);
    await recordEvidence(store, { content: smallContent('drill-3'), files: [], key });
    const { problems } = await verdictOn(store.files.set('head.json', earlier));
    expect(problems).toMatchObject([{ kind: 'head', message: 'names document 2, and there are 3' }]);
  });

  test('a document of the other site is not of this chain', async () => {
    const { store, documents } = await recordedChain(1, key);
    const content = smallContent('drill-2');
    const [previous] = documents.map(({ chain, hash }) => ({ sequence: chain.sequence, hash }));
    const other = { ...content, pair: { ...content.pair, site: 'b' as const } };
    const document = sealEvidence({ content: other, previous, attachments: [], key });
    store.files.set('00000002-drill-2.json', renderJson(document));
    store.files.set('head.json', renderJson(sealHead(document, key)));
    const { problems } = await verdictOn(store.files);
    expect(problems).toMatchObject([{ kind: 'order', file: '00000002-drill-2.json' }]);
  });
});

describe('a report that is judged by itself', () => {
  test('needs nothing of its chain, and has a problem where one of its files has', async () => {
    const { store } = await recordedChain(3, key);
    const own = new Map([...store.files].filter(([name]) => !/^0000000[13]|^head/.test(name)));
    const judged = (files: Files): Promise<ChainVerdict> =>
      verifyChain(memoryReader(files), { keys: [publicKey], only: 'drill-2' });
    expect(await judged(own)).toMatchObject({ documents: 1, problems: [] });
    expect(await judged(store.files)).toMatchObject({ documents: 1, problems: [] });
    for (const name of own.keys()) {
      const changed = new Map(own).set(name, Buffer.from('x'));
      expect(names(await judged(changed), name), name).toBe(true);
    }
    expect((await verifyChain(memoryReader(own), { keys: [publicKey], only: 'drill-9' })).problems).toHaveLength(1);
  });
});

describe('a chain that is put back to what it was, head and all,', () => {
  test('is seen only by who kept a hash of a document that was removed', async () => {
    const { store, documents } = await recordedChain(2, key);
    const before = new Map(store.files);
    await recordEvidence(store, { content: smallContent('drill-3'), files: [], key });
    const verdict = await verdictOn(store.files);
    const kept = verdict.hashes.at(-1) ?? '';
    const putBack = await verdictOn(before);
    expect(putBack.problems).toEqual([]);
    expect(missingDocument([putBack], kept)).toMatchObject({ kind: 'missing' });
    expect(missingDocument([verdict], documents[0]?.hash ?? '')).toBeUndefined();
  });
});

test('a new key signs what comes from then on: a chain is held against both', async () => {
  const { store } = await recordedChain(1, key);
  const next = newKey();
  await recordEvidence(store, { content: smallContent('drill-2'), files: [], key: next });
  expect((await verdictOn(store.files, [publicKey, publicHalf(next)])).problems).toEqual([]);
  expect((await verdictOn(store.files, [])).problems).toEqual([]);
  expect((await verdictOn(store.files)).problems.map(({ kind }) => kind)).toEqual(['signature', 'signature']);
});
