import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { renderTable } from './table.ts';

/** The part of V8's CPU profile that tells where the time went. */
const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
    }),
  ),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

export type Profile = z.output<typeof profileSchema>;

export interface SelfTime {
  /** `function file:line`. */
  readonly where: string;
  readonly seconds: number;
  /** Of the time in which anything ran. */
  readonly share: number;
}

const notRunning = new Set(['(idle)', '(root)']);

/** Functions by their own time, most first; time in which the process waited is left out. */
export function selfTimes(profile: Profile): readonly SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const seconds = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    if (!notRunning.has(name)) seconds.set(name, (seconds.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1e6);
  });
  const total = [...seconds.values()].reduce((sum, each) => sum + each, 0);
  return [...seconds]
    .map(([where, own]) => ({ where, seconds: own, share: own / total }))
    .toSorted((left, right) => right.seconds - left.seconds);
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('file:') ? basename(fileURLToPath(url)) : url;
  return `${name} ${file}:${lineNumber + 1}`;
}

const linesMax = 20;

/** For each profile in the folder, the functions with the most time of their own. */
export async function summarizeProfiles(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile')).toSorted();
  const parts = await Promise.all(
    files.map(async (name) => {
      const profile = profileSchema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')));
      const rows = selfTimes(profile)
        .slice(0, linesMax)
        .map(({ where, seconds, share }) => [where, seconds.toFixed(2), `${(share * 100).toFixed(1)} %`]);
      return `${name}\n${renderTable(['own time', 's', 'share'], rows)}`;
    }),
  );
  return parts.join('\n\n');
}
