import type { Finding } from '../finding.ts';
import { countsOf } from '../reconcile/returned-record.ts';
import { found } from './doctor-codes.ts';
import type { SiteSight } from './site-sight.ts';

/** Topics that the other site took over and that wait here for a decision. Pure. */
export function checkReturned({ site, state }: SiteSight): readonly Finding[] {
  if (state.kind !== 'read') return [];
  return (state.spec.returned ?? []).map((record) => {
    const { topic, operation } = record;
    const { state: became, tailOffsets, tailPartitions } = countsOf(record);
    const remedy = `Read "npx umbra reconcile ${topic} --plan" and decide what becomes of what only this site holds.`;
    return became === 'split'
      ? found('SPLIT', {
          site,
          message: `${topic} was taken over by the other site (${operation}), and ${tailOffsets} offsets above the cut in ${tailPartitions} partitions are only here`,
          remedy,
        })
      : found('OLD_SIDE_RETURNED', {
          site,
          message: `${topic} was taken over by the other site (${operation}); the log here ends at the cut or below, and nothing is copied to it`,
          remedy: `Run "npx umbra reconcile ${topic}": it is a copy then, without copying its records again where the log ends at the cut.`,
        });
  });
}
