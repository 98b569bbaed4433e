import type { ConfigSyncView } from '../../sync/topics/config-sync-view.ts';
import type { GroupSyncView } from '../../sync/groups/group-view.ts';
import type { BarrierView } from '../../sync/producer-ids/barrier-view.ts';
import type { SchemaSyncView } from '../../sync/schemas/schema-view.ts';
import type { LinkCopying } from '../copying/link-copying.ts';
import type { DrillFigures } from '../drill/drill-figures.ts';
import type { ReturnedState } from '../reconcile/returned-record.ts';
import type { ChannelView } from '../spec-channel-view.ts';
import type { LinkView, TopicDetailView } from '../views.ts';

/** A link as the controller of its site knows it. */
export interface ControlledLink {
  readonly view: LinkView;
  /** Of all workers. */
  readonly topics: readonly TopicDetailView[];
  readonly groups: GroupSyncView;
  readonly configs: ConfigSyncView;
  readonly schemas: SchemaSyncView;
  readonly producerIds: BarrierView;
  readonly returned: Readonly<Record<ReturnedState, number>>;
}

/** What a scrape reads, made once for all metrics of it. */
export interface Scrape {
  /** This worker's part of the link that ends at its site; undefined while it has none. */
  readonly own: { readonly copying: LinkCopying; readonly topics: readonly TopicDetailView[] } | undefined;
  /** Undefined where another worker leads the site. */
  readonly control:
    | {
        readonly links: readonly ControlledLink[];
        readonly workers: number;
        readonly violations: number;
        readonly channel: ChannelView | undefined;
        readonly drills: DrillFigures;
      }
    | undefined;
  readonly ready: boolean;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  /** A counter only grows while the process lives, and its name ends in `_total`. */
  readonly type: 'gauge' | 'counter';
  /** `1`: a number of things, or 1 for yes and 0 for no. */
  readonly unit: 'seconds' | 'bytes' | 'records' | 'offset' | '1';
  /** Beside `pair` and `site`, which all have. */
  readonly labels: readonly string[];
  /** Who exports it: every worker of what it does itself, or the one that leads its site, of all of it. */
  readonly from: 'worker' | 'controller';
  readonly help: string;
  /** When there is nothing to export. */
  readonly absent?: string;
  readonly read: (scrape: Scrape) => readonly Sample[];
}

type Described = Omit<Metric, 'read' | 'labels' | 'from'>;

/** One sample for the link that this worker copies a part of. */
export function ofOwnLink(described: Described, value: (copying: LinkCopying) => number): Metric {
  const read = ({ own }: Scrape): readonly Sample[] =>
    own === undefined ? [] : [{ labels: { link: own.copying.id }, value: value(own.copying) }];
  return { ...described, from: 'worker', labels: ['link'], read };
}

/** One sample for every topic that this worker copies a part of. */
export function ofOwnTopic(described: Described, value: (view: TopicDetailView) => number): Metric {
  const read = ({ own }: Scrape): readonly Sample[] =>
    (own?.topics ?? []).map((view) => ({ labels: { link: view.link, topic: view.name }, value: value(view) }));
  return { ...described, from: 'worker', labels: ['link', 'topic'], read };
}

/** One sample for every partition that this worker copies and that has a value. */
export function ofOwnPartition(
  described: Described,
  value: (view: TopicDetailView['partitionViews'][number]) => number | undefined,
): Metric {
  const read = ({ own }: Scrape): readonly Sample[] =>
    (own?.topics ?? []).flatMap(({ link, name: topic, partitionViews }) =>
      partitionViews.flatMap((view) => {
        const found = value(view);
        const labels = { link, topic, partition: String(view.partition) };
        return found === undefined ? [] : [{ labels, value: found }];
      }),
    );
  return { ...described, from: 'worker', labels: ['link', 'topic', 'partition'], read };
}

/** One sample for every link of the site that has a value. */
export function ofLink(described: Described, value: (link: ControlledLink) => number | undefined): Metric {
  const read = ({ control }: Scrape): readonly Sample[] =>
    (control?.links ?? []).flatMap((link) => {
      const found = value(link);
      return found === undefined ? [] : [{ labels: { link: link.view.id }, value: found }];
    });
  return { ...described, from: 'controller', labels: ['link'], read };
}

/** One sample for every link and member of a closed set. */
export function ofLinkAnd(
  label: string,
  described: Described,
  values: (link: ControlledLink) => Readonly<Record<string, number>>,
): Metric {
  const read = ({ control }: Scrape): readonly Sample[] =>
    (control?.links ?? []).flatMap((link) =>
      Object.entries(values(link)).map(([key, value]) => ({ labels: { link: link.view.id, [label]: key }, value })),
    );
  return { ...described, from: 'controller', labels: ['link', label], read };
}

/** 1 for the one that it is, 0 for the others. */
export function oneOf(all: readonly string[], is: string | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(all.map((each) => [each, each === is ? 1 : 0]));
}
