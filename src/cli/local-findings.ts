import { listLocal } from '../local/registry.ts';
import { siteIdSchema } from '../pair/site.ts';
import type { Finding } from '../worker/finding.ts';
import { projectFolder } from './discovery.ts';
import { localRows, type LocalRow } from './local-rows.ts';

/** The end of a log is where the reason stands; `umbra local` shows more. */
const logLinesMax = 5;

/** What this machine itself knows: a broker or worker of the project that died, with its last lines. */
export async function localFindings(cwd: string, signal: AbortSignal): Promise<readonly Finding[]> {
  const root = await projectFolder(cwd);
  if (root === undefined) return [];
  return localRows(await listLocal(root, { signal })).map(findingOf);
}

/** Pure. */
export function findingOf(row: LocalRow): Finding {
  // Clusters are named after their site, workers end in it; any other name concerns no site in particular.
  const site = siteIdSchema.safeParse(row.name.split('-').at(-1));
  const about = { ...(site.success ? { site: site.data } : {}), subject: row.kind === 'unknown' ? 'files' : row.kind };
  const where = row.where === undefined ? '' : ` (${row.where})`;
  const remedy = `Run "npx umbra local start ${row.name}".`;
  if (row.state === 'running') return { ...about, level: 'ok', message: `${row.name} runs${where}` };
  if (row.state === 'stopped') {
    return { ...about, level: 'error', code: 'PROCESS_STOPPED', message: `${row.name} is stopped`, remedy };
  }
  if (row.state === 'unreadable') {
    return {
      ...about,
      level: 'error',
      code: 'FILES_UNREADABLE',
      message: `${row.name}: ${row.where ?? 'unreadable'}`,
      remedy: `Look into ${row.home}.`,
    };
  }
  const log = row.log
    .slice(-logLinesMax)
    .map((line) => `\n${line}`)
    .join('');
  return {
    ...about,
    level: 'error',
    code: 'PROCESS_DIED',
    message: `${row.name} died${where}${log === '' ? '' : '; its last lines:'}${log}`,
    remedy,
  };
}
