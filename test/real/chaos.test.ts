import { expect, test } from 'vitest';
import { runChaos } from '../chaos/run.ts';

// The bounded version of `npm run chaos` (docs/proofs.md). The seed is new in every run and printed with the plan when
// it fails; `CHAOS_SEED=7 npm run test:real -- test/real/chaos.test.ts` repeats one.
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Longer than starting a worker and taking over take; where they take longer, that is waited for. */
const freezeMs = 4_000;
const boundMs = 600_000;

test(
  'killed and frozen workers, killed brokers and cut connections lose, double and move no record',
  async () => {
    process.stdout.write(`chaos: seed ${seed}\n`);
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    try {
      const signal = AbortSignal.timeout(boundMs);
      const options = { scenario: 'sample', seed, rounds: 7, freezeMs } as const;
      const { verdict, tally } = await runChaos(options, { say, signal });
      expect(verdict).toMatchObject({ problems: [], different: 0, lost: 0, duplicated: 0 });
      expect(tally).toMatchObject({ workerKills: 3, zombies: 1, zombieAppends: 0, brokerKills: 1, cuts: 2 });
      expect(tally.killsInAppend).toBeGreaterThanOrEqual(2);
    } catch (error) {
      process.stderr.write(`${lines.join('\n')}\n`);
      throw error;
    }
  },
  boundMs,
);
