import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openAclApi } from '../../src/local/acl-api.ts';
import { classArchiveOptions } from '../../src/local/class-archive.ts';
import { clusterPaths } from '../../src/local/cluster-paths.ts';
import { inspectLocalCluster, startLocalCluster } from '../../src/local/local-cluster.ts';
import { runCommand } from '../../src/local/run-command.ts';
import { type AclBinding } from '../../src/prefix-policy/acls.ts';
import { ensureKafka } from '../../tools/kafka-jars.ts';
import { comesBackSoon, reportOn, startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';

const bounded = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) });

describe('a cluster with passwords and an authorizer', () => {
  const home = join(testFolder('secure'), 'secure');
  let interrupted: InterruptedStart;
  let cluster: TestCluster;
  beforeAll(async () => {
    interrupted = await interruptedStart({ name: 'secure', home, brokerSettings: comesBackSoon });
    cluster = await startTestCluster({ name: 'secure', home, brokerSettings: comesBackSoon });
  });
  afterAll(() => cluster.remove());

  test('an interrupted start leaves no process and no password file behind, and can be repeated', async () => {
    expect(interrupted.rejection).toMatchObject({ message: 'enough' });
    expect(interrupted.report).toMatchObject({ brokers: [{ status: { kind: 'absent' } }] });
    expect(interrupted.passwordFileLeft).toBe(false);
    expect(await reportOn(cluster)).toMatchObject({ brokers: [{ status: { kind: 'running' } }] });
  });

  function specOf(): Parameters<typeof startLocalCluster>[0] {
    return { name: cluster.local.name, home: cluster.local.home, brokerSettings: comesBackSoon };
  }

  test('a wrong password is refused', async () => {
    const right = cluster.connection('app');
    if (right.sasl?.mechanism !== 'SCRAM-SHA-512') throw new Error('not SCRAM');
    const wrong = { ...right, sasl: { ...right.sasl, password: 'not-the-password' } };
    await expect(createTopic(wrong, 'x')).rejects.toThrow(/SASL.*SCRAM.*authentication failed|invalid credentials/i);
  });

  test('both SCRAM mechanisms let every principal in', async () => {
    for (const principal of ['admin', 'umbra', 'app'] as const) {
      const connection = cluster.connection(principal);
      if (connection.sasl?.mechanism !== 'SCRAM-SHA-512') throw new Error('not SCRAM');
      const other = { ...connection, sasl: { ...connection.sasl, mechanism: 'SCRAM-SHA-256' as const } };
      for (const each of [connection, other]) await expect(logEnds(each, 'no-such-topic')).rejects.toThrow(/topic/i);
    }
  });

  test('app may do nothing until it is granted', async () => {
    await createTopic(cluster.connection('admin'), 'a_closed');
    await expect(produce(cluster.connection('app'), 'a_closed', ['x'])).rejects.toThrow(
      /Not authorized to access topics/i,
    );
    const grant: AclBinding = {
      ...{ resourceType: 'TOPIC', resourceName: 'a_', patternType: 'PREFIXED', principal: 'User:app', host: '*' },
      ...{ operation: 'WRITE', permission: 'ALLOW' },
    };
    await cluster.grant([grant]);
    await produce(cluster.connection('app'), 'a_closed', ['x']);
    await cluster.grant([]);
    await expect(produce(cluster.connection('app'), 'a_closed', ['y'])).rejects.toThrow(
      /Not authorized to access topics/i,
    );
    expect(await logEnds(cluster.connection('admin'), 'a_closed')).toEqual([1n]);
  });

  test('grants that somebody else made are left alone', async () => {
    const foreign: AclBinding = {
      ...{ resourceType: 'TOPIC', resourceName: 'theirs', patternType: 'LITERAL', principal: 'User:them', host: '*' },
      ...{ operation: 'READ', permission: 'ALLOW' },
    };
    const acls = openAclApi(cluster.connection('admin'));
    try {
      await acls.create([foreign]);
      await cluster.grant([{ ...foreign, principal: 'User:app' }]);
      await cluster.grant([]);
      expect(await acls.list()).toEqual([foreign]);
    } finally {
      await acls.close();
    }
  });

  test('a killed broker is reported with its log, and starts again with its data on the same port', async () => {
    await createTopic(cluster.connection('admin'), 'a_kept');
    await produce(cluster.connection('admin'), 'a_kept', ['1', '2', '3']);
    await cluster.broker.kill();
    const dead = await reportOn(cluster);
    if (dead.kind !== 'present') throw new Error(dead.kind);
    expect(dead.brokers[0]?.status.kind).toBe('died');
    expect(dead.brokers[0]?.logTail.join('\n')).toMatch(/INFO/);
    await cluster.broker.start();
    expect(await logEnds(cluster.connection('admin'), 'a_kept')).toEqual([3n]);
  });

  test('a changed heap restarts the broker with its data', async () => {
    await createTopic(cluster.connection('admin'), 'a_outlives');
    await produce(cluster.connection('admin'), 'a_outlives', ['1']);
    const pid = await cluster.broker.pid();
    await startLocalCluster({ ...specOf(), heapMb: 300 }, bounded());
    expect(await cluster.broker.pid()).not.toBe(pid);
    expect(await logEnds(cluster.connection('admin'), 'a_outlives')).toEqual([1n]);
  });

  test.runIf(process.platform === 'linux')(
    'no password is seen in the process, none in the log, and no file is public',
    async () => {
      const { home } = cluster.local;
      const credentials = JSON.parse(readFileSync(clusterPaths(home).credentials, 'utf8')) as Record<string, string>;
      const pid = await cluster.broker.pid();
      const paths = clusterPaths(home).broker(1);
      const open = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, paths.logFile, `${paths.logFile}.1`];
      for (const file of open.filter((each) => existsSync(each))) {
        const text = readFileSync(file, 'utf8');
        for (const password of Object.values(credentials)) expect(text).not.toContain(password);
      }
      const privates = [paths.config, clusterPaths(home).credentials, ...Object.values(cluster.local.clientFiles)];
      for (const file of privates) expect(statSync(file).mode & 0o077).toBe(0);
      expect(statSync(home).mode & 0o077).toBe(0);
    },
  );

  test.runIf(process.platform === 'linux')('a broker that serves takes less than 450 MiB', async () => {
    const status = readFileSync(`/proc/${await cluster.broker.pid()}/status`, 'utf8');
    const residentKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
    expect(residentKb).toBeGreaterThan(0);
    expect(residentKb).toBeLessThan(450 << 10);
  });

  test('Kafka’s own tools work with the properties written for them', async () => {
    await createTopic(cluster.connection('admin'), 'a_listed');
    const libs = await ensureKafka('4.3.1', bounded());
    const quick = [...classArchiveOptions(libs), '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const tool = [...quick, '-cp', join(libs, '*'), 'org.apache.kafka.tools.TopicCommand', '--list'];
    const where = [
      '--bootstrap-server',
      cluster.bootstrapServers.join(','),
      '--command-config',
      cluster.local.clientFiles.admin,
    ];
    const result = await runCommand('java', [...tool, ...where], { env: process.env, timeoutMs: 60_000, ...bounded() });
    expect(result.stdout).toContain('a_listed');
  });

  test('an older version than the data’s is refused and nothing is touched', async () => {
    const pid = await cluster.broker.pid();
    await expect(startLocalCluster({ ...specOf(), kafkaVersion: '3.9.2' }, bounded())).rejects.toThrow(
      /kafkaVersion is 4\.3\.1 and cannot become 3\.9\.2, which is older/,
    );
    expect(await cluster.broker.pid()).toBe(pid);
  });

  describe('when it is stopped', () => {
    beforeAll(async () => {
      await createTopic(cluster.connection('admin'), 'a_stays');
      await produce(cluster.connection('admin'), 'a_stays', ['1', '2']);
      await cluster.broker.stop();
    });

    test('a start for a port that another program took names it, and nothing is started', async () => {
      const port = Number(cluster.bootstrapServers[0]?.split(':')[1]);
      const server = createServer().listen(port, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      await expect(cluster.broker.start()).rejects.toThrow(
        `Port ${port} of broker secure/1 is used by another program.`,
      );
      expect(await reportOn(cluster)).toMatchObject({ brokers: [{ status: { kind: 'absent' } }] });
    });

    test('a start with data that are damaged reports exit code and log, and nothing is left running', async () => {
      const meta = join(clusterPaths(cluster.local.home).broker(1).data, 'meta.properties');
      const intact = readFileSync(meta, 'utf8');
      onTestFinished(() => writeFileSync(meta, intact));
      writeFileSync(meta, intact.replace('node.id=1', 'node.id=7'));
      await expect(cluster.broker.start()).rejects.toThrow(
        /secure\/1 ended before it served: exit code 1[^]*Stored node id 7/,
      );
      expect(await reportOn(cluster)).toMatchObject({ brokers: [{ status: { kind: 'absent' } }] });
    });

    test('it starts with data, passwords, ports and identity kept; starting twice changes nothing', async () => {
      const before = { clusterId: cluster.local.clusterId, connection: cluster.connection('app') };
      const again = await startLocalCluster(specOf(), bounded());
      expect({ clusterId: again.clusterId, connection: again.connection('app') }).toEqual(before);
      const pid = await cluster.broker.pid();
      await startLocalCluster(specOf(), bounded());
      expect(await cluster.broker.pid()).toBe(pid);
      expect(await logEnds(cluster.connection('admin'), 'a_stays')).toEqual([2n]);
    });
  });
});

test('a version without jars, and a configured port that is taken, are refused before anything is made', async () => {
  const home = join(testFolder('refused'), 'x');
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const clientPort = typeof address === 'object' ? address?.port : undefined;
  if (clientPort === undefined) throw new Error('no port');
  await expect(startLocalCluster({ name: 'x', home, kafkaVersion: '9.9.9' }, bounded())).rejects.toThrow(
    'No jars of Kafka 9.9.9',
  );
  await expect(startLocalCluster({ name: 'x', home, clientPort }, bounded())).rejects.toThrow(
    `Port ${clientPort} of broker x/1`,
  );
  expect(existsSync(home)).toBe(false);
});

/** What was there when a start had been given up. */
interface InterruptedStart {
  readonly rejection: unknown;
  readonly report: Awaited<ReturnType<typeof inspectLocalCluster>>;
  readonly passwordFileLeft: boolean;
}

async function interruptedStart(spec: Parameters<typeof startLocalCluster>[0]): Promise<InterruptedStart> {
  const interrupt = new AbortController();
  const onProgress = (line: string): void => {
    // The broker is about to be started: half of the work is done.
    if (line.startsWith('start broker')) setTimeout(() => interrupt.abort(new Error('enough')), 300);
  };
  const rejection = await startLocalCluster(spec, { signal: interrupt.signal, onProgress }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    rejection,
    report: await inspectLocalCluster({ home: spec.home }, bounded()),
    passwordFileLeft: existsSync(clusterPaths(spec.home).broker(1).formatArgs),
  };
}
