import net from 'node:net';
import tls from 'node:tls';
import { type Destination, keyOf, type Primary } from './primary.ts';

/** As kafkajs hands it to a socket factory; `ssl` is what stands in its configuration. */
export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl?: tls.ConnectionOptions | undefined;
  readonly onConnect: () => void;
}

const keepAliveMs = 60_000;
/** Addresses that are remembered because a client went there. */
const learntMax = 10_000;

/**
 * The sockets of a client, of which none may lead to a site that is not primary. kafkajs keeps addresses of brokers that
 * it knew before a move and goes on trying them, and it hears only errors: a socket that is closed without one leaves it
 * waiting for ever.
 */
export class SiteSockets {
  readonly #live = new Map<net.Socket, Destination>();
  /** Whose an address is that no worker has told of: of the site that was primary when a client first went there. */
  readonly #learnt = new Map<string, string>();
  #primary: Primary | undefined;

  get count(): number {
    return this.#live.size;
  }

  /** From now on only connections to this primary are made; the others end. */
  follow(primary: Primary): void {
    const before = this.#primary;
    this.#primary = primary;
    const moved = before !== undefined && before.site !== primary.site;
    for (const [socket, destination] of this.#live) {
      if (moved || !this.#leadsTo(destination, primary)) socket.destroy(movedAway(destination, primary));
    }
  }

  /** A socket for kafkajs; one that may not be opened ends with an error as soon as its listeners are there. */
  open(request: SocketRequest): net.Socket {
    const { host, port, ssl, onConnect } = request;
    const destination = { host, port };
    const primary = this.#primary;
    if (primary !== undefined && !this.#leadsTo(destination, primary))
      return new net.Socket().destroy(refused(destination, primary));
    const socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    this.#live.set(socket, destination);
    socket.once('close', () => this.#live.delete(socket));
    return socket;
  }

  /** Ends all of them. */
  end(): void {
    for (const [socket, { host, port }] of this.#live)
      socket.destroy(withCode(`the connection to ${host}:${port} was given up`, 'ECONNRESET'));
  }

  /** What the workers tell goes before what was learnt; an address of both sites is an alias, and belongs to the primary. */
  #leadsTo(destination: Destination, primary: Primary): boolean {
    const key = keyOf(destination);
    if (has(primary.places, key)) return true;
    if (has(primary.standby, key)) return false;
    const owner = this.#learnt.get(key);
    if (owner !== undefined) return owner === primary.site;
    if (this.#learnt.size < learntMax) this.#learnt.set(key, primary.site);
    return true;
  }
}

function has({ bootstrapServers, brokers }: Primary['places'], key: string): boolean {
  return bootstrapServers.some((server) => server.toLowerCase() === key) || brokers.some((each) => keyOf(each) === key);
}

function movedAway({ host, port }: Destination, { site, term }: Primary): Error {
  return withCode(`${host}:${port} is left: site ${site} is primary since term ${term}`, 'ECONNRESET');
}

/** By this code kafkajs looks for another broker, and tries again. */
function refused({ host, port }: Destination, { site, term }: Primary): Error {
  return withCode(`${host}:${port} is not of site ${site}, which is primary since term ${term}`, 'ECONNREFUSED');
}

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(`umbra: ${message}`), { code });
}
