import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import type { Primary } from '../../src/clients/kafkajs/primary.ts';
import { SiteSockets } from '../../src/clients/kafkajs/site-sockets.ts';
import { makeCertificates } from '../fixtures/certificates.ts';

test('connections are TLS where kafkajs has it so: the broker is verified, and a move ends them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-tls-'));
  const { caFile, strangerCaFile, brokerFile } = await makeCertificates(folder);
  const pem = await readFile(brokerFile);
  const server = tls.createServer({ key: pem, cert: pem }, (socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const places = { bootstrapServers: [`127.0.0.1:${port}`], brokers: [{ host: '127.0.0.1', port }] };
    const nowhere = { bootstrapServers: ['127.0.0.1:1'], brokers: [] };
    const primary: Primary = { site: 'a', term: 0, proven: true, places, standby: nowhere };
    const sockets = new SiteSockets();
    sockets.follow(primary);
    const open = (ca: Buffer): { readonly connected: Promise<unknown>; readonly ended: Promise<Error> } => {
      const { promise: connected, resolve } = Promise.withResolvers<undefined>();
      const socket = sockets.open({ host: '127.0.0.1', port, ssl: { ca }, onConnect: () => resolve(undefined) });
      return { connected, ended: new Promise((end) => socket.once('error', end)) };
    };
    const refused = await open(await readFile(strangerCaFile)).ended;
    expect(refused.message).toMatch(/certificate/);
    const live = open(await readFile(caFile));
    await live.connected;
    sockets.follow({ ...primary, site: 'b', term: 1, places: nowhere, standby: places });
    expect(await live.ended).toMatchObject({ code: 'ECONNRESET' });
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
