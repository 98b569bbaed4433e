import { Writer } from '@platformatic/kafka';
import type { Cluster } from '../../../src/kafka/cluster.ts';
import { WireReader } from '../../../src/kafka/wire-reader.ts';
import { answerTo, clusterOf, type Loopback, type LoopbackRequest, serveBroker } from '../../kafka/loopback.ts';
import { metadataAnswer } from '../../kafka/metadata-answer.ts';

const [metadata, describeConfigs, alterConfigs] = [3, 32, 44];
const [ownSource, defaultSource] = [1, 5];
const [unknownTopic, invalidConfig] = [3, 40];

/**
 * One broker that has topics with configs and nothing else, for orders of events that real brokers do not take by
 * request: what a broker really answers is tested in test/real/configs.test.ts.
 */
export interface ScriptedConfigs {
  readonly cluster: Cluster;
  /** Topic → its own values. */
  readonly topics: Map<string, { id: string; readonly own: Map<string, string> }>;
  /** Value → refused. */
  readonly refused: Set<string>;
  /** What happens to the next change: it is made and the answer is lost, or neither. Undefined: nothing special. */
  loseNext: 'request' | 'answer' | undefined;
  /** Changes that were asked for, refused or not. */
  readonly changes: { readonly topic: string; readonly name: string; readonly to: string | undefined }[];
  close(): Promise<void>;
}

/** @param defaults every name that the broker knows */
export async function scriptedConfigs(defaults: ReadonlyMap<string, string>): Promise<ScriptedConfigs> {
  const topics: ScriptedConfigs['topics'] = new Map();
  const refused = new Set<string>();
  const changes: ScriptedConfigs['changes'] = [];
  const answer = (request: LoopbackRequest): void => {
    const reader = new WireReader(request.body);
    switch (request.apiKey) {
      case metadata:
        request.socket.write(answerTo(request, metadataOf(reader)));
        return;
      case describeConfigs:
        request.socket.write(answerTo(request, describe(reader)));
        return;
      case alterConfigs: {
        const lost = scripted.loseNext;
        scripted.loseNext = undefined;
        const body = lost === 'request' ? undefined : alter(reader);
        if (body === undefined || lost === 'answer') request.socket.destroy();
        else request.socket.write(answerTo(request, body));
        return;
      }
      default:
        throw new Error(`no answer to API ${request.apiKey}`);
    }
  };
  const server: Loopback = await serveBroker(answer);
  const scripted: ScriptedConfigs = {
    ...{ cluster: clusterOf(server), topics, refused, changes, loseNext: undefined },
    async close() {
      await scripted.cluster.close();
      await server.close();
    },
  };
  return scripted;

  function metadataOf(reader: WireReader): Buffer {
    const names = reader.compactArray((each) => {
      each.uuid();
      const name = each.compactNullableString() ?? '';
      each.taggedFields();
      return name;
    });
    const { host, port } = server.address;
    const shown = names.flatMap((name) => {
      const topic = topics.get(name);
      return topic === undefined ? [] : [{ name, topicId: topic.id, partitions: [{ leader: 1 }] }];
    });
    return metadataAnswer([{ nodeId: 1, host, port }], shown);
  }

  function describe(reader: WireReader): Buffer {
    const names = reader.compactArray((resource) => {
      resource.int8();
      const name = resource.compactString();
      resource.compactArray((key) => key.compactString());
      resource.taggedFields();
      return name;
    });
    return Writer.create()
      .appendInt32(0)
      .appendArray(names, (writer, name) => {
        const topic = topics.get(name);
        writer.appendInt16(topic === undefined ? unknownTopic : 0).appendString(null);
        writer.appendInt8(2).appendString(name);
        writer.appendArray(topic === undefined ? [] : [...defaults], (entry, [config, fallback]) => {
          const own = topic?.own.get(config);
          entry
            .appendString(config)
            .appendString(own ?? fallback)
            .appendBoolean(false);
          entry.appendInt8(own === undefined ? defaultSource : ownSource).appendBoolean(false);
          entry
            .appendArray([], () => undefined)
            .appendInt8(2)
            .appendString(null);
        });
      })
      .appendTaggedFields().buffer;
  }

  function alter(reader: WireReader): Buffer {
    const resources = reader.compactArray((resource) => {
      resource.int8();
      const topic = resource.compactString();
      const wanted = resource.compactArray((config) => {
        const name = config.compactString();
        const remove = config.int8() === 1;
        const value = config.compactNullableString();
        config.taggedFields();
        return { topic, name, to: remove ? undefined : value };
      });
      resource.taggedFields();
      return { topic, wanted };
    });
    return Writer.create()
      .appendInt32(0)
      .appendArray(resources, (writer, { topic, wanted }) => {
        changes.push(...wanted);
        const own = topics.get(topic)?.own;
        const bad = wanted.some(({ to }) => to !== undefined && refused.has(to));
        const code = own === undefined ? unknownTopic : bad ? invalidConfig : 0;
        if (code === 0) {
          for (const { name, to } of wanted) {
            if (to === undefined) own?.delete(name);
            else own?.set(name, to);
          }
        }
        writer.appendInt16(code).appendString(null).appendInt8(2).appendString(topic);
      })
      .appendTaggedFields().buffer;
  }
}
