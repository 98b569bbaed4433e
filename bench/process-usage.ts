import { readFile } from 'node:fs/promises';

/** What a process has used since it was started. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** The part of it that the kernel took on its behalf: moving bytes through sockets, mostly. */
  readonly kernelSeconds: number;
  /** Largest resident memory so far. */
  readonly residentMaxBytes: number;
}

/** Clock ticks of /proc are in hundredths of a second on every Linux (USER_HZ). */
const ticksPerSecond = 100;

/** Fields 14 and 15 of `/proc/<pid>/stat`; the name in brackets may itself hold blanks and brackets. */
export function parseCpuSeconds(stat: string): Pick<Usage, 'cpuSeconds' | 'kernelSeconds'> {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const [user, kernel] = [Number(fields[11]) / ticksPerSecond, Number(fields[12]) / ticksPerSecond];
  return { cpuSeconds: user + kernel, kernelSeconds: kernel };
}

/** `VmHWM` of `/proc/<pid>/status`. */
export function parseResidentMaxBytes(status: string): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error('no VmHWM in the status of the process: it has ended');
  return Number(kibibytes) * 1024;
}

/** Reads it from the kernel, so that one measure serves Node and Java alike. Linux only. */
export async function usageOf(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  return { ...parseCpuSeconds(stat), residentMaxBytes: parseResidentMaxBytes(status) };
}
