import type { CanaryReadStatus } from '../canary/canary-reader.ts';
import type { CanaryTopicStatus } from '../canary/write-status.ts';
import { count, duration } from './quantities.ts';

/** How an observer fares. */
export interface CanarySummary {
  readonly life: string;
  readonly written: readonly CanaryTopicStatus[];
  readonly read: readonly CanaryReadStatus[];
}

/** One line per topic; one that says so where there is none. */
export function renderCanarySummary({ written, read }: CanarySummary): string {
  if (written.length === 0) return 'no canary topic is known yet';
  return written
    .map((each) =>
      topicLine(
        each,
        read.find(({ topic }) => topic === each.topic),
      ),
    )
    .join('\n');
}

function topicLine(written: CanaryTopicStatus, read: CanaryReadStatus | undefined): string {
  const { topic, acked, refused, unanswered, lastAckMs, longestGapMs, sinceTroubleMs, trouble } = written;
  const outcomes = `${count(acked)} acknowledged, ${count(refused)} refused, ${count(unanswered)} unanswered`;
  const last = lastAckMs === undefined ? '' : `, the newest in ${duration(lastAckMs)}`;
  const seen = read?.lastReadMs === undefined ? '' : `, read after ${duration(read.lastReadMs)}`;
  const gap = longestGapMs === undefined ? '' : `; longest gap ${duration(longestGapMs)}`;
  const state = sinceTroubleMs === undefined ? '' : `; FAILING for ${duration(sinceTroubleMs)}: ${trouble ?? ''}`;
  return `${topic}: ${outcomes}${last}${seen}${gap}${state}`;
}
