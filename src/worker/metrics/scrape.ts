import type { LinkControl } from '../control/link-control.ts';
import type { SiteControl } from '../control/site-control.ts';
import { TrackedTopic } from '../control/tracked-topic.ts';
import type { LinkCopying } from '../copying/link-copying.ts';
import type { ChannelView } from '../spec-channel-view.ts';
import type { TopicDetailView } from '../views.ts';
import type { ControlledLink, Scrape } from './metric.ts';

export interface Scraped {
  readonly copying: LinkCopying;
  /** Where this worker leads its site. */
  readonly control: SiteControl | undefined;
  /** Of the site. */
  readonly workers: { readonly count: number; gather(signal: AbortSignal): Promise<unknown> };
}

export interface ScrapedWorker {
  readonly ready: boolean;
  /** Where the site is told its spec by documents. */
  readonly channel: ChannelView | undefined;
}

const patienceMs = 2_000;

/** Before a scrape. The controller speaks for all workers; one that does not answer in time holds up none, it grows old. */
export async function gatherForScrape(life: Pick<Scraped, 'control' | 'workers'> | undefined): Promise<void> {
  if (life?.control !== undefined) await life.workers.gather(AbortSignal.timeout(patienceMs));
}

/** One look at a worker for all of its metrics. */
export function scrape(life: Scraped | undefined, { ready, channel }: ScrapedWorker): Scrape {
  if (life === undefined) return { own: undefined, control: undefined, ready };
  const { copying, control, workers: all } = life;
  const workers = all.count;
  const carries =
    control?.links.some(({ id }) => id === copying.id) === true || copying.replicator.copiers().length > 0;
  return {
    own: carries ? { copying, topics: ownTopics(copying) } : undefined,
    control: control && {
      ...{ links: control.links.map(look), workers, violations: control.violations.length, channel },
      drills: control.drills.figures(),
    },
    ready,
  };
}

function look(link: LinkControl): ControlledLink {
  const { groups, configs, schemas, producerIds } = link.syncs;
  return {
    ...{ view: link.view(), topics: link.topicViews() },
    ...{ groups: groups.view(), configs: configs.view(), schemas: schemas.view() },
    ...{ producerIds: producerIds.view(), returned: link.tails.returned.counts() },
  };
}

/** By topic, of the partitions that this worker copies. */
function ownTopics(copying: LinkCopying): readonly TopicDetailView[] {
  const byTopic = Map.groupBy(copying.samples(), ({ topic }) => topic);
  return [...byTopic].map(([name, samples]) =>
    new TrackedTopic({ name, topicId: '', partitions: samples.length }).view(copying.id, samples, undefined),
  );
}
