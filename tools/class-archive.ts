import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { waitUntil } from '../src/local/bounded-wait.ts';
import { classArchive } from '../src/local/class-archive.ts';
import { freePorts } from '../src/local/free-port.ts';
import { findJava } from '../src/local/java.ts';
import { ensureKafka } from './kafka-jars.ts';
import { ToolError } from './steps.mjs';
import { withTemporaryFolder } from './temporary-folder.ts';

const startMs = 120_000;
const endMs = 120_000;
const clusterId = 'umbraClassArchive00000';

/**
 * Sees to it that the class archive of this version is there, made by this Java: starts a broker and ends it, by which
 * it is written. Half a minute, for test runs, which start a hundred brokers. @throws {ToolError}
 */
export async function ensureClassArchive(version: string, signal: AbortSignal): Promise<'cached' | 'made'> {
  const libs = await ensureKafka(version, { signal });
  const java = await findJava(process.env, signal);
  const { stderr: madeBy } = await promisify(execFile)(java, ['-version'], { signal });
  const archive = classArchive(libs);
  const note = `${archive}.java`;
  if ((await readFile(note, 'utf8').catch(() => '')) === madeBy) return 'cached';
  await withTemporaryFolder(dirname(libs), async (folder) => {
    const made = join(folder, 'classes.jsa');
    await record({ java, libs, folder, made, signal });
    await rename(made, archive);
    await writeFile(note, madeBy);
  });
  return 'made';
}

interface Recording {
  readonly java: string;
  readonly libs: string;
  readonly folder: string;
  readonly made: string;
  readonly signal: AbortSignal;
}

async function record({ java, libs, folder, made, signal }: Recording): Promise<void> {
  const [client = 0, controller = 0] = await freePorts(2);
  const config = join(folder, 'server.properties');
  await writeFile(config, renderConfig(client, controller, join(folder, 'data')));
  const options = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx384m', '-cp', join(libs, '*')];
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', config];
  await promisify(execFile)(java, [...options, ...format], { signal, timeout: startMs });
  const broker = spawn(java, [`-XX:ArchiveClassesAtExit=${made}`, ...options, 'kafka.Kafka', config], {
    cwd: folder,
    stdio: 'ignore',
  });
  const ended = once(broker, 'exit', { signal: AbortSignal.any([signal, AbortSignal.timeout(startMs + endMs)]) });
  // Awaited below; until then its failure is no unheard one.
  ended.catch(() => undefined);
  try {
    const bound = { timeoutMs: startMs, intervalMs: 100, signal };
    if (!(await waitUntil(() => listens(client), bound))) throw new ToolError('A broker did not start in time.');
    broker.kill('SIGTERM');
    await ended;
  } finally {
    broker.kill('SIGKILL');
  }
}

function renderConfig(client: number, controller: number, data: string): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'controller.listener.names=CONTROLLER',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    `log.dirs=${data}`,
  ].join('\n');
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
