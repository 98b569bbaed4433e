import { type BrokerRuntime, type BrokerStatus, type RuntimeInput } from './broker-runtime.ts';
import { brokerPaths, clusterPaths } from './cluster-paths.ts';
import { type BrokerState } from './cluster-state.ts';
import { docker, dockerOk, engineTraits, ownershipFlags } from './docker.ts';
import { ensureKafkaImage, imageLibsDir } from './kafka-image.ts';
import { lastLines } from './log-tail.ts';

/** Where a broker's folder is seen inside its container. */
const mountPoint = '/umbra';
const stopGraceSeconds = 20;
const stopTimeoutMs = 60_000;

/** Containers carry the folder of their cluster: whoever clears a project finds them by it. */
export const homeLabel = 'umbra.home';

/** Brokers in containers of a local engine: one broker per cluster, its port published on 127.0.0.1. */
export function dockerRuntime({ home, state, env }: RuntimeInput): BrokerRuntime {
  const nameOf = (broker: BrokerState): string => containerName(state.name, state.clusterId, broker.nodeId);
  const labels = ['--label', `${homeLabel}=${home}`, '--label', `umbra.pair=${state.pair}`];
  return {
    async prepare({ signal, onProgress }) {
      const call = { env, signal };
      const owner = ownershipFlags(await engineTraits(call));
      const image = await ensureKafkaImage(state.kafkaVersion, { ...call, onProgress });
      const run = (broker: BrokerState): readonly string[] => {
        const { dir } = clusterPaths(home).broker(broker.nodeId);
        const mount = ['--volume', `${dir}:${mountPoint}`, '--workdir', mountPoint];
        return [...owner, ...labels, ...mount, '--entrypoint', 'java'];
      };
      return {
        libsDir: imageLibsDir,
        clientBindHost: '0.0.0.0',
        portsOf: (broker) => [broker.clientPort],
        seenPaths: () => brokerPaths(mountPoint),
        async runTool(broker, argumentFile, toolSignal) {
          const name = `${nameOf(broker)}-tool`;
          const args = ['run', '--rm', '--name', name, '--network', 'none', ...run(broker), image, `@${argumentFile}`];
          try {
            return await docker(args, { env, signal: toolSignal });
          } finally {
            // Only there when the call was cut off: the engine carries on without its client.
            await docker(['rm', '--force', name], { env, signal: AbortSignal.timeout(stopTimeoutMs) });
          }
        },
        async start(broker, args, startSignal) {
          await docker(['rm', '--force', nameOf(broker)], { env, signal: startSignal });
          const port = `127.0.0.1:${broker.clientPort}:${broker.clientPort}`;
          const flags = ['--detach', '--name', nameOf(broker), '--publish', port, ...run(broker)];
          await dockerOk(['run', ...flags, image, ...args], { env, signal: startSignal });
        },
      };
    },
    async status(broker, signal) {
      const format = '{{.State.Running}} {{.State.ExitCode}}';
      const result = await docker(['container', 'inspect', '--format', format, nameOf(broker)], { env, signal });
      return result.exitCode === 0 ? parseState(result.stdout, nameOf(broker)) : { kind: 'absent' };
    },
    logName: (broker) => `docker logs ${nameOf(broker)}`,
    async logTail(broker, lines, signal) {
      const result = await docker(['logs', '--tail', String(lines), nameOf(broker)], { env, signal });
      return result.exitCode === 0 ? lastLines(result.output, lines) : [];
    },
    async stop(broker, signal) {
      const call = { env, signal, timeoutMs: stopTimeoutMs };
      await docker(['stop', '--time', String(stopGraceSeconds), nameOf(broker)], call);
      await docker(['rm', '--force', nameOf(broker)], call);
    },
    async kill(broker, signal) {
      await docker(['kill', nameOf(broker)], { env, signal });
    },
  };
}

/** Unique on the machine: two projects may both have a cluster `a`. */
function containerName(cluster: string, clusterId: string, nodeId: number): string {
  return `umbra-${cluster}-${nodeId}-${clusterId.slice(0, 8)}`;
}

/** Pure: the status in `<running> <exit code>`. */
export function parseState(text: string, name: string): BrokerStatus {
  const [running, exitCode] = text.trim().split(' ');
  if (running === 'true') return { kind: 'running', where: `container ${name}` };
  return { kind: 'died', how: `exit code ${exitCode ?? 'unknown'}` };
}

/** Removes every container of clusters below a folder, also of those whose state file is gone. Gives their names. */
export async function removeContainersBelow(
  folder: string,
  call: Parameters<typeof docker>[1],
): Promise<readonly string[]> {
  const format = `{{.Names}}\t{{.Label "${homeLabel}"}}`;
  const listed = await dockerOk(['ps', '--all', '--filter', `label=${homeLabel}`, '--format', format], call);
  const names = listed.split('\n').flatMap((line) => {
    const [name, home] = line.split('\t');
    return name !== undefined && home?.startsWith(`${folder}/`) === true ? [name] : [];
  });
  if (names.length > 0) await dockerOk(['rm', '--force', ...names], call);
  return names;
}
