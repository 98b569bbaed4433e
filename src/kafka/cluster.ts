import { metadataV12, saslHandshakeV1 } from '@platformatic/kafka';
import { type Address, parseAddress } from './address.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { BrokerConnection, type ConnectionLimits, defaultLimits } from './connection.ts';
import { ConnectionError, KafkaError, MalformedError, verdictOf } from './errors.ts';
import { call } from './library-api.ts';
import { type Credentials, refuseMissingSasl, SaslAuthentication } from './sasl.ts';
import { apiVersions } from './versions-api.ts';

export interface PartitionMetadata {
  readonly partition: number;
  /** Absent while the partition has no leader. */
  readonly leader: number | undefined;
  readonly leaderEpoch: number;
  readonly replicas: number;
  readonly inSync: number;
}

export interface TopicMetadata {
  readonly name: string;
  /** 32 hex digits. */
  readonly topicId: string;
  readonly internal: boolean;
  /** In order of partition number. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly clusterId: string | undefined;
  readonly controller: number;
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

/** Metadata is asked often and answered from memory: a broker that takes longer hangs. */
const metadataTimeoutMs = 15_000;

type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>;

/** A connection with what its broker can do. */
export interface Broker {
  readonly connection: BrokerConnection;
  /** The highest version of an API that both sides know, of the candidates given. Throws if there is none. */
  negotiate<Api extends { readonly key: number; readonly version: number }>(...candidates: readonly Api[]): Api;
  supports(apiKey: number, version: number): boolean;
}

/**
 * One Kafka cluster as seen from here: its brokers' addresses and one connection per (broker, purpose), opened when
 * first asked for and opened anew after it closed. Purposes keep long polls, appends and admin calls out of each
 * other's way: a broker answers the requests of one connection in order.
 *
 * Does not retry: callers judge by `verdictOf` (errors.ts).
 */
export class Cluster {
  readonly name: string;
  readonly config: ClusterConfig;
  readonly #clientId: string;
  readonly #limits: ConnectionLimits;
  readonly #sasl: SaslAuthentication | undefined;
  readonly #open = new Map<string, Promise<Broker>>();
  readonly #brokers = new Map<number, Address>();
  /** host:port of brokers whose last connection failed or broke: asked after the others. */
  readonly #doubtful = new Set<string>();
  readonly #closing = new AbortController();
  #turn = 0;

  /** `name` is what messages call it ("site a"). */
  constructor(
    name: string,
    config: ClusterConfig,
    options: { readonly clientId: string; readonly limits?: ConnectionLimits },
  ) {
    this.name = name;
    this.config = config;
    this.#clientId = options.clientId;
    this.#limits = options.limits ?? defaultLimits;
    this.#sasl = config.sasl && new SaslAuthentication(config.sasl);
  }

  /** A connection to broker `nodeId` for `purpose`. The broker must be known from {@link metadata}. */
  async broker(nodeId: number, purpose: string): Promise<Broker> {
    const address = this.#brokers.get(nodeId);
    if (address === undefined) throw new ConnectionError(`${this.name} knows no broker ${nodeId}`);
    return this.#connect(`${nodeId}/${purpose}`, address);
  }

