import { randomBytes } from 'node:crypto';
import type { Rehearsal } from '../../drill/rehearsal-record.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { otherSite } from '../../pair/site.ts';
import { rehearse } from '../../rehearsal/rehearse.ts';
import { removeGroups } from '../../rehearsal/remove-groups.ts';
import { removeSamples } from '../../rehearsal/restore-sample.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { DrillPorts } from './drill-ports.ts';
import { lookUntil } from './look-until.ts';

/** Longer than the session of a member that died with its controller. */
const cleanMsMax = 60_000;
const lookMs = 500;
/** For the copies of a link that has just been started to be known again. */
const knownMsMax = 30_000;

/** What the rehearsal of a run reads, as the link that ends here has it now. Throws what may pass. */
export async function rehearseRun(
  ports: DrillPorts,
  { id: run, planHash }: Pick<RunRecord, 'id' | 'planHash'>,
  topics: 'all' | readonly string[],
  signal: AbortSignal,
): Promise<Rehearsal> {
  const { site, pair, version, clusters, state, mayAct, clock, quarantineFolder } = ports;
  const link = await linkLevel(ports, signal);
  const copies = link
    .topicViews()
    .filter(({ name, state: standing }) => name !== schemasTopic && standing !== 'promoted');
  return rehearse(
    { here: clusters[site], source: clusters[otherSite(site)], mayAct, clock, quarantineFolder },
    {
      ...{ run, planHash, pair, version, topics, copies, link: link.id, life: randomBytes(2).toString('hex') },
      ...{ groups: state.groups().values(), cuts: state.moves.cuts() },
    },
    signal,
  );
}

/** Until nothing that the run has made is left here, nor of runs that are over. Resolves to what is left after all, a line each. */
export async function cleanRehearsal(
  { site, clusters, state, mayAct, quarantineFolder }: DrillPorts,
  { id }: Pick<RunRecord, 'id'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const goesOn = (run: string): boolean => run !== id && state.drills.run(run) !== undefined;
  await removeSamples(quarantineFolder, goesOn);
  const left = await lookUntil(
    async (last) => {
      const seen = await removeGroups(clusters[site], { goesOn, mayAct }, signal);
      return seen.length === 0 || last ? seen : undefined;
    },
    { forMs: cleanMsMax, everyMs: lookMs },
    signal,
  );
  return left ?? [];
}

/** A controller that has just begun has not looked at its topics yet. */
async function linkLevel(
  { link: linkOf }: Pick<DrillPorts, 'link'>,
  signal: AbortSignal,
): Promise<NonNullable<ReturnType<DrillPorts['link']>>> {
  const link = await lookUntil(
    (last) => {
      const known = linkOf();
      if (known === undefined) throw new Error('no link ends here');
      return last || known.view().state === 'following' ? known : undefined;
    },
    { forMs: knownMsMax, everyMs: lookMs },
    signal,
  );
  if (link === undefined) throw new Error('no link ends here');
  return link;
}
