import { join } from 'node:path';
import { type BrokerPaths } from './cluster-paths.ts';
import { loggingFlags } from './broker-logging.ts';

/** Start fast rather than run hot: a broker on this machine serves megabytes, not gigabytes, a second. */
const modestJvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true'];

export interface BrokerCommandInput {
  readonly libsDir: string;
  readonly kafkaVersion: string;
  readonly heapMb: number;
  readonly paths: BrokerPaths;
}

/** Pure: arguments of `java` that run a broker. No secret among them: `ps` shows them to everybody. */
export function brokerArguments(input: BrokerCommandInput): readonly string[] {
  return [
    `-Xmx${input.heapMb}m`,
    '-Xms64m',
    ...modestJvm,
    // A broker out of memory is to be dead and reported, not half alive.
    '-XX:+ExitOnOutOfMemoryError',
    ...loggingFlags(input.kafkaVersion, input.paths.logging),
    '-cp',
    join(input.libsDir, '*'),
    'kafka.Kafka',
    input.paths.config,
  ];
}

export interface FormatInput {
  readonly libsDir: string;
  readonly kafkaVersion: string;
  readonly logging: string;
  readonly clusterId: string;
  readonly formatConfig: string;
  /** Users to create, with SCRAM-SHA-256 and SCRAM-SHA-512 each; their passwords in clear text. */
  readonly users: readonly { readonly name: string; readonly password: string }[];
}

/**
 * Pure: the text of an argument file (`java @file`) that formats a broker's storage. Passwords stand in this file
 * (0600, gone afterwards) and not on a command line.
 */
export function renderFormatArguments(input: FormatInput): string {
  const scram = input.users.flatMap((user) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${user.name},password=${user.password}]`,
    ]),
  );
  return [
    ...modestJvm,
    '-Xmx128m',
    ...loggingFlags(input.kafkaVersion, input.logging),
    '-cp',
    join(input.libsDir, '*'),
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    input.clusterId,
    '--config',
    input.formatConfig,
    ...scram,
  ]
    .map((argument) => `${quoteArgument(argument)}\n`)
    .join('');
}

/** Inside quotes an argument file knows two escapes: backslash and quote. */
function quoteArgument(argument: string): string {
  return `"${argument.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
