import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { javaTool } from '../tools/java-client.ts';
import { projectRoot } from '../tools/project.ts';
import { ToolError } from '../tools/steps.mjs';
import { type BenchResult } from './results.ts';

/** What the figures of a run are true of. */
export function describeMachine(): BenchResult['machine'] {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** A broker has one file open for each partition, and some for itself and its connections. */
const otherFiles = 2_000;

/** @throws {ToolError} when brokers started from here could not open a file for every partition */
export async function requireOpenFiles(partitions: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  // Without a number there is no limit.
  if (hard === undefined || Number(hard) >= partitions + otherFiles) return;
  const wanted = partitions + otherFiles;
  throw new ToolError(
    `${partitions} partitions need ${wanted} open files in a broker, the limit is ${hard}: raise "ulimit -Hn".`,
  );
}

export async function describeVersions(kafka: string): Promise<BenchResult['versions']> {
  const { stderr } = await promisify(execFile)(javaTool('java', process.env), ['-version']);
  return { kafka, java: /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown', node: process.versions.node };
}

/** The commit that was measured, with `+` when files differ from it; `unknown` outside a clone. */
export async function describeCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: projectRoot })).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD');
    return (await git('status', '--porcelain', '--', 'src')) === '' ? commit : `${commit}+`;
  } catch {
    // An unpacked archive, or no git: the figures are as good, only less traceable.
    return 'unknown';
  }
}
