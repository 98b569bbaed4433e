import { Writer } from '@platformatic/kafka';

/** One partition of a made-up Metadata answer; without a leader where `leader` is undefined. */
export interface AnsweredPartition {
  readonly leader: number | undefined;
  readonly leaderEpoch?: number;
  /** Replicas that are not in sync. */
  readonly lagging?: readonly number[];
}

export interface AnsweredTopic {
  readonly name: string;
  readonly topicId: string;
  readonly errorCode?: number;
  readonly partitions: readonly AnsweredPartition[];
}

export interface AnsweredBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** The body of a Metadata answer, version 12, written with the library's writer. */
export function metadataAnswer(brokers: readonly AnsweredBroker[], topics: readonly AnsweredTopic[] = []): Buffer {
  const noLeader = -1;
  return Writer.create()
    .appendInt32(0) // throttle time
    .appendArray([...brokers], (w, { nodeId, host, port }) => {
      w.appendInt32(nodeId).appendString(host).appendInt32(port).appendString(null);
    })
    .appendString('cluster-t')
    .appendInt32(brokers[0]?.nodeId ?? 0)
    .appendArray([...topics], (w, { name, topicId, errorCode, partitions }) => {
      w.appendInt16(errorCode ?? 0)
        .appendString(name)
        .appendUUID(topicId)
        .appendBoolean(false)
        .appendArray([...partitions], (each, { leader, leaderEpoch, lagging = [] }, index) => {
          const inSync = leader === undefined ? [] : [leader];
          each
            .appendInt16(leader === undefined ? 5 : 0)
            .appendInt32(index)
            .appendInt32(leader ?? noLeader)
            .appendInt32(leaderEpoch ?? 0);
          for (const list of [[...inSync, ...lagging], inSync, []]) {
            each.appendArray(list, (inner, id) => void inner.appendInt32(id), true, false);
          }
        })
        .appendInt32(-2_147_483_648); // authorized operations: not asked for
    })
    .appendTaggedFields().buffer;
}
