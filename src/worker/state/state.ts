import type { z } from 'zod';
import type { Cluster } from '../../kafka/cluster.ts';
import { roleRecordSchema, type RoleView } from '../../pair/ownership.ts';
import { linkId, type LinkSpec, linkSpecSchema } from '../../pair/spec.ts';
import {
  compilePolicy,
  type DeclaredPolicy,
  declaredPolicySchema,
  type PrefixPolicy,
} from '../../prefix-policy/declared-policy.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import { type AclMemory, aclPageSchema } from '../../sync/acls/acl-memory.ts';
import { type GroupRecord, groupRecordSchema } from '../../sync/groups/group-record.ts';
import { type ConfigMemory, configRecordSchema } from '../../sync/topics/config-record.ts';
import { type SchemaPrimary, schemaPrimarySchema } from '../../schema-primary/schema-primary.ts';
import { type JournalMemory, journalPrefix } from '../events/event-journal.ts';
import { type RebuildRecord, rebuildRecordSchema } from '../rebuild/rebuild-record.ts';
import { type DeletionRecord, deletionRecordSchema, deletionsToForget } from './deletion-record.ts';
import { DrillMemory } from './drill-memory.ts';
import { levelPrefix, OperationMemory, type StateEntries } from './operation-memory.ts';
import { ParsedEntries } from './parsed-entries.ts';
import { pauseKey, type PauseRecord, pauseRecordSchema, type PauseSubject } from './pause-record.ts';
import { type ProducerIdRecord, producerIdRecordSchema } from './producer-id-record.ts';
import { type ShadowRecord, shadowRecordSchema } from './shadow-record.ts';
import { StateLog } from './state-log.ts';
import type { StateRecord, StateWriter } from './state-writer.ts';
import { type WorkerRecord, workerRecordSchema } from './worker-record.ts';

const keys = { policy: 'spec/prefix-policy', schemaPrimary: 'spec/schema-primary' } as const;
const linkPrefix = 'spec/link/';
const shadowPrefix = 'shadow/';
const rolePrefix = 'role/';
const rebuildPrefix = 'rebuild/';
const workerPrefix = 'worker/';
const groupPrefix = 'group/';
const configPrefix = 'config/';
const aclPrefix = 'acl/';
const deletionPrefix = 'deletion/';
const pausePrefix = 'pause/';
const producerIdsPrefix = 'producer-ids/';

export type { LastingFault, ShadowRecord } from './shadow-record.ts';

export interface StoredPolicy extends PrefixPolicy {
  /** As it was declared. */
  readonly declared: DeclaredPolicy;
}

/** The records whose keys begin alike; `write` takes keys without that, and writes all or none. */
export interface StateSection<T extends object> {
  all(): readonly T[];
  write(entries: readonly (readonly [key: string, value: T | undefined])[], signal: AbortSignal): Promise<void>;
}

interface Pending {
  readonly records: readonly StateRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const writeTimeoutMs = 30_000;

/**
 * One site's `_umbra`: the spec's sections, one record per copy, one per topic whose role moved, one per copy that was
 * rebuilt, one per worker that may be copying; what the syncs of a link remember of groups, configs and ACLs. The only
 * state umbra keeps; offsets of records are not in it, they are read from the logs themselves.
 */
export class SiteState {
  readonly #log: StateLog;
  readonly #writer: StateWriter | undefined;
  /** Asked for while a transaction is being written: they go into the next one together. */
  #waiting: Pending[] = [];
  #writing = false;
  #parsedRoles: { readonly at: bigint; readonly view: RoleView } | undefined;
  #policy: StoredPolicy | undefined;
  readonly #parsed: ParsedEntries;

  /** Without a writer it can only be read. */
  constructor(cluster: Cluster, writer?: StateWriter) {
    this.#log = new StateLog(cluster, stateTopic);
    this.#parsed = new ParsedEntries(this.#log.entries);
    this.#writer = writer;
  }

  /** Who has read up to this offset knows everything that is known here. */
  get end(): bigint {
    return this.#log.position;
  }

  /** Reads on until everything below `end` has been read. */
  async catchUpTo(end: bigint, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 0; this.#log.position < end; attempt++) {
      if (attempt > 0) await pause.wait(signal, retryDelays.after(attempt));
      signal.throwIfAborted();
      await this.#log.catchUp(signal);
    }
  }

  /** Lives of workers that may hold partitions. */
  workers(): readonly WorkerRecord[] {
    return this.#parsed.all(workerPrefix, workerRecordSchema);
  }

