import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chainEnd, endOf } from '../../src/evidence/chain-end.ts';
import { folderStore } from '../../src/evidence/folder-store.ts';
import { recordEvidence, type ToRecord } from '../../src/evidence/record.ts';
import type { EvidenceStore } from '../../src/evidence/store.ts';
import { type ChainProblem, verifyChain } from '../../src/evidence/verify.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { memoryStore, newKey, recordedChain, sampleContent, smallContent } from './samples.ts';

const key = newKey();
const ledger = { suffix: 'ledger.ndjson', what: 'ledger', bytes: Buffer.from('{"sequence":1}\n') } as const;

function run(reportId: string, more: Partial<ToRecord> = {}): ToRecord {
  return { content: smallContent(reportId), files: [ledger], key, ...more };
}

async function problemsOf(store: EvidenceStore): Promise<readonly ChainProblem[]> {
  return (await verifyChain(store, { keys: [] })).problems;
}

describe('a run that is recorded', () => {
  test('is a document, its page, its files, the public key and a head', async () => {
    const store = memoryStore();
    const document = await recordEvidence(store, { content: sampleContent(), files: [ledger], key });
    const stem = '00000001-d20261122-1000-orders-monthly';
    expect([...store.files.keys()].toSorted()).toEqual([
      ...[`${stem}.html`, `${stem}.json`, `${stem}.ledger.ndjson`],
      ...['head.json', `public-key-${key.keyId}.pem`],
    ]);
    expect(document.chain).toEqual({ sequence: 1, previous: null });
    expect(document.attachments.map(({ name, what }) => `${what} ${name}`)).toEqual([
      `report ${stem}.html`,
      `ledger ${stem}.ledger.ndjson`,
    ]);
    expect(await chainEnd(store)).toEqual(endOf(document));
    expect(await problemsOf(store)).toEqual([]);
  });

  test('again is the same one: nothing is added', async () => {
    const { store, documents } = await recordedChain(2, key);
    const before = new Map(store.files);
    const again = await recordEvidence(store, {
      content: smallContent('drill-2'),
      files: [{ ...ledger, bytes: Buffer.from('{"sequence":2}\n') }],
      key,
      expected: { kind: 'document', sequence: 1, hash: documents[0]?.hash ?? '' },
    });
    expect(again).toEqual(documents[1]);
    expect(store.files).toEqual(before);
  });

  test('again with other content is refused, and what is there stays', async () => {
    const { store } = await recordedChain(1, key);
    const before = new Map(store.files);
    const other = { content: smallContent('drill-1', { verdict: 'FAILED' }) };
    await expect(recordEvidence(store, run('drill-1', other))).rejects.toMatchObject({ code: 'DIFFERENT' });
    expect(store.files).toEqual(before);
  });

  test('that a document may not hold is refused before anything is written, with the field', async () => {
    const store = memoryStore();
    const content = { ...smallContent('drill-1'), startedAt: 'yesterday' };
    await expect(recordEvidence(store, run('drill-1', { content }))).rejects.toThrow(
      /evidence of drill-1: startedAt: /,
    );
    const files = [{ ...ledger, suffix: 'json' }];
    await expect(recordEvidence(store, run('drill-1', { files }))).rejects.toMatchObject({ code: 'INPUT_REFUSED' });
    expect(store.files.size).toBe(0);
  });
});

test('a run of another site, or of another pair, is not put into a chain', async () => {
  const { store } = await recordedChain(1, key);
  const before = new Map(store.files);
  const content = smallContent('drill-2');
  for (const other of [{ site: 'b' as const }, { id: 'payments' }]) {
    const strange = { ...content, pair: { ...content.pair, ...other } };
    await expect(recordEvidence(store, run('drill-2', { content: strange }))).rejects.toThrow(
      /the chain is of site a of/,
    );
  }
  expect(store.files).toEqual(before);
});

describe('a recording that ends at any of its writes', () => {
  /** Fails at one write, as if the process had died there. */
  function dying(store: ReturnType<typeof memoryStore>, at: number): EvidenceStore {
    let writes = 0;
    const unless = async (write: () => Promise<void>): Promise<void> => {
      writes++;
      if (writes === at) throw new Error('died');
      await write();
    };
    return {
      ...store,
      put: (name, bytes) => unless(() => store.put(name, bytes)),
      replaceHead: (bytes, seen) => unless(() => store.replaceHead(bytes, seen)),
    };
  }

  const writes = [1, 2, 3, 4, 5];

  test.each(writes)('%i ends as if it had not when it is made again', async (at) => {
    const { store, documents } = await recordedChain(1, key);
    const expected = { kind: 'document', sequence: 1, hash: documents[0]?.hash ?? '' } as const;
    await expect(recordEvidence(dying(store, at), run('drill-2', { expected }))).rejects.toThrow('died');
    const document = await recordEvidence(store, run('drill-2', { expected }));
    expect(document.chain.sequence).toBe(2);
    expect(await problemsOf(store)).toEqual([]);
    expect(document.attachments.every(({ what }) => what !== 'left over')).toBe(true);
  });

  test.each(writes)('%i leaves nothing strange behind when another run is recorded instead', async (at) => {
    const { store } = await recordedChain(1, key);
    await expect(recordEvidence(dying(store, at), run('drill-2'))).rejects.toThrow('died');
    const next = await recordEvidence(store, run('drill-3'));
    expect(await problemsOf(store)).toEqual([]);
    // Its document stood there: it is the second one, and this the third.
    expect(next.chain.sequence).toBe(at === 5 ? 3 : 2);
    const left = next.attachments.filter(({ what }) => what === 'left over').map(({ name }) => name);
    expect(left).toEqual(
      ['00000002-drill-2.html', '00000002-drill-2.ledger.ndjson'].slice(0, at === 5 ? 0 : Math.max(0, at - 2)),
    );
  });
});

