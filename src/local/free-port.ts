import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { LocalProblem } from './local-problems.ts';

/**
 * Ports are taken from a range below the ephemeral ones of Linux (32768…) and macOS (49152…): no outgoing connection
 * can sit on a broker's port while the broker restarts.
 */
const portMin = 20_000;
const portMax = 32_000;
const triesMax = 200;

/** Handed out by this process and perhaps not bound yet: two clusters starting together must not share one. */
const handedOut = new Set<number>();

/** Whether nothing listens on the port of 127.0.0.1 at this moment. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * As many different free ports as asked for. Free now: another program may take one before it is bound, which the
 * starter then reports as PORT_TAKEN.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === triesMax) {
      throw new LocalProblem(
        'PORT_TAKEN',
        `No free port found between ${portMin} and ${portMax} in ${triesMax} tries.`,
      );
    }
    const port = randomInt(portMin, portMax);
    if (handedOut.has(port) || !(await isPortFree(port))) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}
