import net, { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { floorAnswerBytes } from './floor-shape.ts';

/** The two ends between which the floor moves bytes: one gives as many as it is asked for, one throws away. */
const answer = Buffer.alloc(floorAnswerBytes, 'x');

const source = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (asks: Buffer) => {
    for (let ask = 0; ask < asks.length; ask++) socket.write(answer);
  });
});
const sink = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('readable', () => {
    while (socket.read() !== null);
  });
});

for (const server of [source, sink]) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
// Bound to a port, so the address is not a path.
const ports = [source, sink].map((server) => (server.address() as AddressInfo).port);
process.on('message', () => process.send?.({ ports }));
process.once('disconnect', () => process.exit(0));
