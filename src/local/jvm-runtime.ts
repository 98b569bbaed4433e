import { kafkaLibs } from './cache-dir.ts';
import { childEnvironment } from './child-environment.ts';
import { type BrokerRuntime, type RuntimeInput } from './broker-runtime.ts';
import { classArchiveOptions } from './class-archive.ts';
import { clusterPaths } from './cluster-paths.ts';
import { findJava } from './java.ts';
import { logTail } from './log-tail.ts';
import {
  inspectProcess,
  killProcess,
  launchProcess,
  type LaunchedProcess,
  stopProcess,
  type StopBounds,
} from './managed-process.ts';
import { runCommand } from './run-command.ts';

const toolTimeoutMs = 60_000;
/** A broker without other brokers shuts down in about a second; a loaded machine takes longer. */
const stopBounds: StopBounds = { graceMs: 20_000, killMs: 10_000 };

/** Brokers as processes of this machine's Java. */
export function jvmRuntime({ home, state, env }: RuntimeInput): BrokerRuntime {
  const files = clusterPaths(home);
  const launched = new Map<number, LaunchedProcess>();
  return {
    async prepare({ signal }) {
      const libsDir = kafkaLibs(state.kafkaVersion, env);
      const java = await findJava(env, signal);
      const classes = classArchiveOptions(libsDir);
      return {
        libsDir,
        clientBindHost: '127.0.0.1',
        portsOf: (broker) => [broker.clientPort, broker.brokerPort, broker.controllerPort],
        seenPaths: (broker) => files.broker(broker.nodeId),
        async runTool(_broker, argumentFile, toolSignal) {
          const bounds = { env: childEnvironment(env), signal: toolSignal, timeoutMs: toolTimeoutMs };
          return runCommand(java, [...classes, `@${argumentFile}`], bounds);
        },
        async start(broker, args) {
          const paths = files.broker(broker.nodeId);
          const launch = {
            command: java,
            args: [...classes, ...args],
            cwd: paths.dir,
            env: childEnvironment(env),
            files: paths,
          };
          launched.set(broker.nodeId, await launchProcess(launch));
        },
      };
    },
    async status(broker) {
      const status = await inspectProcess(files.broker(broker.nodeId));
      switch (status.kind) {
        case 'absent':
          return status;
        case 'running':
          return { kind: 'running', where: `pid ${status.pid}` };
        case 'died':
          return { kind: 'died', how: launched.get(broker.nodeId)?.exit() ?? `pid ${status.pid} is gone` };
      }
    },
    async logTail(broker, lines) {
      const { logFile } = files.broker(broker.nodeId);
      const current = await logTail(logFile, lines);
      return current.length > 0 ? current : logTail(`${logFile}.1`, lines);
    },
    logName: (broker) => files.broker(broker.nodeId).logFile,
    stop: (broker, signal) => stopProcess(files.broker(broker.nodeId), stopBounds, signal),
    kill: (broker, signal) => killProcess(files.broker(broker.nodeId), signal),
  };
}