describe('a chain that does not end where the caller left it', () => {
  test('is not gone on with: a document was removed, or added', async () => {
    const { store, documents } = await recordedChain(2, key);
    const [first, second] = documents.map(endOf);
    const before = new Map(store.files);
    const refused = { code: 'CHAIN_MOVED' };
    await expect(recordEvidence(store, run('drill-3', { expected: first }))).rejects.toMatchObject(refused);
    await expect(recordEvidence(store, run('drill-3', { expected: { kind: 'empty' } }))).rejects.toMatchObject(refused);
    expect(store.files).toEqual(before);
    await recordEvidence(store, run('drill-3', { expected: second }));
    const empty = memoryStore();
    await expect(recordEvidence(empty, run('drill-3', { expected: second }))).rejects.toMatchObject(refused);
  });

  test('and says so by itself is not gone on with either', async () => {
    const damages: readonly ((files: Map<string, Uint8Array>) => void)[] = [
      (files) => files.delete('00000002-drill-2.json'),
      (files) => files.set('00000002-drill-2.json', Buffer.from('{}')),
      (files) => files.set('00000002-drill-2.json', files.get('00000001-drill-1.json') ?? Buffer.alloc(0)),
      (files) => files.set('00000002-another.json', files.get('00000002-drill-2.json') ?? Buffer.alloc(0)),
      (files) => files.set('head.json', Buffer.from('x')),
      (files) => files.delete('head.json'),
    ];
    for (const damage of damages) {
      const { store } = await recordedChain(2, key);
      damage(store.files);
      await expect(recordEvidence(store, run('drill-3'))).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' });
    }
  });

  test('a document behind the head that another key signed is not taken for one of ours', async () => {
    const { store } = await recordedChain(1, key);
    const head = store.files.get('head.json') ?? Buffer.alloc(0);
    await recordEvidence(store, run('forged-2', { key: newKey() }));
    store.files.set('head.json', head);
    await expect(recordEvidence(store, run('drill-3'))).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' });
  });
});

describe('a chain in a folder', () => {
  test('is whole and read-only files, and goes on in a store that is opened anew', async () => {
    const folder = join(testFolder('evidence'), 'orders', 'a');
    await recordEvidence(folderStore(folder), run('drill-1'));
    await recordEvidence(folderStore(folder), run('drill-2'));
    const names = await readdir(folder);
    expect(names).toHaveLength(8);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o444);
    expect(await problemsOf(folderStore(folder))).toEqual([]);
    expect((await verifyChain(folderStore(folder), { keys: [] })).documents).toBe(2);
  });

  test('never has a file written over, and takes the same bytes again', async () => {
    const folder = testFolder('evidence');
    const store = folderStore(folder);
    await store.put('a.html', Buffer.from('one'));
    await store.put('a.html', Buffer.from('one'));
    await expect(store.put('a.html', Buffer.from('two'))).rejects.toMatchObject({ code: 'DIFFERENT' });
    expect(await readFile(join(folder, 'a.html'), 'utf8')).toBe('one');
  });

  test('loses what a write that a crash ended has left, with the next head', async () => {
    const folder = testFolder('evidence');
    await recordEvidence(folderStore(folder), run('drill-1'));
    await writeFile(join(folder, '.part-00000002-drill-2.json'), '{"half":');
    expect(await problemsOf(folderStore(folder))).toMatchObject([{ kind: 'strange' }]);
    await recordEvidence(folderStore(folder), run('drill-2'));
    expect(await problemsOf(folderStore(folder))).toEqual([]);
  });

  test('has a head that is only replaced by who has seen it', async () => {
    const store = folderStore(testFolder('evidence'));
    await recordEvidence(store, run('drill-1'));
    const seen = await store.readHead();
    await recordEvidence(store, run('drill-2'));
    await expect(store.replaceHead(Buffer.from('{}'), seen)).rejects.toMatchObject({ code: 'CHAIN_MOVED' });
  });

  test('that is not there is an empty one', async () => {
    const folder = testFolder('evidence');
    await rm(folder, { recursive: true });
    expect(await chainEnd(folderStore(folder))).toEqual({ kind: 'empty' });
  });
});
