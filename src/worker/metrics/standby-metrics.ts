import { bases } from '../../exposure/exposure.ts';
import { topicStateKindSchema } from '../../pair/topic-state.ts';
import { groupStates } from '../../sync/groups/group-view.ts';
import { channelStates, type ChannelView } from '../spec-channel-view.ts';
import { standbyViewSchema, type ExposureView } from '../views.ts';
import { type Metric, ofLink, ofLinkAnd, oneOf, type Sample, type Scrape } from './metric.ts';

/** What the standby is worth, as the worker that leads its site knows it from all workers. */
export const standbyMetrics: readonly Metric[] = [
  topicExposure(
    'umbra_exposure_seconds',
    'seconds',
    'If the source died now: the oldest record that would be lost is at most that old.',
    ({ seconds }) => seconds,
  ),
  topicExposure(
    'umbra_exposure_records',
    'records',
    'If the source died now: records that would be lost.',
    ({ records }) => records,
  ),
  topicExposure(
    'umbra_exposure_bytes',
    'bytes',
    'If the source died now: bytes that would be lost, by the size of records seen lately.',
    ({ bytes }) => bytes,
  ),
  topicExposure(
    'umbra_exposure_sample_age_seconds',
    'seconds',
    'Age of the newest answer of the source that the exposure rests on.',
    ({ sampleAgeMs }) => (sampleAgeMs === undefined ? undefined : sampleAgeMs / 1000),
    'no answer has come for some partition',
  ),
  ofLink(
    { name: 'umbra_link_exposure_seconds', type: 'gauge', unit: 'seconds', help: 'Exposure of the worst topic.' },
    ({ view }) => view.exposure.seconds,
  ),
  ofLink(
    {
      name: 'umbra_link_exposure_records',
      type: 'gauge',
      unit: 'records',
      help: 'Exposure of all topics; of those too that nobody speaks of yet.',
    },
    ({ view }) => view.exposure.records,
  ),
  ofLink(
    { name: 'umbra_link_exposure_bytes', type: 'gauge', unit: 'bytes', help: 'Exposure of all topics.' },
    ({ view }) => view.exposure.bytes,
  ),
  ofLinkAnd(
    'basis',
    {
      name: 'umbra_link_exposure_basis',
      type: 'gauge',
      unit: '1',
      help: '1 for what the exposure rests on, 0 for the others: measured, estimated or stale.',
    },
    ({ view }) => oneOf(bases, view.exposure.basis),
  ),
  ofLink(
    {
      name: 'umbra_link_fenced',
      type: 'gauge',
      unit: '1',
      help: '1 when the target checks rights, 0 when anybody may write the copies or it is not known.',
    },
    ({ view }) => (view.fence === 'acl' ? 1 : 0),
  ),
  ofLinkAnd(
    'state',
    { name: 'umbra_link_topics', type: 'gauge', unit: '1', help: 'Topics in each state.' },
    ({ topics }) =>
      Object.fromEntries(
        topicStateKindSchema.options.map((state) => [state, topics.filter((topic) => topic.state === state).length]),
      ),
  ),
  ofLinkAnd(
    'state',
    {
      name: 'umbra_old_side_topics',
      type: 'gauge',
      unit: '1',
      help: 'Topics whose old primary came back after a failover and is no copy yet: returned, or split where both sites hold records of their own.',
    },
    ({ returned }) => returned,
  ),
  ofLinkAnd(
    'state',
    { name: 'umbra_groups', type: 'gauge', unit: '1', help: 'Consumer groups of the source in each state of syncing.' },
    ({ groups }) => Object.fromEntries(groupStates.map((state) => [state, groups.counts[state]])),
  ),
  ofLink(
    {
      name: 'umbra_groups_staleness_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'Positions of the synced groups are at most that old: so much is read again after a failover.',
      absent: 'not all synced groups were read once',
    },
    ({ view }) => view.standby.groups.stalenessSeconds,
  ),
  ofLink(
    { name: 'umbra_configs_topics', type: 'gauge', unit: '1', help: 'Copies whose configs were compared.' },
    ({ configs }) => configs.topics,
  ),
  ofLink(
    { name: 'umbra_configs_level', type: 'gauge', unit: '1', help: 'Of these, those that have all they are to have.' },
    ({ configs }) => configs.level,
  ),
  ofLink(
    { name: 'umbra_configs_differing', type: 'gauge', unit: '1', help: 'Configs that are not yet as they are to be.' },
    ({ configs }) => configs.differing.count,
  ),
  ofLink(
    { name: 'umbra_configs_refused', type: 'gauge', unit: '1', help: 'Configs that the target did not take.' },
    ({ configs }) => configs.refused.count,
  ),
  ofLink(
    {
      name: 'umbra_configs_edits_reverted_total',
      type: 'counter',
      unit: '1',
      help: 'Values that somebody else had set on copies and that were put back, since this worker leads.',
    },
    ({ configs }) => configs.edited.count,
  ),
  ofLinkAnd(
    'verdict',
    {
      name: 'umbra_schemas',
      type: 'gauge',
      unit: '1',
      help: '1 for how the schemas of both sites compare, 0 for the others.',
    },
    ({ view }) => oneOf(standbyViewSchema.shape.schemas.options, view.standby.schemas),
  ),
  ofLink(
    {
      name: 'umbra_schemas_differences',
      type: 'gauge',
      unit: '1',
      help: 'Keys of both schema logs that say something else.',
      absent: 'no schema primary is declared',
    },
    ({ schemas }) => (schemas.kind === 'watched' ? schemas.comparison.differences.total : undefined),
  ),
  ofLink(
    {
      name: 'umbra_schemas_behind_records',
      type: 'gauge',
      unit: 'records',
      help: "Offsets of the primary's schema log that the standby's has not.",
      absent: 'both logs were not looked at yet',
    },
    ({ schemas }) => (schemas.kind === 'watched' ? schemas.behind?.records : undefined),
  ),
  ofLink(
    {
      name: 'umbra_producer_ids_behind',
      type: 'gauge',
      unit: '1',
      help: 'Producer ids that the target has to burn before a promotion.',
      absent: 'no producer with an id was seen',
    },
    ({ producerIds: { highest, idsLeft } }) => (highest === undefined ? undefined : Number(idsLeft)),
  ),
  ofLink(
    {
      name: 'umbra_producer_ids_burnt_total',
      type: 'counter',
      unit: '1',
      help: 'Producer ids of the target that were burnt to stay close to those of the source, since this worker leads.',
    },
    ({ producerIds }) => producerIds.burnt,
  ),
];

