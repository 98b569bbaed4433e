/**
 * What becomes of each config of a topic at its copy: the one table. docs/topics.md shows it, and a test holds the two
 * equal. Names as of Kafka 3.3 to 4.3 (`LogConfig.configNames`).
 */
export interface ConfigRule {
  readonly name: string;
  readonly sync: ConfigSyncRule;
  /**
   * `effect`: the copy is to behave as the source does, wherever the source has the value from: these decide which records
   * there are and what they look like. `own`: only what the source topic itself sets counts; what it leaves to its cluster,
   * the copy leaves to its own.
   */
  readonly measure: 'effect' | 'own';
  /** Whether a promotion gives the source's value to the topic. `left`: it says something about one cluster only. */
  readonly promotion: 'restored' | 'left';
  /** Releases of Kafka that know the name. */
  readonly releases: string;
  readonly reason: string;
}

export type ConfigSyncRule =
  /** The copy needs this value, whatever the source has. The source's is remembered for the promotion. */
  | { readonly kind: 'override'; readonly value: string }
  /** Synced; cannot be excluded. */
  | { readonly kind: 'always' }
  /** Synced unless the link excludes it. */
  | { readonly kind: 'by default' }
  /** Not synced, unless it is `includable` and the link includes it. */
  | { readonly kind: 'never'; readonly includable: boolean };

/** Largest value of a 64-bit config: "no bound". */
const longMax = '9223372036854775807';

type Details = Pick<ConfigRule, 'measure' | 'reason'> & Partial<Pick<ConfigRule, 'promotion' | 'releases'>>;

function rule(name: string, sync: ConfigSyncRule, details: Details): ConfigRule {
  return { promotion: 'restored', releases: '3.3–4.x', ...details, name, sync };
}

function override(name: string, value: string, reason: string, releases = '3.3–4.x'): ConfigRule {
  return rule(name, { kind: 'override', value }, { measure: 'effect', reason, releases });
}

function byDefault(name: string, measure: ConfigRule['measure'], reason: string, releases = '3.3–4.x'): ConfigRule {
  return rule(name, { kind: 'by default' }, { measure, reason, releases });
}

function clusterOnly(name: string, reason: string, releases = '3.3–4.x'): ConfigRule {
  return rule(name, { kind: 'never', includable: false }, { measure: 'own', promotion: 'left', reason, releases });
}

const size = 'how the log is cut into files; the topic’s choice travels, a cluster’s default does not';
const remote = 'needs remote storage at the target, which the copy’s log start does not go through';
const level = 'of use when records are compressed by the broker: after a promotion';
const compaction = 'rules the cleaner, which rests while the copy is a copy (ADR 0008): in force after a promotion';

export const configRules: readonly ConfigRule[] = [
  override(
    'cleanup.policy',
    'delete',
    'the copy must not compact by itself (ADR 0008), and its log start has to be movable',
  ),
  override('compression.type', 'producer', 'anything else compresses anew, and bytes differ'),
  override('message.timestamp.type', 'CreateTime', 'the records keep the times they have at the source'),
  override('message.timestamp.before.max.ms', longMax, 'records of any age must be taken', '3.6–4.x'),
  override('message.timestamp.after.max.ms', longMax, 'records of any time must be taken', '3.6–4.x'),
  override(
    'message.timestamp.difference.max.ms',
    longMax,
    'the same before 3.6; later releases still obey it while the two above have no bound',
    '3.3–3.9',
  ),
  override('retention.ms', '-1', 'the source’s log start is mirrored; the copy deletes nothing by itself'),
  override('retention.bytes', '-1', 'as retention.ms'),
  rule(
    'max.message.bytes',
    { kind: 'always' },
    {
      measure: 'effect',
      reason: 'a batch that fits at the source must fit here, with a tenth of room for batches that are taken apart',
    },
  ),
  byDefault('delete.retention.ms', 'effect', compaction),
  byDefault('min.compaction.lag.ms', 'effect', compaction),
  byDefault('max.compaction.lag.ms', 'effect', compaction),
  byDefault('min.cleanable.dirty.ratio', 'own', compaction),
  byDefault('segment.bytes', 'own', size),
  byDefault('segment.ms', 'own', size),
  byDefault('segment.jitter.ms', 'own', size),
  byDefault('segment.index.bytes', 'own', size),
  byDefault('index.interval.bytes', 'own', size),
  byDefault('file.delete.delay.ms', 'own', size),
  byDefault('preallocate', 'own', size),
  byDefault('flush.messages', 'own', 'how soon records are forced to disk: the topic’s choice'),
  byDefault('flush.ms', 'own', 'as flush.messages'),
  byDefault('message.downconversion.enable', 'own', 'whether old clients are served', '3.3–3.9'),
  byDefault('compression.gzip.level', 'own', level, '3.8–4.x'),
  byDefault('compression.lz4.level', 'own', level, '3.8–4.x'),
  byDefault('compression.zstd.level', 'own', level, '3.8–4.x'),
  rule(
    'min.insync.replicas',
    { kind: 'never', includable: true },
    {
      measure: 'own',
      reason:
        'appends to the copy would stop where the target has fewer brokers; restored as far as the copy has replicas',
    },
  ),
  rule(
    'unclean.leader.election.enable',
    { kind: 'never', includable: true },
    {
      measure: 'own',
      reason: 'what a copy may lose is the target’s choice; what was lost is copied again',
    },
  ),
  clusterOnly('leader.replication.throttled.replicas', 'names brokers of one cluster'),
  clusterOnly('follower.replication.throttled.replicas', 'names brokers of one cluster'),
  clusterOnly('remote.storage.enable', remote),
  clusterOnly('local.retention.ms', remote),
  clusterOnly('local.retention.bytes', remote),
  clusterOnly('remote.log.copy.disable', remote, '3.9–4.x'),
  clusterOnly('remote.log.delete.on.disable', remote, '3.9–4.x'),
  clusterOnly('message.format.version', 'without effect since 3.0', '3.3–3.9'),
  clusterOnly('internal.segment.bytes', 'of Kafka’s own tests', '4.1–4.x'),
];

const byName: ReadonlyMap<string, ConfigRule> = new Map(configRules.map((each) => [each.name, each]));

/** The rule for a config. Names that the table does not have are of newer brokers, or of their vendors. */
export function ruleOf(name: string): ConfigRule {
  return byName.get(name) ?? byDefault(name, 'own', 'not in this table: synced where the target knows it');
}
