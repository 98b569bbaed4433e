import type { ManifestFault, Tail, TailDecision } from '../../quarantine/manifest.ts';
import { Problem } from '../problems.ts';
import type { RebuildPorts } from './rebuild-ports.ts';
import { rebuildRefusal } from './refusals.ts';
import type { RebuildIds } from './scan-topic.ts';

/** A copy that may be replaced, and which topics that is about. */
export interface Admitted {
  readonly ids: RebuildIds & { readonly tail?: Omit<Tail, 'method'> };
  readonly faults: readonly ManifestFault[];
}

/** Looks at both clusters. Rejects with `REBUILD_REFUSED` where it may not be replaced. */
export type Admit = (topic: string, decision: TailDecision | undefined) => Promise<Admitted>;

/** Those that are faulted, and for which a new copy is the way out. */
export function admitFaulted(ports: Pick<RebuildPorts, 'link' | 'state' | 'subject'>): Admit {
  return async (topic) => {
    const subject = await ports.subject(topic);
    const refusal = rebuildRefusal(subject);
    if (refusal !== undefined) throw refused(refusal);
    const { copyTopicId, sourceTopicId, faults } = subject;
    const record = ports.state.shadow(topic);
    if (record === undefined || copyTopicId === undefined || sourceTopicId === undefined) {
      throw refused(`${topic} is no copy of this link any more`);
    }
    return {
      ids: {
        ...{ topic, link: ports.link, copyTopicId, copiedTopicId: record.sourceTopicId, sourceTopicId },
        ...(record.ownBelow === undefined ? {} : { ownBelow: record.ownBelow }),
      },
      faults,
    };
  };
}

export function refused(message: string): Problem {
  return new Problem('REBUILD_REFUSED', `${message}; nothing was touched`);
}
