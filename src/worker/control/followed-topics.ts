import type { TopicStateKind } from '../../pair/topic-state.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';

export interface LinkTopics {
  readonly link: string;
  /** Of `_umbra`: copies are known from there before the link has looked, as after a restart. */
  readonly shadows: readonly ShadowRecord[];
  readonly views: readonly { readonly name: string; readonly state: TopicStateKind }[];
  /** Copies whose source topic is gone, as of the newest look. */
  readonly orphans: ReadonlySet<string>;
}

const atRest: ReadonlySet<TopicStateKind> = new Set(['orphaned', 'stopped', 'promoted']);

/** Copies that are not at rest, by name: what a deletion of the link would leave to itself. Pure. */
export function followedTopics({ link, shadows, views, orphans }: LinkTopics): readonly string[] {
  const states = new Map(views.map(({ name, state }) => [name, state]));
  const copies = new Set(
    shadows.filter((record) => record.link === link && record.state.kind === 'ours').map(({ topic }) => topic),
  );
  return [...new Set([...copies, ...states.keys()])].filter((name) => {
    const state = states.get(name) ?? 'pending';
    return !atRest.has(state) && !orphans.has(name) && (state !== 'pending' || copies.has(name));
  });
}
