import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canMoveTopic,
  firstTopicState,
  moveTopic,
  renderTopicStates,
  topicEvents,
  type TopicEvent,
  topicMoves,
  topicStateKinds,
  type TopicStateKind,
} from '../../src/pair/topic-state.ts';

interface Move {
  readonly from: TopicStateKind;
  readonly event: TopicEvent;
  readonly to: TopicStateKind;
}

const moves: readonly Move[] = topicStateKinds.flatMap((from) =>
  topicEvents.flatMap((event) => {
    const to = topicMoves[from][event];
    return to === undefined ? [] : [{ from, event, to }];
  }),
);

/** Random events from the first state on; the illegal ones are skipped. */
const walk = fc.array(fc.constantFrom(...topicEvents), { maxLength: 60 }).map((events) => {
  const taken: Move[] = [];
  let from: TopicStateKind = firstTopicState;
  for (const event of events) {
    if (!canMoveTopic(from, event)) continue;
    const to = moveTopic(from, event);
    taken.push({ from, event, to });
    from = to;
  }
  return taken;
});

describe('the states of a topic', () => {
  it('go from pending over seeding to following', () => {
    expect(moveTopic('pending', 'shadowCreated')).toBe('seeding');
    expect(moveTopic('seeding', 'caughtUp')).toBe('following');
  });

  it('refuse a move that is not in the table', () => {
    for (const from of topicStateKinds) {
      for (const event of topicEvents) {
        if (topicMoves[from][event] !== undefined) continue;
        expect(canMoveTopic(from, event)).toBe(false);
        expect(() => moveTopic(from, event)).toThrow(`illegal move of a topic: "${event}" in state "${from}"`);
      }
    }
  });

  it('are all reached from the first one', () => {
    const reached = new Set<TopicStateKind>([firstTopicState]);
    for (const state of reached) for (const move of moves) if (move.from === state) reached.add(move.to);
    expect([...reached].sort()).toEqual([...topicStateKinds].sort());
  });

  it('make use of every event', () => {
    expect(topicEvents.filter((event) => !moves.some((move) => move.event === event))).toEqual([]);
  });

  it('let a copy of any state but a promoted one be stopped', () => {
    const unstoppable = topicStateKinds.filter((state) => !canMoveTopic(state, 'stopped'));
    expect(unstoppable).toEqual(['stopped', 'promoted']);
  });

  it('let a copying topic fault whenever its source was recreated', () => {
    for (const state of ['pending', 'seeding', 'following', 'faulted', 'orphaned'] as const) {
      expect(moveTopic(state, 'recreated')).toBe('faulted');
    }
  });

  it('let a topic of any state but a stopped one be promoted, and nothing come of it by itself', () => {
    expect(topicStateKinds.filter((state) => !canMoveTopic(state, 'promoted'))).toEqual(['stopped', 'promoted']);
    expect(moves.filter(({ from }) => from === 'promoted')).toEqual([]);
  });

  it('let a topic follow only after it caught up since it was last examined', () => {
    fc.assert(
      fc.property(walk, (taken) => {
        for (const [index, move] of taken.entries()) {
          if (move.to === 'following') expect(taken[index - 1]?.to).toBe('seeding');
        }
      }),
    );
  });

  it('hold a fault until a person decides, promotes or rebuilds the copy or stops the link, whatever the source does', () => {
    fc.assert(
      fc.property(walk, (taken) => {
        for (const move of taken) {
          if (move.from !== 'faulted' || move.to === 'faulted') continue;
          expect(['decided', 'promoted', 'rebuilt', 'stopped']).toContain(move.event);
        }
      }),
    );
  });
});

describe('the drawing of the states', () => {
  it('shows every move of the table once, and no other', () => {
    const [head, first, ...arrows] = renderTopicStates().split('\n');
    expect(head).toBe('stateDiagram-v2');
    expect(first).toBe(`  [*] --> ${firstTopicState}`);
    expect(arrows).toEqual(moves.map(({ from, event, to }) => `  ${from} --> ${to}: ${event}`));
    expect(new Set(arrows).size).toBe(moves.length);
  });
});
