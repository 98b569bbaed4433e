import { basename } from 'node:path';
import { z } from 'zod';
import type { BrokerReport, LocalCluster } from '../local/local-cluster.ts';
import type { WorkerReport } from '../local/local-worker.ts';
import type { LocalThing } from '../local/registry.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** One process (or container) that umbra keeps on this machine. */
export const localRowSchema = z.strictObject({
  kind: z.enum(['broker', 'worker', 'unknown']),
  /** Of the cluster or the worker; what `umbra local start NAME` takes. */
  name: z.string(),
  /** `died`: it was started, nobody stopped it, and it runs no more. `unreadable`: its files are damaged. */
  state: z.enum(['running', 'stopped', 'died', 'unreadable']),
  /** What it is known by on this machine, how it ended, or why nothing is known. */
  where: z.string().optional(),
  /** `host:port` of a broker, URL of a worker's API. */
  address: z.string().optional(),
  home: z.string(),
  /** The last lines it wrote, when it died. */
  log: z.array(z.string()),
});

/** The shape of `umbra local --json`. */
export const localReportSchema = z.strictObject({ processes: z.array(localRowSchema) });

export type LocalRow = z.output<typeof localRowSchema>;

/** The name by which a person calls a cluster or a worker: that of its folder. */
export function nameOf(thing: LocalThing): string {
  return basename(thing.home);
}

/** Pure: one row per process. A folder in which nothing was ever set up has none. */
export function localRows(things: readonly LocalThing[]): readonly LocalRow[] {
  return things.flatMap((thing): readonly LocalRow[] => {
    const { home } = thing;
    const name = nameOf(thing);
    if (thing.kind === 'unreadable') {
      return [{ kind: 'unknown', name, state: 'unreadable', where: thing.reason, home, log: [] }];
    }
    if (thing.report.kind === 'absent') return [];
    if (thing.kind === 'worker') return [workerRow(name, thing.report)];
    const { cluster, brokers } = thing.report;
    return brokers.map((broker, index) => brokerRow(cluster, broker, index));
  });
}

function brokerRow(cluster: LocalCluster, { status, logTail }: BrokerReport, index: number): LocalRow {
  const address = cluster.bootstrapServers[index];
  const about = { kind: 'broker' as const, name: cluster.name, home: cluster.home, log: [...logTail] };
  const at = address === undefined ? about : { ...about, address };
  if (status.kind === 'running') return { ...at, state: 'running', where: status.where };
  return status.kind === 'died' ? { ...at, state: 'died', where: status.how } : { ...at, state: 'stopped' };
}

function workerRow(name: string, report: WorkerReport & { kind: 'present' }): LocalRow {
  const { worker, status, logTail } = report;
  const about = { kind: 'worker' as const, name, address: worker.apiUrl, home: worker.home, log: [...logTail] };
  if (status.kind === 'absent') return { ...about, state: 'stopped' };
  return { ...about, state: status.kind, where: `pid ${status.pid}` };
}

const tone = { running: 'good', stopped: 'warn', died: 'bad', unreadable: 'bad' } as const;

/** A row per process; below one that died, its last lines. Pure. */
export function renderLocal(rows: readonly LocalRow[], colours: Colours): string {
  if (rows.length === 0) return 'Nothing of umbra is set up on this machine for this project.';
  const columns = [{ title: 'KIND' }, { title: 'NAME' }, { title: 'STATE' }, { title: 'ADDRESS' }, { title: 'WHERE' }];
  const cells = rows.map((row) => [
    row.kind,
    printable(row.name),
    colours[tone[row.state]](row.state),
    printable(row.address ?? ''),
    printable(row.where ?? ''),
  ]);
  const [head = '', ...lines] = table(columns, cells).split('\n');
  const body = lines.flatMap((line, index) => [
    line,
    ...(rows[index]?.log ?? []).map((logLine) => colours.dim(`    ${printable(logLine)}`)),
  ]);
  const remedy = rows.some((row) => row.state === 'died' || row.state === 'stopped')
    ? ['', '  → "npx umbra local start" starts what does not run.']
    : [];
  return [head, ...body, ...remedy].join('\n');
}