/** Of the site as a whole. */
export const siteMetrics: readonly Metric[] = [
  ofSite('umbra_site_workers', 'Workers that share the work of the site.', ({ workers }) => workers),
  ofSite('umbra_violations', 'Topic names at the site that are outside the prefix policy.', (site) => site.violations),
  ofChannel(
    'umbra_spec_channel_well',
    'Whether the documents by which the site is told its spec are in order: 0 where one is lost, refused, stale or unread.',
    ({ state }) => (channelStates[state].well ? 1 : 0),
  ),
  ofChannel('umbra_spec_revision', 'Revision of the newest document that was judged.', ({ revision }) => revision),
];

function ofChannel(name: string, help: string, value: (channel: ChannelView) => number | undefined): Metric {
  const read = ({ control }: Scrape): readonly Sample[] => {
    const one = control?.channel === undefined ? undefined : value(control.channel);
    return one === undefined ? [] : [{ labels: {}, value: one }];
  };
  const absent = 'the spec comes over the API';
  return { name, type: 'gauge', unit: '1', labels: [], from: 'controller', help, absent, read };
}

function ofSite(name: string, help: string, value: (site: NonNullable<Scrape['control']>) => number): Metric {
  const read = ({ control }: Scrape): readonly Sample[] =>
    control === undefined ? [] : [{ labels: {}, value: value(control) }];
  return { name, type: 'gauge', unit: '1', labels: [], from: 'controller', help, read };
}

function topicExposure(
  name: string,
  unit: Metric['unit'],
  help: string,
  value: (exposure: ExposureView) => number | undefined,
  absent?: string,
): Metric {
  const read = ({ control }: Scrape): readonly Sample[] =>
    (control?.links ?? []).flatMap(({ topics }) =>
      topics.flatMap(({ link, name: topic, exposure }) => {
        const found = exposure === undefined ? undefined : value(exposure);
        return found === undefined ? [] : [{ labels: { link, topic }, value: found }];
      }),
    );
  const described = { name, type: 'gauge', unit, labels: ['link', 'topic'], from: 'controller', help } as const;
  return { ...described, read, ...(absent === undefined ? {} : { absent }) };
}
