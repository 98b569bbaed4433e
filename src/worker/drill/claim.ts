import { movesRoles } from '../../drill/level.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { DrillPorts } from './drill-ports.ts';

const readMsMax = 5_000;
const lookMs = 100;
const undecidedMsMax = 15_000;

/** It has, or is about to take, the only place of the pair. */
export function takesRoles({ level, blocked }: Pick<RunRecord, 'level' | 'blocked'>): boolean {
  return movesRoles(level) && blocked === undefined;
}

/**
 * Whether this site's run may begin: of the pair only one that moves roles runs at a time. Its record says `claiming` when this
 * is called. Each site writes before it reads, so that one of two that claim at once sees the other; then b gives way at once,
 * and a waits until b has decided. Resolves to why not.
 */
export async function whyNotClaimed(
  { link, site }: Pick<DrillPorts, 'link' | 'site'>,
  run: Pick<RunRecord, 'level'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!movesRoles(run.level)) return undefined;
  const peer = link()?.peer;
  if (peer === undefined) return 'no link ends here: without both links there is nothing to be drilled';
  const pause = new Wakeup();
  for (const untilMs = performance.now() + undecidedMsMax; ;) {
    try {
      await peer.read(AbortSignal.any([signal, AbortSignal.timeout(readMsMax)]));
    } catch (error) {
      signal.throwIfAborted();
      return `the other site does not answer, so it may be running a drill: ${error instanceof Error ? error.message : String(error)}`;
    }
    const other = peer.state.drills.runs().find((each) => each.site !== site && takesRoles(each));
    if (other === undefined) return undefined;
    if (other.state === 'running' || site === 'b' || performance.now() > untilMs)
      return `${other.id} (${other.drill}) of site ${other.site} ${other.state === 'running' ? 'runs' : 'is about to begin'}`;
    await pause.wait(signal, lookMs);
    signal.throwIfAborted();
  }
}
