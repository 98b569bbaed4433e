import { readFile } from 'node:fs/promises';

/** What a process has used since it was started. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** Largest resident memory so far. */
  readonly residentMaxBytes: number;
}

/** Clock ticks of /proc are in hundredths of a second on every Linux (USER_HZ). */
const ticksPerSecond = 100;

/** Fields 14 and 15 of `/proc/<pid>/stat`; the name in brackets may itself hold blanks and brackets. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
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
  return { cpuSeconds: parseCpuSeconds(stat), residentMaxBytes: parseResidentMaxBytes(status) };
}
