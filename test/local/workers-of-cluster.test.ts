import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { workersOfCluster } from '../../src/local/workers-of-cluster.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a cluster is used by the workers whose file names one of its addresses, running or not', async () => {
  const root = temporaryFolder();
  expect(await workersOfCluster(root, ['127.0.0.1:1'])).toEqual([]);
  const clusters = (a: string, b: string): object => ({ a: { bootstrapServers: [a] }, b: { bootstrapServers: [b] } });
  await writeWorker(root, 'pair-b', clusters('127.0.0.1:1', '127.0.0.1:2'));
  await writeWorker(root, 'pair-a', clusters('127.0.0.1:1', '127.0.0.1:2'));
  await writeWorker(root, 'other-a', clusters('127.0.0.1:3', '127.0.0.1:4'));
  await mkdir(join(root, 'workers', 'half-made'));
  expect(await workersOfCluster(root, ['127.0.0.1:2', '127.0.0.1:9'])).toEqual(['pair-a', 'pair-b']);
  expect(await workersOfCluster(root, ['127.0.0.1:5'])).toEqual([]);
});

async function writeWorker(root: string, name: string, clusters: object): Promise<void> {
  const home = join(root, 'workers', name);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'worker.json'), JSON.stringify({ pair: 'pair', clusters }));
}