  /** A connection to whichever broker answers: known ones first, then the bootstrap servers, doubtful ones last. */
  async any(purpose = 'control'): Promise<Broker> {
    const known = [...this.#brokers].map(([id, address]) => ({ key: `${id}/${purpose}`, address }));
    const seeds = this.config.bootstrapServers.map((server) => ({
      key: `${server}/${purpose}`,
      address: parseAddress(server),
    }));
    let last: unknown;
    const doubtful = ({ address }: { readonly address: Address }): number =>
      Number(this.#doubtful.has(`${address.host}:${address.port}`));
    const inOrder = [...known, ...seeds].toSorted((left, right) => doubtful(left) - doubtful(right));
    for (const { key, address } of inOrder) {
      try {
        return await this.#connect(key, address);
      } catch (error) {
        if (error instanceof ConnectionError && error.verdict === 'denied') throw error;
        last = error;
      }
    }
    const why = last instanceof Error ? last.message : String(last);
    throw new ConnectionError(`no broker of ${this.name} answers: ${why}`, { cause: last });
  }

  /** Like {@link any}, but another one each time, as long as there are others that are not in doubt. */
  async anotherEachTime(purpose = 'control'): Promise<Broker> {
    const sound = [...this.#brokers].filter(([, { host, port }]) => !this.#doubtful.has(`${host}:${port}`));
    this.#turn += 1;
    const chosen = sound[this.#turn % Math.max(1, sound.length)];
    if (chosen === undefined) return this.any(purpose);
    const [id, address] = chosen;
    return this.#connect(`${id}/${purpose}`, address).catch(() => this.any(purpose));
  }

  /**
   * Metadata of the named topics, or of all that the principal may describe. Unknown topics are left out. A named topic
   * that is refused, since the principal may not describe it, throws {@link KafkaError} 29; with `onRefused` it is told
   * there and left out.
   */
  async metadata(
    topics: readonly string[] | 'all',
    onRefused?: (topic: string, error: KafkaError) => void,
  ): Promise<ClusterMetadata> {
    const { connection } = await this.any('metadata');
    const names = topics === 'all' ? null : [...topics];
    const answer = await bounded(connection, Math.min(metadataTimeoutMs, this.#limits.requestTimeoutMs), () =>
      call(connection, metadataV12.api, names, false, false),
    );
    this.#brokers.clear();
    for (const broker of answer.brokers) this.#brokers.set(broker.nodeId, { host: broker.host, port: broker.port });
    const found = new Map<string, TopicMetadata>();
    for (const topic of answer.topics) {
      if (topic.name === null || topic.name === undefined || topic.errorCode === 3) continue;
      if (topic.errorCode !== 0 && topic.errorCode !== 5) {
        const context = `metadata of topic ${topic.name} at ${this.name}`;
        const error = new KafkaError(topic.errorCode, context, { right: 'DESCRIBE' });
        if (onRefused === undefined) throw error;
        onRefused(topic.name, error);
        continue;
      }
      const partitions = topic.partitions
        .map((partition) => ({
          partition: partition.partitionIndex,
          leader: partition.leaderId < 0 ? undefined : partition.leaderId,
          leaderEpoch: partition.leaderEpoch,
          replicas: partition.replicaNodes.length,
          inSync: partition.isrNodes.length,
        }))
        .toSorted((left, right) => left.partition - right.partition);
      found.set(topic.name, {
        name: topic.name,
        topicId: topic.topicId.replaceAll('-', ''),
        internal: topic.isInternal,
        partitions,
      });
    }
    return {
      clusterId: answer.clusterId ?? undefined,
      controller: answer.controllerId,
      brokers: answer.brokers.length,
      topics: found,
    };
  }

  /** The brokers of the last {@link metadata}. */
  nodeIds(): readonly number[] {
    return [...this.#brokers.keys()];
  }

  /** What the broker advertises, as of the last {@link metadata}. */
  addressOf(nodeId: number): Address | undefined {
    return this.#brokers.get(nodeId);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(async (broker) => (await broker).connection.close()));
  }

  async #connect(key: string, address: Address): Promise<Broker> {
    const existing = this.#open.get(key);
    if (existing !== undefined) {
      const broker = await existing;
      if (!broker.connection.closed) return broker;
      if (this.#open.get(key) === existing) this.#open.delete(key);
      return this.#connect(key, address);
    }
    const opening = this.#openBroker(address);
    this.#open.set(key, opening);
    const name = `${address.host}:${address.port}`;
    const gone = (): void => {
      this.#doubtful.add(name);
      if (this.#open.get(key) === opening) this.#open.delete(key);
    };
    try {
      const broker = await opening;
      this.#doubtful.delete(name);
      broker.connection.onClosed(gone);
      return broker;
    } catch (error) {
      gone();
      throw error;
    }
  }

  /** Versions, then SASL. */
  async #greet(connection: BrokerConnection, credentials: Credentials | undefined): Promise<Versions> {
    const versions = await askVersions(connection);
    const { key, version } = saslHandshakeV1.api;
    if (credentials !== undefined) await this.#sasl?.authenticate(connection, credentials);
    else if (inRange(versions, key, version)) await refuseMissingSasl(connection);
    return versions;
  }

  /** Credentials may be long in coming, and must not hold up the close either. */
  async #unlessClosed<T>(work: Promise<T>): Promise<T> {
    const { promise: closed, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new ConnectionError(`connecting to ${this.name} was given up`));
    const { signal } = this.#closing;
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await Promise.race([work, closed]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #openBroker(address: Address): Promise<Broker> {
    const credentials = this.#sasl && (await this.#unlessClosed(this.#sasl.credentials()));
    const connection = await BrokerConnection.open(
      address,
      { clientId: this.#clientId, tls: this.config.tls, limits: this.#limits },
      this.#closing.signal,
    );
    // A broker that says nothing must not hold up the close for the time of a request.
    const giveUp = (): void => void connection.close(new ConnectionError(`connecting to ${this.name} was given up`));
    this.#closing.signal.addEventListener('abort', giveUp, { once: true });
    if (this.#closing.signal.aborted) giveUp();
    try {
      const versions = await bounded(connection, this.#limits.connectTimeoutMs, () =>
        this.#greet(connection, credentials),
      );
      return {
        connection,
        negotiate: (...candidates) => pick(versions, candidates, `${address.host}:${address.port}`),
        supports: (apiKey, version) => inRange(versions, apiKey, version),
      };
    } catch (error) {
      await connection.close();
      throw error;
    } finally {
      this.#closing.signal.removeEventListener('abort', giveUp);
    }
  }
}

/** Closes the connection when `work` takes longer: a broker that hangs accepts connections and says nothing. */
export async function bounded<T>(connection: BrokerConnection, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const { host, port } = connection;
  const timer = setTimeout(() => {
    void connection.close(new ConnectionError(`no answer from ${host}:${port} within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

async function askVersions(connection: BrokerConnection): Promise<Versions> {
  try {
    const answer = await call(connection, apiVersions, 'umbra', '0.1.0');
    if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, 'ApiVersions');
    return new Map(answer.apiKeys.map((api) => [api.apiKey, { min: api.minVersion, max: api.maxVersion }]));
  } catch (error) {
    if (verdictOf(error) === 'denied' || !(error instanceof ConnectionError || error instanceof MalformedError))
      throw error;
    throw new ConnectionError(
      `${connection.host}:${connection.port} accepts connections but does not speak Kafka with these settings (TLS or plain?): ${error.message}`,
      { cause: error },
    );
  }
}

function inRange(versions: Versions, key: number, version: number): boolean {
  const range = versions.get(key);
  return range !== undefined && version >= range.min && version <= range.max;
}

function pick<Api extends { readonly key: number; readonly version: number }>(
  versions: Versions,
  candidates: readonly Api[],
  where: string,
): Api {
  const usable = candidates
    .filter((api) => inRange(versions, api.key, api.version))
    .toSorted((left, right) => right.version - left.version)[0];
  if (usable !== undefined) return usable;
  const wanted = candidates.map((api) => `API ${api.key} version ${api.version}`).join(' or ');
  const range = versions.get(candidates[0]?.key ?? -1);
  const offered = range === undefined ? 'does not have that API' : `has versions ${range.min} to ${range.max}`;
  throw new ConnectionError(`${where} is too old or too new: umbra needs ${wanted}, the broker ${offered}`, {
    verdict: 'denied',
  });
}
