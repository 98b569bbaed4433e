import type { RunRecord } from '../../drill/run-record.ts';
import type { EvidenceContent } from '../../evidence/document.ts';
import { otherSite } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';

/** What a report of L3 has in the place of what moves would say; nothing of other levels. Pure. */
export function rehearsalOf({
  level,
  site,
  facts: { rehearsal, failures },
}: Pick<RunRecord, 'level' | 'site' | 'facts'>): Partial<EvidenceContent> {
  if (level !== 'L3') return {};
  const groups = rehearsal?.groups ?? [];
  return {
    scope: {
      links: [linkId({ from: otherSite(site), to: site })],
      topics: rehearsal?.topics ?? [],
      partitions: groups.reduce((sum, { partitions }) => sum + partitions, 0),
      groups: groups.map(({ group }) => group),
      registry: false,
      excluded: rehearsal?.leftOut ?? [],
    },
    cleanup: {
      returnedToHome: true,
      pairState: failures.length === 0 ? 'nothing was moved; no group of the rehearsal is left' : 'see the reasons',
      left: [],
    },
    ...(rehearsal === undefined ? {} : { rehearsal }),
  };
}
