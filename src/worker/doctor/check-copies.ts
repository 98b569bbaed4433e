import type { TopicConfigs } from '../../kafka/config-admin.ts';
import { otherSite, type SiteId } from '../../pair/site.ts';
import { faultRemedies } from '../../replication/partition/fault.ts';
import { shadowConfigs } from '../../sync/topics/shadow-configs.ts';
import type { Finding } from '../finding.ts';
import { setTopicConfig } from './commands.ts';
import type { CopySight } from './copy-sight.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { SiteSight } from './site-sight.ts';

/** The copies of a site: are they there, are they those of their sources, do they have the configs they need. Pure. */
export function checkCopies(target: SiteSight, copies: readonly CopySight[]): readonly Finding[] {
  // A topic that is gone at both sites left nothing but its record.
  const there = copies.filter(
    ({ source, copy, sourceSeen }) => !sourceSeen || source !== undefined || copy !== undefined,
  );
  const findings = there.flatMap((copy) => [...faults(copy), ...identity(copy), ...configs(copy, target)]);
  if (findings.length > 0 || there.length === 0) return findings;
  return [
    inOrder(target.site, 'copies', `${there.length} copies are those of their sources and have the configs they need`),
  ];
}

function faults({ site, record }: CopySight): readonly Finding[] {
  return [...Map.groupBy(record.faults, ({ code }) => code)].map(([code, alike]) => {
    const [first] = alike;
    const where = alike.map(({ partition }) => partition).join(', ');
    return found('COPY_FAULTED', {
      site,
      message: `${record.topic}: partition ${where} stopped with ${code}: ${first?.message ?? ''}`,
      remedy: faultRemedies[code].replaceAll('TOPIC', record.topic),
    });
  });
}

function identity({ site, record, source, copy, sourceSeen }: CopySight): readonly Finding[] {
  const { topic, sourceTopicId, state } = record;
  const from = otherSite(site);
  const rebuild = `"npx umbra rebuild ${topic}"`;
  if (copy === undefined) {
    const remedy = `See who deleted ${topic}. A running link makes it anew from the beginning of its source.`;
    return [
      found('COPY_GONE', { site, message: `the copy ${topic} is not there, or umbra may not describe it`, remedy }),
    ];
  }
  if (copy.topicId !== state.shadowTopicId) {
    const message = `the copy ${topic} was deleted and created anew by somebody else`;
    return [
      found('COPY_REPLACED', { site, message, remedy: `Delete ${topic} at site ${site}; the link makes its own.` }),
    ];
  }
  if (!sourceSeen) return [];
  if (source === undefined) {
    const message = `${topic} was deleted at site ${from}, or umbra may not describe it there; the copy stays`;
    const remedy = `Delete ${topic} at site ${site} when nobody needs it, or set deletion: "follow" on the link.`;
    return [found('SOURCE_GONE', { site, message, remedy })];
  }
  if (source.topicId !== sourceTopicId) {
    const message = `${topic} was deleted and created anew at site ${from}: the copy is that of the old topic`;
    const remedy = `Run ${rebuild}: it keeps what only the copy holds in files and copies the new topic.`;
    return [found('SOURCE_REPLACED', { site, message, remedy })];
  }
  if (copy.partitions.length > source.partitions.length) {
    const message = `the copy ${topic} has ${copy.partitions.length} partitions, its source ${source.partitions.length}`;
    const remedy = `Grow ${topic} at site ${from} to ${copy.partitions.length} partitions, or run ${rebuild}.`;
    return [found('COPY_MORE_PARTITIONS', { site, message, remedy })];
  }
  return [];
}

function configs({ site, record, sourceConfigs, copyConfigs }: CopySight, target: SiteSight): readonly Finding[] {
  if (copyConfigs === undefined) return [];
  const has = valuesOf(copyConfigs);
  const wanted = shadowConfigs(valuesOf(sourceConfigs ?? new Map()), new Set(has.keys()));
  return [...wanted].flatMap(([name, value]) => {
    const shown = has.get(name);
    // A larger bound on batches is as good.
    if (shown === value || (name === 'max.message.bytes' && Number(shown) >= Number(value))) return [];
    return [
      found('COPY_CONFIG', {
        site,
        message: `${record.topic}: ${name} is ${shown ?? 'unset'}, a copy needs ${value}`,
        remedy: `A running link sets it by itself; if it does not: ${setTopicConfig(target, record.topic, `${name}=${value}`)}`,
      }),
    ];
  });
}

