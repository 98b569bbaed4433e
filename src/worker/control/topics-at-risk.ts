import type { TopicStateKind } from '../../pair/topic-state.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { TopicAtRisk } from './exposure-book.ts';

export interface LinkTopicsKnown {
  readonly link: string;
  readonly tracked: ReadonlyMap<
    string,
    { readonly state: TopicStateKind; readonly shadowTopicId: string | undefined; readonly partitions: number }
  >;
  /** Of `_umbra`. */
  readonly shadows: readonly ShadowRecord[];
  /** Copies whose source topic is gone, as of the newest look. */
  readonly orphans: ReadonlySet<string>;
}

/** Every topic of which something may be lost: before the link's first look also those that only `_umbra` tells of. Pure. */
export function topicsAtRisk({ link, tracked, shadows, orphans }: LinkTopicsKnown): readonly TopicAtRisk[] {
  const followed = [...tracked].filter(
    ([name, { state }]) => state !== 'orphaned' && state !== 'promoted' && !orphans.has(name),
  );
  const others = shadows.filter(
    (record) => record.link === link && !tracked.has(record.topic) && !orphans.has(record.topic),
  );
  return [
    ...followed.map(([name, { shadowTopicId, partitions }]) => ({ name, copy: shadowTopicId, partitions })),
    ...others.flatMap(({ topic: name, state }) =>
      state.kind === 'ours' ? [{ name, copy: state.shadowTopicId, partitions: 0 }] : [],
    ),
  ];
}
