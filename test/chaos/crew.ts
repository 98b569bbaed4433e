import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '../../src/api/client.ts';
import { type ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { startLocalWorker, workerPaths } from '../../src/local/local-worker.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { type PassingRequest, type RequestFate } from '../fixtures/fault-proxy.ts';
import { type ProxiedCluster, startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const produceKey = 0;
const fetchKey = 1;
const writeTxnMarkersKey = 27;
const appendKeys: readonly number[] = [produceKey, writeTxnMarkersKey];
/** In a request's header: behind api key, version and correlation id. Umbra sends flexible versions of Produce only. */
const clientIdAt = 2 + 2 + 4;
const emptyTagsBytes = 1;
const boundMs = 90_000;

/** A request of the worker to be cut, the next of its kind. */
export interface Cut {
  readonly api: 'fetch' | 'produce' | 'markers';
  readonly where: 'request' | 'answer';
  readonly share: number;
}

/** One worker process of site b. */
export interface CrewMember {
  readonly name: string;
  /** Requests that append to copies (Produce, WriteTxnMarkers) and have reached its target brokers' side of the network. */
  readonly appends: number;
  /** The api key of the newest of them. */
  readonly newestAppend: number | undefined;
  /** Of these, the ones that were passed on to a broker and have no answer yet. */
  readonly appendsUnderWay: number;
  /** Records it has copied, as it says itself; 0 while it does not answer. */
  copied(): Promise<number>;
  /** It says that another worker took over. */
  fenced(): Promise<boolean>;
  /** What is wrong with its copies, as it says itself. */
  faults(): Promise<readonly string[]>;
  /** Every partition of these topics is level with its source, or faulted for good. */
  settled(names: readonly string[]): Promise<boolean>;
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>;
  /**
   * kill -9 in the moment in which its next append goes to a broker. Resolves when it is gone, to the number of appends
   * that were under way.
   */
  killInAppend(): Promise<number>;
  freeze(): void;
  thaw(): void;
  /** Resolves when the connection was cut. */
  cut(cut: Cut): Promise<void>;
  log(): Promise<string>;
}

/** Worker processes of site b, each with a way of its own to both clusters. None knows of the others. */
export class Crew {
  readonly #clusters: Readonly<Record<'a' | 'b', ClusterConfigInput>>;
  readonly #members: Member[] = [];
  readonly #root = testFolder('crew');
  #current: CrewMember | undefined;

  constructor(clusters: Readonly<Record<'a' | 'b', ClusterConfigInput>>) {
    this.#clusters = clusters;
  }

  /** The one that was hired last. */
  get current(): CrewMember {
    if (this.#current === undefined) throw new Error('nobody was hired');
    return this.#current;
  }

  get hired(): number {
    return this.#members.length;
  }

  /** Starts a worker, which takes the link over from whoever has it. Resolves when its API answers. */
  async hire(): Promise<CrewMember> {
    const name = `worker-${this.#members.length + 1}`;
    const [source, target] = [await startProxiedCluster(this.#clusters.a), await startProxiedCluster(this.#clusters.b)];
    const home = join(this.#root, name);
    const spec = {
      ...{ home, pair: 'test', site: 'b' as const },
      clusters: { a: source.connection, b: target.connection },
      tuning: { discoveryIntervalMs: 300, foreignWriteCheckMs: 500 },
    };
    const { apiUrl } = await startLocalWorker(spec, { signal: AbortSignal.timeout(boundMs) });
    const { pid } = JSON.parse(await readFile(workerPaths(home).pidFile, 'utf8')) as { pid: number };
    const member = new Member({ name, home, pid, source, target, api: createApiClient({ url: apiUrl }) });
    this.#members.push(member);
    this.#current = member;
    return member;
  }

  /** Defines the link. To be called once, when the first worker is there. */
  async link(): Promise<void> {
    const { api } = this.#members[0] ?? {};
    const signal = AbortSignal.timeout(boundMs);
    await api?.putPrefixPolicy(testOwners, signal);
    await api?.putSchemaPrimary({ site: 'a' }, signal);
    await api?.putLink({ from: 'a', to: 'b' }, signal);
  }

  /** Name and log of everybody. */
  async logs(): Promise<ReadonlyMap<string, string>> {
    return new Map(await Promise.all(this.#members.map(async (each) => [each.name, await each.log()] as const)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
  }
}

interface MemberParts {
  readonly name: string;
  readonly home: string;
  readonly pid: number;
  readonly api: ApiClient;
  readonly source: ProxiedCluster;
  readonly target: ProxiedCluster;
}

class Member implements CrewMember {
  readonly #parts: MemberParts;
  #appends = 0;
  #newestAppend: number | undefined;
  #cut: Cut | undefined;
  #onAppend: (() => void) | undefined;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    const onRequest = (request: PassingRequest): RequestFate => this.#onRequest(request);
    parts.source.set({ onRequest });
    parts.target.set({ onRequest });
  }

  get name(): string {
    return this.#parts.name;
  }

  get api(): ApiClient {
    return this.#parts.api;
  }

  get appends(): number {
    return this.#appends;
  }

  get newestAppend(): number | undefined {
    return this.#newestAppend;
  }

  get appendsUnderWay(): number {
    return appendKeys.reduce((sum, key) => sum + this.#parts.target.unanswered(key), 0);
  }

  async copied(): Promise<number> {
    const topics = await this.api.topics(AbortSignal.timeout(2_000)).catch(() => []);
    return topics.reduce((sum, { copied }) => sum + copied.records, 0);
  }

  async fenced(): Promise<boolean> {
    const { ready, reason } = await this.api.ready(AbortSignal.timeout(2_000));
    return !ready && reason.includes('and this one has stopped');
  }

  async faults(): Promise<readonly string[]> {
    // What it found it has told the one that leads; it speaks for nobody any more.
    if (await this.fenced()) return [];
    const topics = await this.api.topics(AbortSignal.timeout(2_000));
    const details = await Promise.all(topics.map(({ name }) => this.api.topic(name, AbortSignal.timeout(2_000))));
    return details.flatMap(({ name, fault, partitionViews }) => [
      ...(fault === undefined ? [] : [`${name}: ${fault.code}: ${fault.message}`]),
      ...partitionViews.flatMap((view) =>
        view.fault === undefined ? [] : [`${name}/${view.partition}: ${view.fault.code}: ${view.fault.message}`],
      ),
    ]);
  }

  async settled(names: readonly string[]): Promise<boolean> {
    const views = await Promise.all(names.map((name) => this.api.topic(name, AbortSignal.timeout(2_000))));
    return views.every(
      ({ partitionViews }) =>
        partitionViews.length > 0 && partitionViews.every(({ state }) => state === 'waiting' || state === 'faulted'),
    );
  }

  async kill(): Promise<void> {
    if (alive(this.#parts.pid)) process.kill(this.#parts.pid, 'SIGKILL');
    await eventually(`${this.name} is gone`, () => !alive(this.#parts.pid) || undefined);
    await Promise.all([this.#parts.source.close(), this.#parts.target.close()]);
  }

  async killInAppend(): Promise<number> {
    let underWay: number | undefined;
    this.#onAppend = (): void => {
      this.#onAppend = undefined;
      process.kill(this.#parts.pid, 'SIGKILL');
      underWay = this.appendsUnderWay + 1;
    };
    const seen = await eventually(`${this.name} appends`, () => underWay, boundMs);
    await this.kill();
    return seen;
  }

  freeze(): void {
    process.kill(this.#parts.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#parts.pid, 'SIGCONT');
  }

  async cut(wanted: Cut): Promise<void> {
    const { source, target } = this.#parts;
    const before = source.cuts + target.cuts;
    this.#cut = wanted;
    await eventually(`a cut of ${wanted.api}`, () => source.cuts + target.cuts > before || undefined, boundMs);
  }

  log(): Promise<string> {
    return readFile(workerPaths(this.#parts.home).logFile, 'utf8');
  }

  #onRequest(request: PassingRequest): RequestFate {
    const { apiKey, body } = request;
    if (appendsToCopies(request)) {
      this.#appends += 1;
      this.#newestAppend = apiKey;
      this.#onAppend?.();
    }
    if (this.#cut === undefined || apiKey !== keyOf(this.#cut.api)) return { kind: 'pass' };
    const { where, share } = this.#cut;
    this.#cut = undefined;
    return where === 'request'
      ? { kind: 'cut', afterBytes: Math.floor(body.length * share) }
      : { kind: 'cut-answer', share };
  }
}

/** To `_umbra` it is written in transactions, which the broker fences: whoever comes late there is refused by it. */
function appendsToCopies({ apiKey, body }: PassingRequest): boolean {
  if (!appendKeys.includes(apiKey)) return false;
  if (apiKey !== produceKey) return true;
  const clientIdBytes = body.readInt16BE(clientIdAt);
  const transactionalIdAt = clientIdAt + 2 + Math.max(0, clientIdBytes) + emptyTagsBytes;
  // A compact string that is null.
  return body.readUInt8(transactionalIdAt) === 0;
}

function keyOf(api: Cut['api']): number {
  switch (api) {
    case 'fetch':
      return fetchKey;
    case 'produce':
      return produceKey;
    case 'markers':
      return writeTxnMarkersKey;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