  /** All or none. */
  putWorkers(
    { added, gone }: { readonly added: readonly WorkerRecord[]; readonly gone: readonly string[] },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#writeAll(
      [
        ...added.map((record) => [workerPrefix + record.incarnation, record] as const),
        ...gone.map((incarnation) => [workerPrefix + incarnation, undefined] as const),
      ],
      signal,
    );
  }

  catchUp(signal: AbortSignal): Promise<void> {
    return this.#log.catchUp(signal);
  }

  /** The same object until the record is replaced. */
  get prefixPolicy(): StoredPolicy | undefined {
    const declared = this.#parsed.read(keys.policy, declaredPolicySchema);
    if (declared === undefined) return undefined;
    if (this.#policy?.declared !== declared) this.#policy = { ...compilePolicy(declared), declared };
    return this.#policy;
  }

  get schemaPrimary(): SchemaPrimary | undefined {
    return this.#parsed.read(keys.schemaPrimary, schemaPrimarySchema);
  }

  links(): readonly LinkSpec[] {
    return this.#parsed.all(linkPrefix, linkSpecSchema);
  }

  shadows(): readonly ShadowRecord[] {
    return this.#parsed.all(shadowPrefix, shadowRecordSchema);
  }

  shadow(topic: string): ShadowRecord | undefined {
    return this.#parsed.read(shadowPrefix + topic, shadowRecordSchema);
  }

  shadowTopics(): readonly string[] {
    return this.#topicsOf(shadowPrefix);
  }

  /** The same object until something is written: it is asked for each topic at each look. */
  roles(): RoleView {
    if (this.#parsedRoles?.at === this.#log.position) return this.#parsedRoles.view;
    const records = this.#parsed.all(rolePrefix, roleRecordSchema);
    const view: RoleView = { kind: 'read', records: new Map(records.map((record) => [record.topic, record])) };
    this.#parsedRoles = { at: this.#log.position, view };
    return view;
  }

  putPrefixPolicy(policy: DeclaredPolicy, signal: AbortSignal): Promise<void> {
    return this.#write(keys.policy, policy, signal);
  }

  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void> {
    return this.#write(keys.schemaPrimary, primary, signal);
  }

  putLink(link: LinkSpec, signal: AbortSignal): Promise<void> {
    return this.#write(linkPrefix + linkId(link), link, signal);
  }

  removeLink(id: string, signal: AbortSignal): Promise<void> {
    return this.#write(linkPrefix + id, undefined, signal);
  }

  putShadow(record: ShadowRecord, signal: AbortSignal): Promise<void> {
    return this.#write(shadowPrefix + record.topic, record, signal);
  }

  removeShadow(topic: string, signal: AbortSignal): Promise<void> {
    return this.#write(shadowPrefix + topic, undefined, signal);
  }

  readonly configs: ConfigMemory = {
    topics: () => this.#topicsOf(configPrefix),
    get: (topic) => this.#parsed.read(configPrefix + topic, configRecordSchema),
    put: (records, signal) =>
      this.#writeAll(
        records.map((record) => [configPrefix + record.topic, record] as const),
        signal,
      ),
    remove: (topics, signal) =>
      this.#writeAll(
        topics.map((topic) => [configPrefix + topic, undefined] as const),
        signal,
      ),
  };

  /** Of the ACLs that were made for one link (by its id), or for the site's applications. A page that holds nothing any more is removed. */
  acls(owner: string): AclMemory {
    const prefix = `${aclPrefix}${owner}/`;
    return {
      pages: () => this.#parsed.all(prefix, aclPageSchema),
      putPage: (page, signal) => {
        const empty = page.owned.length + page.withheld.length === 0;
        return this.#write(prefix + String(page.page), empty ? undefined : page, signal);
      },
    };
  }

  /** Records of one kind, where a file of its own knows what they are (`fence-memory.ts`). */
  section<T extends object>(prefix: string, schema: z.ZodType<T>): StateSection<T> {
    return {
      all: () => this.#parsed.all(prefix, schema),
      write: (entries, signal) =>
        this.#writeAll(
          entries.map(([key, value]) => [prefix + key, value] as const),
          signal,
        ),
    };
  }

  /** Copies that were deleted with their source topics; of those that are over the newest. */
  deletions(): readonly DeletionRecord[] {
    return this.#parsed.all(deletionPrefix, deletionRecordSchema);
  }

  putDeletion(record: DeletionRecord, signal: AbortSignal): Promise<void> {
    return this.#write(deletionPrefix + record.topic, record, signal);
  }

  removeDeletion(topic: string, signal: AbortSignal): Promise<void> {
    return this.#write(deletionPrefix + topic, undefined, signal);
  }

  /** The copy is gone: what is known of it goes with it, in one transaction. */
  endDeletion(record: DeletionRecord, signal: AbortSignal): Promise<void> {
    const others = this.deletions().filter(({ topic }) => topic !== record.topic);
    return this.#writeAll(
      [
        ...[shadowPrefix, levelPrefix].map((prefix) => [prefix + record.topic, undefined] as const),
        [deletionPrefix + record.topic, record],
        ...deletionsToForget([...others, record]).map((topic) => [deletionPrefix + topic, undefined] as const),
      ],
      signal,
    );
  }

  readonly #entries: StateEntries = {
    all: (prefix, schema) => this.#parsed.all(prefix, schema),
    read: (key, schema) => this.#parsed.read(key, schema),
    write: (entries, signal) => this.#writeAll(entries, signal),
  };
  /** Of moving roles. */
  readonly moves = new OperationMemory(this.#entries);
  readonly drills = new DrillMemory(this.#entries);

  readonly journal: JournalMemory = {
    entries: () => new Map([...this.#log.entries].filter(([key]) => key.startsWith(journalPrefix))),
    write: (entries, signal) => this.#writeAll([...entries], signal),
  };

  groups(): ReadonlyMap<string, GroupRecord> {
    return new Map(this.#parsed.all(groupPrefix, groupRecordSchema).map((record) => [record.group, record]));
  }

  putGroups(records: readonly GroupRecord[], signal: AbortSignal): Promise<void> {
    return this.#writeAll(
      records.map((record) => [groupPrefix + record.group, record] as const),
      signal,
    );
  }

  removeGroups(groups: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#writeAll(
      groups.map((group) => [groupPrefix + group, undefined] as const),
      signal,
    );
  }

  pauses(): readonly PauseRecord[] {
    return this.#parsed.all(pausePrefix, pauseRecordSchema);
  }

  /** Of exactly this: of a topic, or of a whole link. */
  pause(subject: PauseSubject): PauseRecord | undefined {
    return this.#parsed.read(pauseKey(subject), pauseRecordSchema);
  }

  putPause(record: PauseRecord, signal: AbortSignal): Promise<void> {
    return this.#write(pauseKey(record), record, signal);
  }

  removePause(subject: PauseSubject, signal: AbortSignal): Promise<void> {
    return this.#write(pauseKey(subject), undefined, signal);
  }

  producerIds(link: string): ProducerIdRecord | undefined {
    return this.#parsed.read(producerIdsPrefix + link, producerIdRecordSchema);
  }

  putProducerIds(record: ProducerIdRecord, signal: AbortSignal): Promise<void> {
    return this.#write(producerIdsPrefix + record.link, record, signal);
  }

  /** The newest rebuild of each copy, finished or not. */
  rebuilds(): readonly RebuildRecord[] {
    return this.#parsed.all(rebuildPrefix, rebuildRecordSchema);
  }

  rebuild(topic: string): RebuildRecord | undefined {
    return this.#parsed.read(rebuildPrefix + topic, rebuildRecordSchema);
  }

  putRebuild(record: RebuildRecord, signal: AbortSignal): Promise<void> {
    return this.#write(rebuildPrefix + record.topic, record, signal);
  }

  #write(key: string, value: object | undefined, signal: AbortSignal): Promise<void> {
    return this.#writeAll([[key, value]], signal);
  }

  #writeAll(entries: readonly (readonly [string, object | undefined])[], signal: AbortSignal): Promise<void> {
    const records = entries.map(([key, value]) => ({
      key,
      value: value === undefined ? undefined : JSON.stringify(value),
    }));
    if (records.length === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    signal.throwIfAborted();
    this.#waiting.push({ records, resolve: () => resolve(undefined), reject });
    if (!this.#writing) void this.#writeWaiting();
    return promise;
  }

  /** One transaction after the other, each with all that was asked for until then. Never rejects. */
  async #writeWaiting(): Promise<void> {
    this.#writing = true;
    for (let batch = this.#waiting; batch.length > 0; batch = this.#waiting) {
      this.#waiting = [];
      const records = batch.flatMap((pending) => pending.records);
      try {
        if (this.#writer === undefined) throw new Error(`${stateTopic} was opened to be read`);
        // Once begun, a transaction is ended: whoever wants it no more only stops waiting for it.
        this.#log.written(records, await this.#writer.write(records, AbortSignal.timeout(writeTimeoutMs)));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }

  #topicsOf(prefix: string): readonly string[] {
    return [...this.#log.entries.keys()].flatMap((key) => (key.startsWith(prefix) ? key.slice(prefix.length) : []));
  }
}
