import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { parseInput } from '../../api/input.ts';
import { problems, Problem } from '../../worker/problems.ts';
import { foundConfigs, projectFolder } from '../discovery.ts';
import { quarantineFolderOf } from '../quarantine-folder.ts';
import {
  quarantineListSchema,
  type QuarantineRow,
  quarantineVerdictSchema,
  renderQuarantines,
  renderVerdict,
} from '../quarantine-text.ts';
import { recordLine } from '../../quarantine/record-line.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

const actionSchema = z.enum(['list', 'verify', 'show']);

/** Reads quarantine folders. Needs neither workers nor clusters. */
export const quarantine: Verb = {
  name: 'quarantine',
  summary: 'what rebuilt copies held: list it, verify its checksums, show its records as JSON lines',
  parameters: '[ACTION] [DIR]',
  declare: (command) => command.option('--all', 'show: also records that the source holds too'),
  run: async (context, [given, dir], { all }) => {
    const action = parseInput(actionSchema, given ?? 'list', 'ACTION');
    const path = typeof dir === 'string' ? resolve(context.io.cwd, dir) : undefined;
    if (action === 'list') return list(context, path === undefined ? await foldersOf(context) : [await existing(path)]);
    if (path === undefined) throw new Problem('INVALID_INPUT', `"umbra quarantine ${action}" needs the folder to read`);
    return action === 'verify' ? verify(context, path) : show(context, path, all === true);
  },
};

/** Those of the workers that are here, and of those that were: a quarantine outlives its worker. */
async function foldersOf({ io }: VerbContext): Promise<readonly string[]> {
  const project = await projectFolder(io.cwd);
  const root = project === undefined ? undefined : join(project, 'quarantine');
  const entries = root === undefined ? [] : await readdir(root, { withFileTypes: true }).catch(() => []);
  const left = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const workers = foundConfigs(io.cwd);
  const ofWorkers = left.length === 0 ? await workers : await workers.catch(() => []);
  return [...new Set([...ofWorkers.map(quarantineFolderOf), ...left])];
}

/** A folder that was mistyped, or is not mounted, must not look like an empty one. */
async function existing(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path;
  throw new Problem('INVALID_INPUT', `${path} is no folder`);
}

async function list(context: VerbContext, folders: readonly string[]): Promise<number> {
  const { listQuarantines, QuarantineError, readManifest } = await import('../../quarantine/quarantine-reader.ts');
  const rows: QuarantineRow[] = [];
  for (const folder of folders) {
    for (const name of await listQuarantines(folder)) {
      const path = join(folder, name);
      try {
        rows.push({ path, manifest: await readManifest(path) });
      } catch (error) {
        if (!(error instanceof QuarantineError)) throw error;
        rows.push({ path, problem: error.message });
      }
    }
  }
  answer(context, quarantineListSchema.parse({ quarantines: rows }), (colours) => renderQuarantines(rows, colours));
  return 0;
}

async function verify(context: VerbContext, path: string): Promise<number> {
  const { verifyQuarantine } = await import('../../quarantine/verify-quarantine.ts');
  const { manifest, manifestSha256, problems: found } = await verifyQuarantine(path);
  const report = quarantineVerdictSchema.parse({ path, intact: found.length === 0, problems: found, manifestSha256 });
  answer(context, report, (colours) => renderVerdict(report, manifest, colours));
  return report.intact ? 0 : problems.QUARANTINE_DAMAGED.exit;
}

async function show(context: VerbContext, path: string, all: boolean): Promise<number> {
  const { quarantinedRecords, QuarantineError, readManifest } = await import('../../quarantine/quarantine-reader.ts');
  try {
    for await (const record of quarantinedRecords(path, await readManifest(path))) {
      context.signal.throwIfAborted();
      if (all || record.kind === 'bytes' || record.onlyHere) context.io.out(recordLine(record));
    }
    return 0;
  } catch (error) {
    if (error instanceof QuarantineError) throw new Problem('QUARANTINE_DAMAGED', error.message, { cause: error });
    throw error;
  }
}
