import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { UncompressedTooLargeError } from '../../replication/batches/compression.ts';
import { IndexComparison } from '../../schema-primary/compare-indexes.ts';
import { lostTail } from '../../schema-primary/lost-tail.ts';
import type { IdTable } from '../../schema-primary/id-table.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { FollowedLog } from './followed-log.ts';
import type { SchemaLog } from './schema-log.ts';
import {
  type ComparisonView,
  differenceView,
  listed,
  lostView,
  type LostView,
  type SchemasBehind,
  type SchemaSyncView,
  type SchemaTrouble,
  siteView,
} from './schema-view.ts';

export interface SchemaSyncPorts {
  /** Who registers now, by the roles; undefined while nobody said. */
  schemaPrimary(): SiteId | undefined;
  /** Up to where both logs were one, where the standby's is no copy any more. Default: it is one. */
  fork?(): bigint | undefined;
  readonly logs: Readonly<Record<SiteId, SchemaLog>>;
  now(): Date;
}

/** What a site can do to its reader; everything else is a bug. */
const unreadable = [KafkaError, ConnectionError, MalformedError, UncompressedTooLargeError] as const;

interface Side {
  readonly log: FollowedLog;
  lookedAt: Date | undefined;
  trouble: SchemaTrouble | undefined;
}

const notCompared: ComparisonView = {
  verdict: 'unknown',
  comparedAt: undefined,
  equalAt: undefined,
  differences: listed([]),
  keysBehind: 0,
};

/**
 * Reads `_schemas` at both sites as it grows and compares what the two say: read-only, so it needs no role and may run
 * anywhere. All of it is in memory and is read anew after a restart.
 */
export class SchemaSync {
  readonly #ports: SchemaSyncPorts;
  readonly #sides: Readonly<Record<SiteId, Side>>;
  #primary: SiteId | undefined;
  #comparison: IndexComparison | undefined;
  #compared: ComparisonView = notCompared;
  #lost: LostView | undefined;
  /** When the copy had everything last, or when it was first looked at. */
  #levelAt: Date | undefined;

  constructor(ports: SchemaSyncPorts) {
    this.#ports = ports;
    const side = (site: SiteId): Side => ({
      log: new FollowedLog(ports.logs[site]),
      lookedAt: undefined,
      trouble: undefined,
    });
    this.#sides = { a: side('a'), b: side('b') };
  }

  /** One look at both logs, and a comparison if both could be read. Bounded; a site that fails is in the view. */
  async round(signal: AbortSignal): Promise<void> {
    const primary = this.#ports.schemaPrimary();
    if (primary !== this.#primary) this.#forget(primary);
    if (primary === undefined) return;
    // The copy first: what it has then, the primary must have when it is read.
    const standbyRead = await this.#follow(otherSite(primary), signal);
    const primaryRead = await this.#follow(primary, signal);
    if (standbyRead && primaryRead) this.#compare(primary);
  }

  view(): SchemaSyncView {
    const primarySite = this.#primary;
    if (primarySite === undefined) return { kind: 'undeclared' };
    const view = (site: SiteId): ReturnType<typeof siteView> => {
      const { log, lookedAt, trouble } = this.#sides[site];
      const role = site === primarySite ? 'primary' : 'standby';
      return siteView(log, { site, role, lookedAt: lookedAt?.toISOString(), trouble });
    };
    return {
      kind: 'watched',
      primarySite,
      sites: { a: view('a'), b: view('b') },
      comparison: this.#compared,
      behind: this.#behind(primarySite),
      lost: this.#lost,
    };
  }

  /** The ids that a site's log names, as far as it is read. */
  ids(site: SiteId): IdTable {
    return this.#sides[site].log.index.ids;
  }

  /** Whether all of the site's log was read once, as of its last look. */
  isRead(site: SiteId): boolean {
    return this.#sides[site].log.isRead;
  }

  /** Versions that the site's registry has to answer as its log says: the newest ones, at most `max`. */
  newestVersions(site: SiteId, max: number): readonly { subject: string; version: number; id: number }[] {
    const { index } = this.#sides[site].log;
    return [...index.records.values()]
      .flatMap(({ offset, entry }) =>
        entry.kind === 'schema' && !index.isDeleted(entry.subject, entry.version) ? [{ offset, entry }] : [],
      )
      .sort((left, right) => Number(right.offset - left.offset))
      .slice(0, max)
      .map(({ entry: { subject, version, id } }) => ({ subject, version, id }));
  }

  #forget(primary: SiteId | undefined): void {
    this.#primary = primary;
    this.#comparison = undefined;
    this.#compared = notCompared;
    this.#lost = undefined;
    this.#levelAt = undefined;
  }

