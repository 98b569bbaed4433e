import { rehearsalPrefix } from '../prefix-policy/internal-names.ts';

/**
 * The name under which a group is read: of the run, so that whoever comes later knows whose it is; and of one life of its
 * controller, since a member that died with the one before keeps its group until its session is over. Begins with no site's
 * prefix: no link syncs it.
 */
export function rehearsalGroup(run: string, life: string, number: number): string {
  return `${rehearsalPrefix}${run}.${number}-${life}`;
}

/** The run that a group was made by; undefined for a group of somebody else. */
export function runOfGroup(group: string): string | undefined {
  if (!group.startsWith(rehearsalPrefix)) return undefined;
  return /^(drill-[0-9a-z-]+)\.\d+-[0-9a-z]+$/.exec(group.slice(rehearsalPrefix.length))?.[1];
}
