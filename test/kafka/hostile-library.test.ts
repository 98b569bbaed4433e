import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Broker, Cluster } from '../../src/kafka/cluster.ts';
import type { BrokerConnection } from '../../src/kafka/connection.ts';
import { ConnectionError, KafkaError, MalformedError } from '../../src/kafka/errors.ts';
import { call } from '../../src/kafka/library-api.ts';
import { epochEnds, lastSequences, listOffsets } from '../../src/kafka/log-queries.ts';
import { apiVersions } from '../../src/kafka/versions-api.ts';
import { golden } from './golden-frames.ts';
import { anyBytes, damaged, truncations } from './hostile.ts';
import {
  clusterOf,
  connectTo,
  frame,
  type Loopback,
  type LoopbackRequest,
  serveBroker,
  serveFrames,
} from './loopback.ts';

/** Behind the correlation id: where the header of an answer is not hostile yet. */
const from = 4;
const target = { topic: 'target', partition: 0, leaderEpoch: 0, epoch: 0 };

const questions: Readonly<Record<string, { golden: string; ask: (broker: Broker) => Promise<unknown> }>> = {
  ApiVersions: { golden: 'api-versions', ask: () => call(bare, apiVersions, 'umbra', '0') },
  Metadata: { golden: 'metadata-some', ask: metadata },
  OffsetForLeaderEpoch: { golden: 'epoch-end-1', ask: (broker) => epochEnds(broker, [target]) },
  DescribeProducers: { golden: 'producers', ask: (broker) => lastSequences(broker, [target]) },
  ListOffsets: { golden: 'offsets-latest', ask: (broker) => listOffsets(broker, 'latest', [target]) },
};

/** By a cluster that knows no brokers yet: addresses that a hostile answer gives are not to be tried. */
async function metadata(): Promise<unknown> {
  const fresh = clusterOf(server);
  try {
    return await fresh.metadata('all');
  } finally {
    await fresh.close();
  }
}

let server: Loopback;
let bareServer: Loopback;
/** To a server that answers ApiVersions with hostile bytes, too. */
let bare: BrokerConnection;
let cluster: Cluster;
let broker: Broker;
let next: Buffer = Buffer.alloc(0);

beforeAll(async () => {
  const script = ({ correlationId, socket }: LoopbackRequest): unknown => socket.write(frame(correlationId, next));
  server = await serveBroker(script);
  bareServer = await serveFrames(script);
  bare = await connectTo(bareServer);
  cluster = clusterOf(server);
  broker = await cluster.any();
});

afterAll(async () => {
  await cluster.close();
  await bare.close();
  await Promise.all([server.close(), bareServer.close()]);
});

/** Asks, with `bytes` as the answer; anything but a value or an error of ours fails. */
async function outcome(ask: (broker: Broker) => Promise<unknown>, bytes: Buffer): Promise<string> {
  next = bytes.subarray(from);
  try {
    await ask(broker);
    return 'value';
  } catch (error) {
    if (error instanceof MalformedError) return 'malformed';
    if (error instanceof KafkaError || error instanceof ConnectionError) return 'refused';
    throw error;
  }
}

describe.each(Object.entries(questions))('a hostile answer to %s', (name, { golden: file, ask }) => {
  const whole = golden('4.3.1', file);

  it('is refused wherever it is cut', async () => {
    // Of ApiVersions we read a code and entries of 7 bytes (byte 6 counts them, plus one); of the others everything.
    const read = name === 'ApiVersions' ? 7 + 7 * (whole[6]! - 1) : whole.length;
    for (const beginning of truncations(whole.subarray(0, read), from)) {
      expect(await outcome(ask, beginning)).toBe('malformed');
    }
  });

  it('gives a value or is refused, whatever the bytes, in bounded time and memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: damaged(whole, from) }, anyBytes), async (bytes) => {
        await outcome(ask, bytes);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the library’s reader', () => {
  // Broker 1 is sound. The host of broker 2 is -15 bytes long, so that broker 3 would begin where broker 2 did.
  const sound = '00000001' + '0261' + '00000000' + '00' + '00';
  const circle = '00000000' + 'ffffffff07' + sound + '00000001' + 'f2ffffff0f' + '00'.repeat(20);

  it('is not led in circles by a negative length', async () => {
    const bytes = Buffer.from(`0000000000${circle}`, 'hex');
    expect(await outcome(questions['Metadata']!.ask, bytes)).toBe('malformed');
  });
});
