import { z } from 'zod';

/**
 * The state of one topic on one link, as the worker that copies it sees it:
 *
 * - `pending`   known at the source; its copy is not yet created, or not yet examined since the link (re)started
 * - `seeding`   the copy exists and has not yet once been level with the source
 * - `following` was level at least once. Lag is a number beside the state, not a state: a topic that lags still follows
 * - `paused`    nobody copies it until somebody says so: it, or its link, was paused. The copy stays as it is
 * - `faulted`   at least one partition stopped for good; the fault's code says why, the other partitions go on
 * - `orphaned`  the source topic is gone; the copy stays as it is, read-only
 * - `stopped`   nobody copies it: the link was detached. The copy stays as it is
 * - `promoted`  this site took the topic over: no longer a copy. The way back belongs to the operations on roles
 */
export const topicStateKinds = [
  'pending',
  'seeding',
  'following',
  'paused',
  'faulted',
  'orphaned',
  'stopped',
  'promoted',
] as const;

export const topicStateKindSchema = z.enum(topicStateKinds);

export type TopicStateKind = z.output<typeof topicStateKindSchema>;

/**
 * What can happen to a topic:
 *
 * - `shadowCreated`  the copy was created, or found and proven to be ours
 * - `caughtUp`       every partition reached the source's end as seen at the start of the seeding
 * - `faulted`        a partition faulted (the code and sentence travel beside the state)
 * - `sourceDeleted`  the source answered that the topic does not exist (a source that does not answer is no event)
 * - `sourceReturned` the topic is there again under the same topic id
 * - `recreated`      the source shows the name under another topic id: the copy belongs to a topic that is no more
 * - `stopped`        the link was detached
 * - `paused`         copying was paused by a person
 * - `resumed`        the link was declared again, or a pause is over; source and copy have to be examined anew
 * - `decided`        the decision was made that a partition stopped for; it goes on
 * - `rebuilt`        the faulty copy was dropped on purpose; it is made anew
 * - `promoted`       the copying has ended, is settled, and the term grew; of what was not `following` a person said so
 */
export const topicEvents = [
  'shadowCreated',
  'caughtUp',
  'faulted',
  'sourceDeleted',
  'sourceReturned',
  'recreated',
  'stopped',
  'paused',
  'resumed',
  'decided',
  'rebuilt',
  'promoted',
] as const;

export type TopicEvent = (typeof topicEvents)[number];

/** Where a topic begins. */
export const firstTopicState: TopicStateKind = 'pending';

/**
 * The one table of legal moves: state → event → next state. What is not here must not happen.
 * A fault outlives the source's deletion: `orphaned` may be followed again, a copy that differs may not.
 */
export const topicMoves: Readonly<Record<TopicStateKind, Readonly<Partial<Record<TopicEvent, TopicStateKind>>>>> = {
  pending: {
    shadowCreated: 'seeding',
    faulted: 'faulted',
    recreated: 'faulted',
    sourceDeleted: 'orphaned',
    stopped: 'stopped',
    paused: 'paused',
    promoted: 'promoted',
  },
  seeding: {
    caughtUp: 'following',
    faulted: 'faulted',
    recreated: 'faulted',
    sourceDeleted: 'orphaned',
    stopped: 'stopped',
    paused: 'paused',
    promoted: 'promoted',
  },
  following: {
    faulted: 'faulted',
    recreated: 'faulted',
    sourceDeleted: 'orphaned',
    stopped: 'stopped',
    paused: 'paused',
    promoted: 'promoted',
  },
  paused: {
    resumed: 'pending',
    faulted: 'faulted',
    recreated: 'faulted',
    sourceDeleted: 'orphaned',
    stopped: 'stopped',
    promoted: 'promoted',
  },
  faulted: {
    faulted: 'faulted',
    recreated: 'faulted',
    sourceDeleted: 'faulted',
    decided: 'seeding',
    rebuilt: 'pending',
    stopped: 'stopped',
    promoted: 'promoted',
  },
  orphaned: {
    sourceReturned: 'seeding',
    faulted: 'faulted',
    recreated: 'faulted',
    stopped: 'stopped',
    promoted: 'promoted',
  },
  stopped: { resumed: 'pending' },
  promoted: {},
};

/** Whether the table has this move; for those who must ask before they report an event. */
export function canMoveTopic(from: TopicStateKind, event: TopicEvent): boolean {
  return topicMoves[from][event] !== undefined;
}

/** The next state. Throws on a move that is not in the table: that is a defect of the caller, never of the cluster. */
export function moveTopic(from: TopicStateKind, event: TopicEvent): TopicStateKind {
  const to = topicMoves[from][event];
  if (to === undefined) throw new Error(`illegal move of a topic: "${event}" in state "${from}"`);
  return to;
}

/** The table as a Mermaid state diagram, without the code fence; docs/architecture.md shows exactly this text. */
export function renderTopicStates(): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${firstTopicState}`];
  for (const from of topicStateKinds) {
    for (const event of topicEvents) {
      const to = topicMoves[from][event];
      if (to !== undefined) lines.push(`  ${from} --> ${to}: ${event}`);
    }
  }
  return lines.join('\n');
}
