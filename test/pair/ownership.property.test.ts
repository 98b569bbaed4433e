import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  directionOf,
  mayWrite,
  nextPrimary,
  type OwnedTopic,
  ownershipOf,
  type RoleRecord,
  type RoleViews,
} from '../../src/pair/ownership.ts';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';

const topics: readonly OwnedTopic[] = [
  { name: 'a_x', home: 'a' },
  { name: 'b_x', home: 'b' },
];

/**
 * What can happen between the sites, in any order: a site promotes itself by what it knows (its own `_umbra` and what
 * it last read of the other's, if it can read it at all), one state topic learns a record of the other, a site reads
 * the other's state again, or loses sight of it.
 */
type Step =
  | { readonly kind: 'promote'; readonly site: SiteId; readonly topic: OwnedTopic }
  | { readonly kind: 'announce'; readonly site: SiteId; readonly topic: OwnedTopic }
  | { readonly kind: 'look'; readonly site: SiteId }
  | { readonly kind: 'lose-sight'; readonly site: SiteId };

const site = fc.constantFrom(...sites);
const topic = fc.constantFrom(...topics);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('promote' as const), site, topic }),
  fc.record({ kind: fc.constant('announce' as const), site, topic }),
  fc.record({ kind: fc.constant('look' as const), site }),
  fc.record({ kind: fc.constant('lose-sight' as const), site }),
);
const steps = fc.array(step, { maxLength: 40 });

type Records = ReadonlyMap<string, RoleRecord>;

class World {
  readonly #state: Record<SiteId, Records> = { a: new Map(), b: new Map() };
  /** What each site last read of the other's state topic; undefined while it cannot read it. */
  readonly #seen: Record<SiteId, Records | undefined> = { a: new Map(), b: new Map() };

  /** Both state topics as they are now. */
  truth(): RoleViews {
    return { a: { kind: 'read', records: this.#state.a }, b: { kind: 'read', records: this.#state.b } };
  }

  /** What the workers of one site see: their own state as it is, the other's as they last read it. */
  seenFrom(observer: SiteId): RoleViews {
    const records = this.#seen[observer];
    const other = records === undefined ? ({ kind: 'unread' } as const) : ({ kind: 'read', records } as const);
    const own = { kind: 'read', records: this.#state[observer] } as const;
    return observer === 'a' ? { a: own, b: other } : { a: other, b: own };
  }

  take(step: Step): void {
    const other = otherSite(step.site);
    switch (step.kind) {
      case 'promote':
        this.#write(step.site, nextPrimary(step.topic, step.site, this.seenFrom(step.site)));
        return;
      case 'announce': {
        const record = this.#state[step.site].get(step.topic.name);
        const known = this.#state[other].get(step.topic.name);
        if (record !== undefined && record.term > (known?.term ?? 0)) this.#write(other, record);
        return;
      }
      case 'look':
        this.#seen[step.site] = this.#state[other];
        return;
      case 'lose-sight':
        this.#seen[step.site] = undefined;
        return;
    }
  }

  #write(at: SiteId, record: RoleRecord): void {
    this.#state[at] = new Map([...this.#state[at], [record.topic, record]]);
  }
}

/** Runs the steps and checks the rule at the start and after each of them. */
function always(rule: (world: World, topic: OwnedTopic) => void): void {
  fc.assert(
    fc.property(steps, (taken) => {
      const world = new World();
      for (const topic of topics) rule(world, topic);
      for (const one of taken) {
        world.take(one);
        for (const topic of topics) rule(world, topic);
      }
    }),
    { numRuns: 500 },
  );
}

describe('for any sequence of moves', () => {
  it('at most one site may write a topic', () => {
    always((world, topic) => {
      expect(sites.filter((site) => mayWrite(topic, site, world.truth())).length).toBeLessThanOrEqual(1);
    });
  });

  it('a topic flows from the site that may write it, and from no other', () => {
    always((world, topic) => {
      const views = world.truth();
      const [writer] = sites.filter((site) => mayWrite(topic, site, views));
      expect(directionOf(topic, views)).toEqual(
        writer === undefined ? undefined : { from: writer, to: otherSite(writer) },
      );
    });
  });

  it('at most one direction flows, though each target judges by an old view of its source', () => {
    always((world, topic) => {
      const flowing = sites.filter((target) => directionOf(topic, world.seenFrom(target))?.to === target);
      expect(flowing.length).toBeLessThanOrEqual(1);
    });
  });

  it('two promotions that knew nothing of each other are seen as split, never as settled on both sides', () => {
    always((world, topic) => {
      const truth = world.truth();
      const own = sites.map((site) => truth[site].kind === 'read' && truth[site].records.get(topic.name));
      const [a, b] = own;
      if (a && b && a.term === b.term && a.primary !== b.primary) {
        expect(ownershipOf(topic, truth)).toEqual({ kind: 'split', term: a.term });
      }
    });
  });

  it('a promotion in sight of both state topics settles the topic on the promoted site', () => {
    fc.assert(
      fc.property(steps, site, topic, (taken, promoted, topic) => {
        const world = new World();
        for (const one of taken) world.take(one);
        world.take({ kind: 'look', site: promoted });
        world.take({ kind: 'promote', site: promoted, topic });
        expect(directionOf(topic, world.truth())).toEqual({ from: promoted, to: otherSite(promoted) });
      }),
    );
  });

  it('no term ever falls', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const world = new World();
        const highest = new Map<string, number>();
        for (const one of taken) {
          world.take(one);
          for (const topic of topics) {
            const ownership = ownershipOf(topic, world.truth());
            if (ownership.kind !== 'settled' && ownership.kind !== 'split') continue;
            expect(ownership.term).toBeGreaterThanOrEqual(highest.get(topic.name) ?? 0);
            highest.set(topic.name, ownership.term);
          }
        }
      }),
    );
  });
});