  /** False when the site could not be read to its end now; why is kept for the view. */
  async #follow(site: SiteId, signal: AbortSignal): Promise<boolean> {
    const side = this.#sides[site];
    try {
      await side.log.follow(
        {
          changed: (name) => this.#comparison?.changed(name),
          startedAnew: () => (this.#comparison = undefined),
        },
        signal,
      );
      side.lookedAt = this.#ports.now();
      side.trouble = this.#wrongShape(side);
      return side.log.isRead && side.trouble === undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!unreadable.some((kind) => error instanceof kind)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      side.trouble = { message, since: side.trouble?.since ?? this.#ports.now().toISOString() };
      return false;
    }
  }

  #wrongShape({ log: { state }, trouble }: Side): SchemaTrouble | undefined {
    if ((state.kind !== 'read' && state.kind !== 'reading') || state.sight.partitions === 1) return undefined;
    const message = `${schemasTopic} has ${state.sight.partitions} partitions; registries use one: it is none of theirs`;
    return { message, since: trouble?.since ?? this.#ports.now().toISOString() };
  }

  #compare(primarySite: SiteId): void {
    const [primary, standby] = [this.#sides[primarySite].log, this.#sides[otherSite(primarySite)].log];
    this.#comparison ??= new IndexComparison(primary.index, standby.index);
    const comparison = this.#comparison.compare({ primary: primary.readTo, standby: standby.readTo });
    const now = this.#ports.now();
    const cut = this.#ports.fork?.();
    this.#lost =
      cut === undefined ? undefined : lostView(cut, lostTail({ old: standby.index, now: primary.index, cut }));
    const ahead = standby.readTo > primary.readTo ? [aheadOf(primary, standby)] : [];
    const differences = [...ahead, ...comparison.differences.map(differenceView)];
    const { behind } = comparison;
    const level = standby.readTo >= primary.readTo;
    if (level || this.#levelAt === undefined) this.#levelAt = now;
    const verdict = differences.length > 0 ? 'different' : behind > 0 || !level ? 'behind' : 'equal';
    this.#compared = {
      verdict,
      comparedAt: now.toISOString(),
      equalAt: verdict === 'equal' ? now.toISOString() : this.#compared.equalAt,
      differences: listed(differences),
      keysBehind: behind,
    };
  }

  #behind(primarySite: SiteId): SchemasBehind | undefined {
    const [primary, standby] = [this.#sides[primarySite], this.#sides[otherSite(primarySite)]];
    if (primary.lookedAt === undefined || this.#levelAt === undefined) return undefined;
    const [end, copied] = [endOf(primary.log), endOf(standby.log)];
    const records = end > copied ? Number(end - copied) : 0;
    const stale = sites.some((site) => this.#sides[site].trouble !== undefined);
    const sinceLevelMs = this.#ports.now().getTime() - this.#levelAt.getTime();
    return {
      records,
      seconds: records === 0 && !stale ? 0 : Math.max(0, sinceLevelMs / 1000),
      basis: stale ? 'stale' : 'measured',
      asOf: primary.lookedAt.toISOString(),
    };
  }
}

function endOf({ state }: FollowedLog): bigint {
  return state.kind === 'read' || state.kind === 'reading' ? state.sight.end : 0n;
}

function aheadOf(primary: FollowedLog, standby: FollowedLog): ComparisonView['differences']['first'][number] {
  return {
    kind: 'extra',
    label: `the end of ${schemasTopic}`,
    explanation:
      `the copy ends at ${standby.readTo}, the log of the primary at ${primary.readTo}: ` +
      `somebody wrote to the copy, or the primary lost records`,
    primaryOffset: primary.readTo.toString(),
    standbyOffset: standby.readTo.toString(),
    primaryId: undefined,
    standbyId: undefined,
  };
}
