import { z } from 'zod';
import { otherSite, type SiteId, siteIdSchema } from '../pair/site.ts';
import { drillLevelSchema } from './level.ts';

/** One move of roles within a drill. It is coordinated by the site that becomes primary. */
export const legSchema = z.strictObject({
  kind: z.enum(['switchover', 'failover']),
  /** Becomes primary. */
  to: siteIdSchema,
  /** By name; `all` copies of the link that ends at `to`, or those of them that are `home` there. */
  topics: z.union([z.enum(['all', 'home']), z.array(z.string()).min(1)]),
  /** Brings home what an earlier leg took away. */
  returns: z.boolean(),
});

export type Leg = z.output<typeof legSchema>;

/** What becomes of the records that only the log of the lost site has. All of them are in quarantine before, in each case. */
export const tailChoiceSchema = z.enum(['discard', 'export', 'replay'], {
  error: 'must be "discard", "export" or "replay"',
});

export type TailChoice = z.output<typeof tailChoiceSchema>;

/**
 * What is done in a phase:
 *
 * - `look`      both ways: nothing may stand against it
 * - `predict`   what moves would cost is asked for and written down; nothing is moved
 * - `rehearse`  copies are read under renamed groups, and what is kept for a restore is read back
 * - `baseline`  canaries are green and inputs fresh for a while
 * - `arm`       the last look; from here on a dead man's timer runs
 * - `lose`      the other site's cluster is taken away, where hooks say how; from here to `reconcile` it is missed on purpose
 * - `move`      a leg, by the operation that people use (docs/switchover.md)
 * - `prove`     every canary record that was acknowledged stands where it was acknowledged
 * - `hold`      the topics stay where they are
 * - `mend`      the cluster is given back; ends when its site answers again
 * - `reconcile` the other site keeps what only it holds, and follows again
 * - `judge`     the same of all of them once more, while the canaries are there
 * - `cleanup`   nothing is left behind; both links follow
 * - `seal`      evidence is written
 */
export const phaseSchema = z.discriminatedUnion('does', [
  z.strictObject({ does: z.literal('look'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('predict'), plannedMs: z.int().min(0) }),
  z.strictObject({
    does: z.literal('rehearse'),
    /** Whose copies: by name, or of all that the link carries then. */
    topics: z.union([z.literal('all'), z.array(z.string()).min(1)]),
    plannedMs: z.int().min(0),
  }),
  z.strictObject({ does: z.literal('baseline'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('arm'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('lose'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('move'), leg: z.int().min(0), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('prove'), leg: z.int().min(0), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('hold'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('mend'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('reconcile'), tail: tailChoiceSchema, plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('judge'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('cleanup'), plannedMs: z.int().min(0) }),
  z.strictObject({ does: z.literal('seal'), plannedMs: z.int().min(0) }),
]);

export type Phase = z.output<typeof phaseSchema>;

/** A drill as it is going to be carried out: made once, hashed, never changed while it runs. */
export const scriptSchema = z.strictObject({
  level: drillLevelSchema,
  legs: z.array(legSchema),
  phases: z.array(phaseSchema).min(1),
});

export type Script = z.output<typeof scriptSchema>;

/** What a phase is called in timelines: `move 2`, `look`. */
export function phaseName(phase: Phase): string {
  return 'leg' in phase ? `${phase.does} ${phase.leg + 1}` : phase.does;
}

export interface ScriptRequest {
  readonly level: z.output<typeof drillLevelSchema>;
  /** Where it runs: the site that is activated. */
  readonly site: SiteId;
  /** Of L2, and beside the topics of the others: the canary topic of each link, by the site that is its home. */
  readonly canaries: Readonly<Partial<Record<SiteId, string>>>;
  /** Real topics that are home at the other site; `all` of them. Of L3 those whose copies are read. Empty below. */
  readonly topics: 'all' | readonly string[];
  readonly baselineMs: number;
  readonly holdMs: number;
  readonly returns: boolean;
  /** Of L6. Default `discard`. */
  readonly tail?: TailChoice;
}

/** For people to compare with: nothing waits by them. */
const planned = {
  look: 2_000,
  predict: 1_000,
  rehearse: 20_000,
  arm: 500,
  lose: 3_000,
  move: 4_000,
  prove: 3_000,
  mend: 20_000,
  reconcile: 15_000,
  judge: 1_000,
  cleanup: 8_000,
  seal: 1_000,
} as const;

/** The script of a level. Pure: the same request gives the same script. */
export function makeScript(request: ScriptRequest): Script {
  const legs = legsOf(request);
  const { level, topics, baselineMs, holdMs, tail = 'discard' } = request;
  const phases: Phase[] = [{ does: 'look', plannedMs: planned.look }];
  if (level === 'L1' || level === 'L3' || legs.length > 0) phases.push({ does: 'predict', plannedMs: planned.predict });
  if (legs.length > 0) {
    phases.push({ does: 'baseline', plannedMs: baselineMs }, { does: 'arm', plannedMs: planned.arm });
    const loses = legs.some(({ kind }) => kind === 'failover');
    for (const [leg, { kind, returns }] of legs.entries()) {
      if (kind === 'failover') phases.push({ does: 'lose', plannedMs: planned.lose });
      if (returns && holdMs > 0) phases.push({ does: 'hold', plannedMs: holdMs });
      if (returns && loses)
        phases.push(
          { does: 'mend', plannedMs: planned.mend },
          { does: 'reconcile', tail, plannedMs: planned.reconcile },
        );
      phases.push({ does: 'move', leg, plannedMs: planned.move }, { does: 'prove', leg, plannedMs: planned.prove });
    }
    phases.push({ does: 'judge', plannedMs: planned.judge }, { does: 'cleanup', plannedMs: planned.cleanup });
  }
  if (level === 'L3') {
    phases.push({
      does: 'rehearse',
      topics: topics === 'all' || topics.length === 0 ? 'all' : [...topics],
      plannedMs: planned.rehearse,
    });
    phases.push({ does: 'cleanup', plannedMs: planned.cleanup });
  }
  phases.push({ does: 'seal', plannedMs: planned.seal });
  return { level, legs: [...legs], phases };
}

function legsOf({ level, site, canaries, topics, returns }: ScriptRequest): readonly Leg[] {
  const other = otherSite(site);
  const there = (to: SiteId, names: Leg['topics']): readonly Leg[] => [
    { kind: 'switchover', to, topics: names, returns: false },
    ...(returns ? [back(otherSite(to), names)] : []),
  ];
  const back = (to: SiteId, names: Leg['topics']): Leg => ({
    ...{ kind: 'switchover', to, topics: names === 'all' ? 'home' : names, returns: true },
  });
  const canaryOf = (home: SiteId): readonly string[] => {
    const name = canaries[home];
    return name === undefined ? [] : [name];
  };
  switch (level) {
    case 'L0':
    case 'L1':
    case 'L3':
      return [];
    case 'L2':
      // One link after the other: below L5 never both at once.
      return [other, site].flatMap((home) => {
        const names = canaryOf(home);
        return names.length === 0 ? [] : there(otherSite(home), [...names]);
      });
    case 'L4':
    case 'L5':
      return there(site, topics === 'all' ? 'all' : [...topics, ...canaryOf(other)]);
    case 'L6': {
      const names = topics === 'all' ? topics : [...topics, ...canaryOf(other)];
      return [{ kind: 'failover', to: site, topics: names, returns: false }, back(other, names)];
    }
  }
}
