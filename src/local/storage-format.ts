import { readFile, rename, rm } from 'node:fs/promises';
import { type BrokerStarter } from './broker-runtime.ts';
import { renderFormatArguments } from './broker-command.ts';
import { type BrokerPaths } from './cluster-paths.ts';
import { type BrokerState, type ClusterState } from './cluster-state.ts';
import { type Credentials, principals } from './credentials.ts';
import { LocalProblem } from './local-problems.ts';
import { lastLines } from './log-tail.ts';
import { isMissing, writePrivateFile } from './private-file.ts';

/** The cluster id in a `meta.properties`; undefined when it holds none. */
export function parseClusterId(metaProperties: string): string | undefined {
  return /^cluster\.id=(.+)$/m.exec(metaProperties)?.[1]?.trim();
}

export interface FormatRequest {
  readonly state: ClusterState;
  readonly broker: BrokerState;
  readonly credentials: Credentials;
  /** Where the broker's files are for us; `starter.seenPaths` says where they are for the broker. */
  readonly paths: BrokerPaths;
  readonly starter: BrokerStarter;
  /** `server.properties` for a given data folder. */
  readonly renderConfig: (dataDir: string) => string;
}

/**
 * Gives a broker its storage, with the SCRAM users in it: they are there before the first connection. A folder of the
 * same cluster is left alone. Interrupted at any point it leaves no half of a data folder and no password file.
 * @throws {LocalProblem} FORMAT_FAILED, also for a folder of another cluster.
 */
export async function formatStorage(request: FormatRequest, signal: AbortSignal): Promise<void> {
  const { state, broker, paths, starter } = request;
  const present = await clusterIdOf(paths.data);
  if (present === state.clusterId) return;
  if (present !== undefined) {
    throw new LocalProblem('FORMAT_FAILED', `${paths.data} belongs to another cluster (${present}).`);
  }
  const seen = starter.seenPaths(broker);
  const users = state.security === 'scram' ? principals : [];
  await rm(paths.dataNew, { recursive: true, force: true });
  try {
    await writePrivateFile(paths.formatConfig, request.renderConfig(seen.dataNew));
    await writePrivateFile(
      paths.formatArgs,
      renderFormatArguments({
        libsDir: starter.libsDir,
        kafkaVersion: state.kafkaVersion,
        logging: seen.logging,
        clusterId: state.clusterId,
        formatConfig: seen.formatConfig,
        users: users.map((name) => ({ name, password: request.credentials[name].reveal() })),
      }),
    );
    const result = await starter.runTool(broker, seen.formatArgs, signal);
    if (result.exitCode !== 0) {
      const lines = formatFailure(result.output);
      throw new LocalProblem('FORMAT_FAILED', `Formatting ${paths.dataNew} failed (${result.exitCode}):\n${lines}\n`);
    }
    await rename(paths.dataNew, paths.data);
  } finally {
    await rm(paths.formatArgs, { force: true });
    await rm(paths.formatConfig, { force: true });
    await rm(paths.dataNew, { recursive: true, force: true });
  }
}

/** What the tool said, without the line that lists the users' stored keys and without our own arguments. */
export function formatFailure(output: string): string {
  const safe = output.split('\n').filter((line) => !/BootstrapMetadata|password=|SCRAM-SHA/.test(line));
  return lastLines(safe.join('\n'), 8).join('\n');
}

async function clusterIdOf(dataDir: string): Promise<string | undefined> {
  try {
    return parseClusterId(await readFile(`${dataDir}/meta.properties`, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
