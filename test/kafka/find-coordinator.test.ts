import { Writer } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { ConnectionError } from '../../src/kafka/errors.ts';
import { findCoordinator } from '../../src/kafka/find-coordinator.ts';
import { answerTo, clusterOf, listen, serveBroker } from './loopback.ts';
import { metadataAnswer } from './metadata-answer.ts';

const metadataKey = 3;
const noThrottle = 0;

test('a coordinator that is not where it was said to be is found where it is now by whoever asks again', async () => {
  const gone = await listen(() => undefined);
  await gone.close();
  let where = gone.address;
  const server = await serveBroker((request) => {
    const body =
      request.apiKey === metadataKey
        ? metadataAnswer([{ nodeId: 1, ...where }])
        : Writer.create()
            .appendInt32(noThrottle)
            .appendArray(['the-link'], (w, key) => {
              w.appendString(key).appendInt32(1).appendString(where.host).appendInt32(where.port);
              w.appendInt16(0).appendString('');
            })
            .appendTaggedFields().buffer;
    request.socket.write(answerTo(request, body));
  });
  const cluster = clusterOf(server);
  try {
    await cluster.metadata([]);
    where = server.address;
    const find = (): ReturnType<typeof findCoordinator> => findCoordinator(cluster, 'transaction', 'the-link', 'lease');
    await expect(find()).rejects.toBeInstanceOf(ConnectionError);
    expect((await find()).connection.port).toBe(server.address.port);
  } finally {
    await cluster.close();
    await server.close();
  }
});
