/**
 * Configs of topics, with where each value comes from: DescribeConfigs (32) version 4, IncrementalAlterConfigs (44)
 * version 1. Any broker takes these: KRaft brokers pass changes on to the controller, and answer from what they have
 * heard from it, so a look right after a change may show the time before it.
 *
 * Left out: synonyms beyond the value that stands below a topic's own, types, documentation, APPEND and SUBTRACT.
 */
import { createHash } from 'node:crypto';
import {
  ConfigResourceTypes,
  ConfigSources,
  describeConfigsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka';
import { boundedReader } from './bounded-reader.ts';
import type { Cluster } from './cluster.ts';
import type { LibrarySend } from './connection.ts';
import { errorName, judge, MalformedError, refusalText, withBrokerText } from './errors.ts';
import { call } from './library-api.ts';

/** One config of one topic, as a cluster shows it. */
export interface ConfigValue {
  /** Undefined when the broker keeps it to itself (`sensitive`). */
  readonly value: string | undefined;
  /** Set on the topic itself; otherwise it is what the cluster gives every topic. */
  readonly own: boolean;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  /** What would hold without the topic's own value. Only there when it was asked for. */
  readonly fallback?: string;
}

export type TopicConfigs = ReadonlyMap<string, ConfigValue>;

/** A request or a part of it that a broker refused. */
export interface ConfigRefusal {
  readonly code: number;
  /** One line: the code's name, the missing right or the broker's own words. */
  readonly message: string;
}

export interface DescribedTopics {
  readonly configs: ReadonlyMap<string, TopicConfigs>;
  /** Topics that the broker does not know (any more), or whose configs we may not see. */
  readonly refused: ReadonlyMap<string, ConfigRefusal>;
}

/** Connections of their own: a large answer must not hold up other calls, and one whose request was withheld closes. */
const purpose = 'configs';
/** The most topics that one request asks for: about 600 kB of answer, decoded in one go. */
export const describeTopicsMax = 250;
/** The most topics of one {@link alterConfigs}: the controller decides on all of them before it answers. */
export const alterTopicsMax = 100;

/**
 * The configs of the topics, effective values with their sources. With `fallbacks` also what each would be without the
 * topic's own value (asks for synonyms: the answer is twice as long). Throws ConnectionError and MalformedError only.
 */
export async function describeConfigs(
  cluster: Cluster,
  topics: readonly string[],
  { fallbacks = false }: { readonly fallbacks?: boolean } = {},
): Promise<DescribedTopics> {
  const described: DescribedTopics[] = [];
  for (let start = 0; start < topics.length; start += describeTopicsMax) {
    const chunk = topics.slice(start, start + describeTopicsMax);
    described.push(await decode(await ask(cluster, chunk, fallbacks), chunk));
  }
  return {
    configs: new Map(described.flatMap(({ configs }) => [...configs])),
    refused: new Map(described.flatMap(({ refused }) => [...refused])),
  };
}

interface Remembered {
  readonly topics: string;
  readonly digest: string;
  readonly described: DescribedTopics;
}

/**
 * Looks at the same topics again and again. An answer that is the same as the last one, byte by byte, is not decoded: the
 * same objects are handed out again, so that who looks at them sees by their identity that nothing has changed.
 */
export class ConfigReader {
  readonly #cluster: Cluster;
  #last: readonly Remembered[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** As {@link describeConfigs}, for at most {@link describeTopicsMax} topics: the `part`-th part of all. */
  async read(part: number, topics: readonly string[]): Promise<DescribedTopics> {
    const body = await ask(this.#cluster, topics, false);
    const names = topics.join();
    // The answer begins with the throttle time, which says nothing of the configs.
    const digest = createHash('sha256').update(body.subarray(4)).digest('base64');
    const last = this.#last[part];
    if (last?.topics === names && last.digest === digest) return last.described;
    const described = await decode(body, topics);
    this.#last = this.#last.with(part, { topics: names, digest, described });
    return described;
  }

  /** How many parts there are now; what was remembered of more is forgotten. To be told before the first is read. */
  expect(parts: number): void {
    const none: Remembered = { topics: '', digest: '', described: { configs: new Map(), refused: new Map() } };
    this.#last = Array.from({ length: parts }, (_, index) => this.#last[index] ?? none);
  }
}

/** The body of the answer. */
async function ask(cluster: Cluster, topics: readonly string[], synonyms: boolean): Promise<Buffer> {
  const broker = await cluster.any(purpose);
  const { key, version } = broker.negotiate(describeConfigsV4.api);
  const resources = topics.map((name) => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: name,
    configurationKeys: null,
  }));
  const body = [describeConfigsV4.createRequest(resources, synonyms, false).buffer];
  // Without a pool the frame is ordinary memory, and need not be released.
  const frame = await broker.connection.request({ apiKey: key, apiVersion: version, body, flexible: true });
  return frame.bytes.subarray(frame.bodyStart);
}

