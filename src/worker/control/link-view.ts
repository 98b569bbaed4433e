import type { Exposure } from '../../exposure/exposure.ts';
import type { GapDecision, LinkSpec } from '../../pair/spec.ts';
import { linkId } from '../../pair/spec.ts';
import type { LinkProblem } from '../copying/worker-report.ts';
import type { LinkView, StandbyView, TopicDetailView } from '../views.ts';
import { sumLags } from './tracked-topic.ts';

/** What a link's view is made of. */
export interface LinkSeen {
  readonly link: Pick<LinkSpec, 'from' | 'to'>;
  readonly gap: GapDecision;
  readonly fence: LinkView['fence'];
  readonly paused: LinkView['paused'];
  /** It has looked at both clusters. */
  readonly discovered: boolean;
  readonly topics: readonly TopicDetailView[];
  readonly exposure: Exposure;
  readonly standby: StandbyView;
  /** What keeps the workers from copying. */
  readonly problem: LinkProblem | undefined;
  /** What keeps a part of the link from working although both clusters answer. */
  readonly trouble: string | undefined;
}

/** Pure. */
export function viewLink(seen: LinkSeen): LinkView {
  const { link, gap, fence, paused, exposure, standby } = seen;
  // What this site took over is no copy, and lags behind nothing.
  const topics = seen.topics.filter(({ state }) => state !== 'promoted');
  const trouble = seen.problem?.reason ?? seen.trouble;
  const faulted = topics.filter(({ state }) => state === 'faulted').length;
  return {
    ...{ id: linkId(link), from: link.from, to: link.to, state: stateOf(seen, faulted), fence, gap },
    ...(paused === undefined ? {} : { paused }),
    topics: { total: topics.length, following: topics.filter(({ state }) => state === 'following').length, faulted },
    lag: sumLags(topics.map(({ lag }) => lag)),
    ...{ exposure, standby },
    ...(trouble === undefined ? {} : { problem: trouble }),
  };
}

function stateOf({ problem, discovered, paused, trouble }: LinkSeen, faulted: number): LinkView['state'] {
  const kind = problem?.kind;
  if (kind === 'target' || kind === 'source') return `${kind}-unreachable`;
  if (!discovered || kind === 'acquiring') return 'starting';
  if (paused !== undefined) return 'paused';
  if (kind !== undefined) return 'degraded';
  return faulted > 0 || trouble !== undefined ? 'degraded' : 'following';
}
