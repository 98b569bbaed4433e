import type { CutRecord } from '../../operations/cut.ts';
import { grantOwn, type ReversePorts, reverseTopics } from '../moves/reverse-topics.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import { Stopped } from '../rebuild/stopped.ts';
import type { SiteState } from '../state/state.ts';

export interface CopyInPlacePorts extends ReversePorts {
  readonly state: Pick<SiteState, 'acls' | 'putShadow'>;
  /** The certificate of the new primary. */
  readonly cutOf: (topic: string) => CutRecord | undefined;
  /** What an earlier promotion of this site granted on the topic, which the fence of `operation` keeps: see `forgetGrants`. */
  readonly forgetGrants: (operation: string, topic: string, signal: AbortSignal) => Promise<void>;
}

/**
 * Before the old log gives way to a copy: nobody gets back what was granted for the time that is over, and umbra may make the
 * copy where the topic is home. Idempotent; throws as `reverseTopics` does.
 */
export async function prepareCopy(
  ports: Omit<CopyInPlacePorts, 'state' | 'cutOf'> & Pick<ReversePorts, 'state'>,
  { topic, tail }: Pick<RebuildRecord, 'topic' | 'tail'>,
  signal: AbortSignal,
): Promise<void> {
  if (tail !== undefined) await ports.forgetGrants(tail.operation, topic, signal);
  if (ports.isHome(topic)) await grantOwn(ports, signal);
}

/**
 * Turns a topic that ends at the cut everywhere into the copy that its link follows from there on, as the last step of a
 * switchover does: nothing is copied again. Throws {@link Stopped} where it ends elsewhere, or moved again since.
 */
export async function makeCopyInPlace(
  ports: CopyInPlacePorts,
  { topic, tail }: RebuildRecord,
  signal: AbortSignal,
): Promise<void> {
  const cut = ports.cutOf(topic);
  if (cut === undefined || cut.operation !== tail?.operation) throw new Stopped(`${topic} moved again since the plan`);
  await prepareCopy(ports, { topic, tail }, signal);
  const { shadows, left } = await reverseTopics(ports, [cut], signal);
  const [shadow] = shadows;
  if (shadow === undefined)
    throw new Stopped(`${topic} is no copy as it is: ${left[0]?.why ?? 'its log is another one'}`);
  await ports.state.putShadow(shadow, signal);
}
