import { defaultEntity } from '../../kafka/client-quotas.ts';
import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { inServerProperties, kafkaTool, setBrokersConfig } from './commands.ts';
import type { CopySight } from './copy-sight.ts';
import { type FindingCode, found, inOrder } from './doctor-codes.ts';
import type { BrokerSight, SiteSight } from './site-sight.ts';

const minuteMs = 60_000;
/** Every position is committed again every 6 hours; one of these may fail (docs/groups.md). */
const offsetsRetentionMinutesMin = 12 * 60;
/** What an outage may last before it is looked at; the defaults are a day and a week. */
const expirationMsMin = 120 * minuteMs;
/** Of umbra's transactions: the lease and the writer of `_umbra`. */
const transactionTimeoutMs = 10_000;
/** What a request holds beside the batch. */
const requestOverheadBytes = 64 * 1024;
const quotaBytesMin = 1_000_000;
const quotaPercentMin = 10;

export interface SettingsContext {
  readonly copies: readonly CopySight[];
  /** The other site, where it answers. */
  readonly source: SiteSight | undefined;
  /** Of the workers, as this configuration has it. Undefined where it is another site's. */
  readonly sessionTimeoutMs: number | undefined;
  /** By which umbra's clients call themselves here, without what follows the pair. */
  readonly clientIds: readonly string[];
}

/** Settings of a site's brokers that something of umbra stands on, quotas among them. Pure. */
export function checkSettings(sight: SiteSight, context: SettingsContext): readonly Finding[] {
  const known = sight.brokers.filter(({ settings }) => settings !== undefined);
  const findings = [
    ...known.flatMap((broker) => rules(sight, context).flatMap((rule) => judge(rule, broker, sight.site))),
    ...quotas(sight, context),
  ];
  const differing = known.length < 2 ? [] : differences(sight.site, known);
  const all = [...merged(findings), ...differing];
  if (all.length > 0 || known.length === 0) return all;
  return [inOrder(sight.site, 'settings', `the settings of ${known.length} broker(s) are as umbra needs them`)];
}

interface Rule {
  readonly code: FindingCode;
  readonly setting: string;
  /** What is wrong with the value; undefined where nothing is. */
  readonly objection: (value: string) => string | undefined;
  readonly remedy: string;
}

/** Below a bound; a setting that the release does not have says nothing. */
function atLeast(bound: number, why: string): Rule['objection'] {
  return (value) => (Number(value) < bound ? `, less than ${bound}: ${why}` : undefined);
}

function rules(sight: SiteSight, { copies, source, sessionTimeoutMs }: SettingsContext): readonly Rule[] {
  return [...forLinks(sight, copies), ...forGroups(source, sessionTimeoutMs), ...forState()];
}

function forLinks(sight: SiteSight, copies: readonly CopySight[]): readonly Rule[] {
  const sizes = copies.map(({ copyConfigs }) => Number(copyConfigs?.get('max.message.bytes')?.value ?? 0));
  const largest = Math.max(0, ...sizes);
  const names = copies.filter((_, index) => sizes[index] === largest).map(({ record }) => record.topic);
  const ofWhom = `a batch of ${names[0] ?? ''} may have ${largest} bytes`;
  return [
    {
      code: 'REQUEST_BYTES',
      setting: 'socket.request.max.bytes',
      objection: atLeast(
        largest + requestOverheadBytes,
        `${ofWhom}, and the broker closes the connection that brings it`,
      ),
      remedy: inServerProperties(`socket.request.max.bytes=${Math.max(104_857_600, largest + requestOverheadBytes)}`),
    },
    ...(sight.metadata.brokers < 2
      ? []
      : [
          {
            code: 'REPLICA_FETCH_BYTES' as const,
            setting: 'replica.fetch.max.bytes',
            objection: atLeast(largest, `${ofWhom}, and followers take such batches one by one`),
            remedy: inServerProperties(`replica.fetch.max.bytes=${largest}`),
          },
        ]),
    {
      code: 'PRODUCER_ID_EXPIRATION',
      setting: 'producer.id.expiration.ms',
      objection: atLeast(
        expirationMsMin,
        'brokers forget the sequences of the link, by which they refuse a batch sent twice',
      ),
      remedy: setBrokersConfig(sight, 'producer.id.expiration.ms=86400000'),
    },
    {
      code: 'DELETE_OFF',
      setting: 'delete.topic.enable',
      objection: (value) => (value === 'false' ? ': no copy can be rebuilt' : undefined),
      remedy: inServerProperties('delete.topic.enable=true'),
    },
  ];
}

