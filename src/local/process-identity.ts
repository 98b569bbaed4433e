import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isMissing } from './private-file.ts';

/**
 * A pid alone says nothing: numbers are used again. The pid with the moment the process started names one process.
 */
const psTimeoutMs = 10_000;

/**
 * The start time in a line of `/proc/<pid>/stat` (clock ticks since boot, field 22); undefined for a process that has
 * ended and waits for its parent (state Z or X). The name in brackets may itself hold spaces and brackets. Where the
 * first thread has ended and others have not (field 20), the process still holds its files and ports.
 */
export function parseProcStat(line: string): string | undefined {
  const fields = line
    .slice(line.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const state = fields[0];
  const threads = Number(fields[17]);
  const startTicks = fields[19];
  const ended = state === undefined || state === 'X' || (state === 'Z' && threads <= 1);
  return ended ? undefined : startTicks;
}

/** The start time in a line of `ps -o stat=,lstart=`; undefined for a process that has ended. */
export function parsePsLine(line: string): string | undefined {
  const [state, ...start] = line.trim().split(/\s+/);
  if (state === undefined || state === '' || state.startsWith('Z') || start.length === 0) return undefined;
  return start.join(' ');
}

/** When the process with this pid started, as a text to compare; undefined when no such process runs. */
export async function processStart(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
}

async function startFromProc(pid: number): Promise<string | undefined> {
  try {
    const ticks = parseProcStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
    if (ticks === undefined) return undefined;
    // Ticks count from the boot, so they are only worth something together with it.
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${boot}/${ticks}`;
  } catch (error) {
    if (isMissing(error) || isGone(error)) return undefined;
    throw error;
  }
}

/** The process ended between opening and reading its file. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}

async function startFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
      timeout: psTimeoutMs,
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    return parsePsLine(stdout);
  } catch (error) {
    // ps ends with 1 when there is no such process.
    if (error instanceof Error && 'code' in error && error.code === 1) return undefined;
    throw error;
  }
}