async function decode(body: Buffer, topics: readonly string[]): Promise<DescribedTopics> {
  const configs = new Map<string, TopicConfigs>();
  const refused = new Map<string, ConfigRefusal>();
  const answered = { send: answerOf(body) };
  const { results } = await call(answered, describeConfigsV4.api, [], false, false);
  for (const { resourceName, errorCode, errorMessage, configs: entries } of results) {
    if (errorCode === 0) configs.set(resourceName, new Map(entries.map((entry) => [entry.name, valueOf(entry)])));
    else refused.set(resourceName, refusal(errorCode, errorMessage, 'DESCRIBE_CONFIGS'));
  }
  const missing = topics.find((name) => !configs.has(name) && !refused.has(name));
  if (missing !== undefined) throw new MalformedError(`DescribeConfigs without a result for ${missing}`);
  return { configs, refused };
}

/** A connection that has the answer already, for the library's codec to read. */
function answerOf(body: Buffer): LibrarySend {
  return (key, version, _payload, parse, _flexible, _flexibleAnswer, callback) => {
    try {
      callback(null, parse(0, key, version, boundedReader(body)));
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

interface Entry {
  readonly value: string | null | undefined;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly { readonly value: string | null | undefined; readonly source: number }[];
}

function valueOf({ value, readOnly, configSource, isSensitive, synonyms }: Entry): ConfigValue {
  const below = synonyms.find(({ source }) => source !== ConfigSources.DYNAMIC_TOPIC_CONFIG)?.value;
  return {
    value: value ?? undefined,
    own: configSource === ConfigSources.DYNAMIC_TOPIC_CONFIG,
    readOnly,
    sensitive: isSensitive,
    ...(below === undefined || below === null ? {} : { fallback: below }),
  };
}

export interface ConfigChange {
  readonly name: string;
  /** Undefined takes the topic's own value away. */
  readonly to: string | undefined;
}

export interface TopicChanges {
  readonly topic: string;
  readonly changes: readonly ConfigChange[];
}

/**
 * Changes the named configs of each topic and no others, in one request: at most {@link alterTopicsMax} topics, each once.
 * A topic's changes are taken or refused as a whole; the topics are independent. Answers what was refused; everything
 * else is done. `maySend` is asked when the bytes are about to go out; when it says no, NotSentError is thrown and nothing
 * was sent. Throws ConnectionError also when whether it was done is unknown: the same changes may be sent again.
 */
export async function alterConfigs(
  cluster: Cluster,
  topics: readonly TopicChanges[],
  maySend: () => boolean,
): Promise<ReadonlyMap<string, ConfigRefusal>> {
  const broker = await cluster.any(purpose);
  const api = broker.negotiate(incrementalAlterConfigsV1.api);
  const answer = await call(broker.connection.withOptions({ maySend }), api, topics.map(resourceOf), false);
  const answered = new Set(answer.responses.map(({ resourceName }) => resourceName));
  const missing = topics.find(({ topic }) => !answered.has(topic));
  if (missing !== undefined) throw new MalformedError(`IncrementalAlterConfigs without a result for ${missing.topic}`);
  return new Map(
    answer.responses
      .filter(({ errorCode }) => errorCode !== 0)
      .map(({ resourceName, errorCode, errorMessage }) => [
        resourceName,
        refusal(errorCode, errorMessage, 'ALTER_CONFIGS'),
      ]),
  );
}

type AlterResources = Parameters<typeof incrementalAlterConfigsV1.api.async>[1];

function resourceOf({ topic, changes }: TopicChanges): AlterResources[number] {
  return {
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: topic,
    configs: changes.map(({ name, to }) =>
      to === undefined
        ? { name, configOperation: IncrementalAlterConfigOperationTypes.DELETE }
        : { name, configOperation: IncrementalAlterConfigOperationTypes.SET, value: to },
    ),
  };
}

function refusal(code: number, brokerText: string | null | undefined, right: string): ConfigRefusal {
  const what = judge(code) === 'denied' ? refusalText(code, right) : errorName(code);
  return { code, message: withBrokerText(what, brokerText) };
}
