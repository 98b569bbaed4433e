import { expect, test } from 'vitest';
import { otherSite, type SiteId, sites } from '../../../src/pair/site.ts';
import { phaseName } from '../../../src/drill/script.ts';
import { atRest, begun, canariesMade, ended, quick } from '../../fixtures/drilled.ts';
import { journalSays } from '../../fixtures/journal-watch.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';

/** `UMBRA_DRILL_KILLS=long`: behind every phase, at either site. */
const long = process.env['UMBRA_DRILL_KILLS'] === 'long';

const phases = [
  ...['look', 'predict', 'baseline', 'arm', 'move 1', 'prove 1', 'hold', 'move 2', 'prove 2'],
  ...['move 3', 'prove 3', 'move 4', 'prove 4', 'judge', 'cleanup', 'seal'],
];
const kills: readonly (readonly [string, SiteId])[] = long
  ? phases.flatMap((phase) => sites.map((site) => [phase, site] as const))
  : [
      ['move 2', 'a'],
      ['cleanup', 'b'],
    ];

/** Registers the tests: whoever leads next goes on where the journal is. */
export function killed(moving: MovingSites): void {
  test.each(kills)(
    'the controller that is killed at %s, at site %s, is followed by one that brings the drill to its end',
    async (phase, site) => {
      const { pair, clusters } = moving;
      await canariesMade(moving);
      const id = await begun(pair.api.b, { ...quick, name: 'killed' });
      await journalSays(clusters.b.connection('umbra'), `${id} is at ${phase}`, ({ drills }) => {
        const run = drills.run(id);
        if (run === undefined) return false;
        const at = run.script.phases[run.at];
        return at !== undefined && phaseName(at) === phase;
      });
      await pair.kill(site);
      await pair.start(site);
      const run = await ended(pair.api.b, id);
      process.stdout.write(`killed at ${phase} (${site}): ${run.verdict} ${run.reasons.join('; ')}\n`);
      // A site that is away for long enough in the middle of a move has it undone: that is how it ends then.
      expect(['PASSED', 'INTERRUPTED']).toContain(run.verdict);
      expect(run.rpoRecords ?? 0).toBe(0);
      expect(run.evidence).toBeDefined();
      await atRest(moving);
      expect(await pair.api[otherSite(site)].drills.all()).toMatchObject({ runs: [] });
    },
    240_000,
  );
}
