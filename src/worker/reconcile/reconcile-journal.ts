import { z } from 'zod';
import type { Cluster } from '../../kafka/cluster.ts';
import { type RebuildRecord, rebuildRecordSchema } from '../rebuild/rebuild-record.ts';
import type { RebuildPorts } from '../rebuild/rebuild-ports.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import { SiteState, type StateSection } from '../state/state.ts';

const reconcilePrefix = 'reconcile/';

/** The newest reconciliation of each topic of a site, finished or not; the other site reads it. */
export function reconcileSection(state: Pick<SiteState, 'section'>): StateSection<RebuildRecord> {
  return state.section(reconcilePrefix, rebuildRecordSchema);
}

/**
 * The journal of reconciliations as a rebuild wants it. With the step `seeding` the copy that the link is to make gets its
 * record, in the same transaction: the link makes copies of topics whose roles moved only where there is one. It names
 * the log that is gone, so that a topic that somebody else makes meanwhile is not taken for the copy.
 */
export function reconcileJournal(state: Pick<SiteState, 'section' | 'shadow'>): RebuildPorts['state'] {
  const section = reconcileSection(state);
  return {
    shadow: (topic) => state.shadow(topic),
    rebuilds: () => section.all(),
    rebuild: (topic) => section.all().find((record) => record.topic === topic),
    putRebuild: (record, signal) => {
      const { topic, link, sourceTopicId, copyTopicId, step } = record;
      const shadow: ShadowRecord = {
        ...{ topic, link, sourceTopicId, faults: [], state: { kind: 'ours', shadowTopicId: copyTopicId } },
      };
      const entries = [
        [reconcilePrefix + topic, record],
        ...(step.kind === 'seeding' ? [[`shadow/${topic}`, shadow] as const] : []),
      ] as const;
      // All of `_umbra`: only there two kinds of records are written together.
      return state.section('', z.looseObject({})).write(entries, signal);
    },
  };
}

/** As the cluster has it now. */
export async function newestReconciliation(
  cluster: Cluster,
  topic: string,
  signal: AbortSignal,
): Promise<RebuildRecord | undefined> {
  const read = new SiteState(cluster);
  await read.catchUp(signal);
  return reconcileJournal(read).rebuild(topic);
}