function valuesOf(configs: TopicConfigs): ReadonlyMap<string, string> {
  return new Map([...configs].flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const])));
}

/** Where one partition of a copy and its source begin and end. Asked of the copy first, so that it is never ahead by that. */
export interface LogSight {
  readonly topic: string;
  readonly partition: number;
  /** The copy's site. */
  readonly site: SiteId;
  readonly copyEnd: bigint;
  readonly sourceStart: bigint;
  readonly sourceEnd: bigint;
  /** Time of the first record that is not copied yet; only of some that lag. */
  readonly oldestUncopied?: Date;
  /** Open longer than any transaction may be; in ms. */
  readonly hangingMs?: number;
  readonly hangingProducer?: bigint;
}

const hourMs = 3_600_000;

/** What the ends of the logs tell. Pure. */
export function checkLogs(logs: readonly LogSight[], source: SiteSight, now: Date): readonly Finding[] {
  return [...Map.groupBy(logs, ({ topic }) => topic)].flatMap(([topic, partitions]) => {
    const configs = source.configs.get(topic);
    return [
      ...partitions.flatMap((log) => ends(log)),
      ...partitions.flatMap((log) => hanging(log, source)),
      ...retention(topic, partitions, { configs, source, now }),
    ];
  });
}

function ends({ topic, partition, site, copyEnd, sourceStart, sourceEnd }: LogSight): readonly Finding[] {
  const from = otherSite(site);
  if (copyEnd > sourceEnd) {
    return [
      found('COPY_AHEAD', {
        site,
        message: `${topic}/${partition} ends at ${copyEnd}, its source at site ${from} at ${sourceEnd}: the copy has records that the source does not have`,
        remedy: `Withdraw the right to write ${topic} at site ${site} from everybody but umbra, then run "npx umbra rebuild ${topic}".`,
      }),
    ];
  }
  if (copyEnd > 0n && sourceStart > copyEnd) {
    return [
      found('RECORDS_GONE', {
        site,
        message: `${topic}/${partition} is copied up to ${copyEnd}, but site ${from} has deleted everything below ${sourceStart}`,
        remedy: `Raise retention.ms of ${topic} at site ${from}, then run "npx umbra rebuild ${topic}".`,
      }),
    ];
  }
  return [];
}

function hanging({ topic, partition, hangingMs, hangingProducer }: LogSight, source: SiteSight): readonly Finding[] {
  if (hangingMs === undefined) return [];
  const minutes = Math.floor(hangingMs / 60_000);
  return [
    found('HANGING_TRANSACTION', {
      site: source.site,
      message: `${topic}/${partition}: producer ${hangingProducer ?? '?'} has had a transaction open for ${minutes} minutes; nothing behind it is read or copied`,
      remedy: `Find it with kafka-transactions.sh --bootstrap-server ${source.bootstrapServers[0] ?? ''} find-hanging --topic ${topic}, and end it with "abort".`,
    }),
  ];
}

function retention(
  topic: string,
  partitions: readonly LogSight[],
  { configs, source, now }: { configs: TopicConfigs | undefined; source: SiteSight; now: Date },
): readonly Finding[] {
  const kept = Number(configs?.get('retention.ms')?.value ?? -1);
  if (kept < 0 || configs?.get('cleanup.policy')?.value?.includes('delete') !== true) return [];
  const oldest = partitions.flatMap(({ oldestUncopied }) => oldestUncopied ?? []).toSorted((x, y) => +x - +y)[0];
  const ageMs = oldest === undefined ? 0 : now.getTime() - oldest.getTime();
  const findings: Finding[] = [];
  if (ageMs > kept / 2) {
    findings.push(
      found('RETENTION_NEAR', {
        site: source.site,
        message: `${topic}: records that are not copied yet are ${Math.round(ageMs / 1_000)} s old, and it keeps them for ${Math.round(kept / 1_000)} s`,
        remedy: `See why the copy lags ("npx umbra topics ${topic}"), and until it is level: ${setTopicConfig(source, topic, 'retention.ms=-1')}`,
      }),
    );
  }
  if (kept < hourMs) {
    findings.push(
      found('RETENTION_SHORT', {
        site: source.site,
        message: `${topic} keeps records for ${Math.round(kept / 1_000)} s, less than an hour: a link that is down for longer loses them`,
        remedy: setTopicConfig(source, topic, 'retention.ms=86400000'),
      }),
    );
  }
  return findings;
}