function forGroups(source: SiteSight | undefined, sessionTimeoutMs: number | undefined): readonly Rule[] {
  const metadataBytes = Math.max(
    0,
    ...(source?.brokers ?? []).map((broker) => numberOf(broker, 'offset.metadata.max.bytes')),
  );
  const sourceTakes = source?.brokers.some((broker) => protocolsOf(broker).includes('consumer')) === true;
  const sessions: readonly Rule[] =
    sessionTimeoutMs === undefined
      ? []
      : [
          {
            code: 'SESSION_TIMEOUT',
            setting: 'group.min.session.timeout.ms',
            objection: (value) =>
              Number(value) > sessionTimeoutMs
                ? `, more than the workers' group.sessionTimeoutMs of ${sessionTimeoutMs}: no worker can take part`
                : undefined,
            remedy: `Set group.sessionTimeoutMs of the workers within the broker's bounds, or ${inServerProperties(`group.min.session.timeout.ms=${sessionTimeoutMs}`)}`,
          },
          {
            code: 'SESSION_TIMEOUT',
            setting: 'group.max.session.timeout.ms',
            objection: (value) =>
              Number(value) < sessionTimeoutMs
                ? `, less than the workers' group.sessionTimeoutMs of ${sessionTimeoutMs}: no worker can take part`
                : undefined,
            remedy: `Set group.sessionTimeoutMs of the workers within the broker's bounds, or ${inServerProperties(`group.max.session.timeout.ms=${sessionTimeoutMs}`)}`,
          },
        ];
  return [
    ...sessions,
    {
      code: 'OFFSETS_RETENTION',
      setting: 'offsets.retention.minutes',
      objection: atLeast(
        offsetsRetentionMinutesMin,
        'positions of groups without members are forgotten before they are committed again (every 6 hours)',
      ),
      remedy: inServerProperties('offsets.retention.minutes=10080'),
    },
    {
      code: 'OFFSET_METADATA',
      setting: 'offset.metadata.max.bytes',
      objection: atLeast(
        metadataBytes,
        `the other site takes ${metadataBytes}, so positions with longer metadata cannot be carried over`,
      ),
      remedy: inServerProperties(`offset.metadata.max.bytes=${metadataBytes}`),
    },
    {
      code: 'CLASSIC_GROUPS',
      setting: 'group.coordinator.rebalance.protocols',
      objection: (value) =>
        words(value).includes('classic') ? undefined : ': without "classic" workers cannot form their group',
      remedy: inServerProperties('group.coordinator.rebalance.protocols=classic,consumer'),
    },
    {
      code: 'CONSUMER_GROUPS',
      setting: 'group.coordinator.rebalance.protocols',
      objection: (value) =>
        sourceTakes && !words(value).includes('consumer')
          ? ': the other site has "consumer" (KIP-848) too, and such groups could not go on here'
          : undefined,
      remedy: inServerProperties('group.coordinator.rebalance.protocols=classic,consumer'),
    },
  ];
}

function forState(): readonly Rule[] {
  return [
    {
      code: 'TRANSACTIONAL_ID_EXPIRATION',
      setting: 'transactional.id.expiration.ms',
      objection: atLeast(
        expirationMsMin,
        "the coordinator forgets the link's lease and the writer of _umbra; copying pauses each time",
      ),
      remedy: inServerProperties('transactional.id.expiration.ms=604800000'),
    },
    {
      code: 'TRANSACTION_TIMEOUT',
      setting: 'transaction.max.timeout.ms',
      objection: atLeast(transactionTimeoutMs, 'it is what umbra asks for, so no worker can lead'),
      remedy: inServerProperties('transaction.max.timeout.ms=900000'),
    },
    {
      code: 'CLEANER_OFF',
      setting: 'log.cleaner.enable',
      objection: (value) => (value === 'false' ? ': _umbra and the positions of groups grow for ever' : undefined),
      remedy: inServerProperties('log.cleaner.enable=true'),
    },
  ];
}

