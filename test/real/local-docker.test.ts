import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { removeContainersBelow } from '../../src/local/docker-runtime.ts';
import { docker } from '../../src/local/docker.ts';
import { startLocalCluster } from '../../src/local/local-cluster.ts';
import { reportOn, startTestCluster } from '../fixtures/cluster.ts';
import { missingEngine } from '../fixtures/container-cluster.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';

const missing = await missingEngine();
if (missing !== undefined) console.warn(`\nSKIPPED: nothing is proven about the docker runtime here. ${missing}\n`);

const testTimeoutMs = 600_000;

describe.skipIf(missing !== undefined)('the docker runtime', () => {
  test(
    'starts, survives a kill with its data, takes over to the jvm runtime, and leaves nothing behind',
    { timeout: testTimeoutMs },
    async () => {
      const cluster = await startTestCluster({ name: 'boxed', runtime: 'docker' });
      onTestFinished(() => cluster.remove());
      const admin = cluster.connection('admin');
      await createTopic(admin, 'a_boxed');
      await produce(admin, 'a_boxed', ['x', 'y']);
      await expect(produce(cluster.connection('app'), 'a_boxed', ['z'])).rejects.toThrow(/Not authorized/);

      await cluster.broker.kill();
      const dead = await reportOn(cluster);
      if (dead.kind !== 'present') throw new Error(dead.kind);
      expect(dead.brokers[0]).toMatchObject({ status: { kind: 'died', how: 'exit code 137' } });
      expect(dead.brokers[0]?.logTail.join('\n')).toContain('INFO');
      await cluster.broker.start();
      expect(await logEnds(admin, 'a_boxed')).toEqual([2n]);

      const bounds = { signal: AbortSignal.timeout(120_000) };
      const { name, home } = cluster.local;
      await startLocalCluster({ name, home, runtime: 'jvm' }, bounds);
      expect(await logEnds(admin, 'a_boxed')).toEqual([2n]);
      await startLocalCluster({ name, home, runtime: 'docker' }, bounds);
      await cluster.remove();
      expect(existsSync(home)).toBe(false);
      const left = await docker(['ps', '--all', '--filter', `label=umbra.home=${home}`, '--quiet'], {
        env: process.env,
        ...bounds,
      });
      expect(left.stdout).toBe('');
    },
  );

  test(
    'containers whose folder lost its state file are still found and removed',
    { timeout: testTimeoutMs },
    async () => {
      const cluster = await startTestCluster({ name: 'lost', runtime: 'docker' });
      onTestFinished(() => cluster.remove());
      const call = { env: process.env, signal: AbortSignal.timeout(60_000) };
      const parent = cluster.local.home.slice(0, cluster.local.home.lastIndexOf('/'));
      expect(await removeContainersBelow(parent, call)).toEqual([expect.stringContaining('umbra-lost-1-')]);
      expect(await reportOn(cluster)).toMatchObject({ brokers: [{ status: { kind: 'absent' } }] });
    },
  );
});

test('without an engine a start says what is missing and what to do, and writes nothing', async () => {
  const env = { ...process.env, DOCKER_HOST: 'unix:///no/such/engine.sock' };
  const home = join(testFolder('none'), 'none');
  const spec = { name: 'none', home, runtime: 'docker' as const };
  await expect(startLocalCluster(spec, { env, signal: AbortSignal.timeout(60_000) })).rejects.toThrow(
    /Start Docker.*or choose the runtime "jvm"/,
  );
  expect(existsSync(home)).toBe(false);
});