function judge({ code, setting, objection, remedy }: Rule, broker: BrokerSight, site: SiteId): readonly Judged[] {
  const value = broker.settings?.get(setting);
  const wrong = value === undefined ? undefined : objection(value);
  return wrong === undefined
    ? []
    : [{ code, site, nodeId: broker.nodeId, said: `${setting} is ${value ?? ''}${wrong}`, remedy }];
}

interface Judged {
  readonly code: FindingCode;
  readonly site: SiteId;
  readonly nodeId: number | undefined;
  readonly said: string;
  readonly remedy: string;
}

/** The same of several brokers is one finding. */
function merged(judged: readonly Judged[]): readonly Finding[] {
  return [...Map.groupBy(judged, ({ code, said }) => `${code} ${said}`).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const nodes = same.flatMap(({ nodeId }) => nodeId ?? []);
    const where = nodes.length === 0 ? '' : `broker ${nodes.join(', ')}: `;
    return [found(first.code, { site: first.site, message: `${where}${first.said}`, remedy: first.remedy })];
  });
}

/** What must be the same everywhere, since it is one broker's today and another's tomorrow. */
const same = [
  'auto.create.topics.enable',
  'message.max.bytes',
  'socket.request.max.bytes',
  'offsets.retention.minutes',
  'offset.metadata.max.bytes',
  'producer.id.expiration.ms',
  'transactional.id.expiration.ms',
  'group.coordinator.rebalance.protocols',
  'unclean.leader.election.enable',
];

function differences(site: SiteId, brokers: readonly BrokerSight[]): readonly Finding[] {
  return same.flatMap((setting) => {
    const values = Map.groupBy(brokers, ({ settings }) => settings?.get(setting) ?? 'unset');
    if (values.size < 2) return [];
    const parts = [...values].map(
      ([value, members]) => `${value} at broker ${members.map(({ nodeId }) => nodeId).join(', ')}`,
    );
    return [
      found('SETTINGS_DIFFER', {
        site,
        message: `${setting} is ${parts.join(', ')}`,
        remedy: `Set ${setting} to the same value on every broker of site ${site}.`,
      }),
    ];
  });
}

function quotas(sight: SiteSight, { clientIds }: SettingsContext): readonly Judged[] {
  const { site, quotas: limits = [], principal } = sight;
  const user = principal?.replace(/^User:/, '');
  const concerned = limits.filter(
    (limit) =>
      (limit.user === undefined || limit.user === defaultEntity || limit.user === user) &&
      (limit.clientId === undefined || limit.clientId === defaultEntity || clientIds.includes(limit.clientId)),
  );
  return concerned.flatMap(({ user: ofUser, clientId, key, value }) => {
    const least = key === 'request_percentage' ? quotaPercentMin : quotaBytesMin;
    if (!(key in quotaWords) || value >= least) return [];
    const whom = [
      ...(ofUser === undefined ? [] : [`user ${ofUser}`]),
      ...(clientId === undefined ? [] : [`client id ${clientId}`]),
    ].join(', ');
    const entity =
      user === undefined ? '--entity-type users --entity-default' : `--entity-type users --entity-name ${user}`;
    return [
      {
        ...{ code: 'QUOTA' as const, site, nodeId: undefined },
        said: `the quota ${key} of ${whom} is ${value}, less than ${least}: ${quotaWords[key] ?? ''} no faster`,
        remedy: `Give umbra a quota of its own: ${kafkaTool('kafka-configs', sight, `--alter ${entity} --add-config ${key}=${key === 'request_percentage' ? 100 : 1_000_000_000}`)}`,
      },
    ];
  });
}

const quotaWords: Readonly<Record<string, string>> = {
  producer_byte_rate: 'copies are filled',
  consumer_byte_rate: 'records are read',
  request_percentage: 'requests are answered',
};

function numberOf({ settings }: BrokerSight, setting: string): number {
  return Number(settings?.get(setting) ?? 0);
}

function protocolsOf({ settings }: BrokerSight): readonly string[] {
  return words(settings?.get('group.coordinator.rebalance.protocols') ?? '');
}

function words(list: string): readonly string[] {
  return list.split(',').map((word) => word.trim());
}
