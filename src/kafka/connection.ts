import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { Reader, Writer } from '@platformatic/kafka';
import { boundedReader } from './bounded-reader.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { ConnectionError, KafkaError, MalformedError, NotSentError } from './errors.ts';
import { FrameReceiver } from './frame-receiver.ts';
import type { Frame, FramePool } from './frame-pool.ts';
import { tlsFailure, tlsFilesUnusable } from './tls-failure.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  /** Longest wait for an answer; then the connection is destroyed, for its answers come in order. */
  readonly requestTimeoutMs: number;
  /** Largest answer taken; a larger size is taken for bytes that are not Kafka's. */
  readonly frameBytesMax: number;
}

export const defaultLimits: ConnectionLimits = {
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 40_000,
  frameBytesMax: 128 * 1024 * 1024,
};

export interface RequestFrame {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** The body after the request header, in pieces that are written without being joined. */
  readonly body: readonly Buffer[];
  /** Header v2 (with tagged fields) for the request, v1 for the answer: true for every flexible version. */
  readonly flexible: boolean;
  /** Memory of the answer; without a pool it is fresh and collected like any other. */
  readonly pool?: FramePool;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  /**
   * Asked at the last moment before the bytes go out, which may be long after the call: while credentials are renewed
   * nothing is sent, and a process may be stopped at any time. When it says no, nothing of the request has left, and the
   * connection is closed.
   */
  readonly maySend?: () => boolean;
}

/** How the codecs of @platformatic/kafka hand a request to a connection. */
export type LibrarySend = <T>(
  apiKey: number,
  apiVersion: number,
  createPayload: () => Writer,
  parse: (correlationId: number, apiKey: number, apiVersion: number, reader: Reader) => T,
  flexibleRequest: boolean,
  flexibleResponse: boolean,
  callback: (error: Error | null, response?: T) => void,
) => void;

interface Pending {
  readonly request: { readonly apiKey: number; readonly pool?: FramePool };
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * One TCP or TLS connection to one broker: frames out by gathering writes, frames in placed in their final memory,
 * answers matched by correlation id in any number of requests in flight. It knows nothing of what the frames say.
 * SASL is done by `authenticate` (sasl.ts) before the connection is handed out.
 *
 * Errors: {@link ConnectionError} when it fails, closes or times out, always after the socket is closed, so that the
 * memory of a request may be used again.
 */
export class BrokerConnection {
  readonly host: string;
  readonly port: number;
  readonly #socket: net.Socket;
  readonly #clientId: string;
  readonly #limits: ConnectionLimits;
  readonly #receiver: FrameReceiver;
  readonly #pending = new Map<number, Pending>();
  #correlationId = 0;
  #gate: Promise<void> | undefined;
  #failure: Error | undefined;
  #closed = false;
  readonly #closedPromise: Promise<void>;

  private constructor(
    address: { host: string; port: number },
    clientId: string,
    limits: ConnectionLimits,
    security: ClusterConfig['tls'],
  ) {
    this.host = address.host;
    this.port = address.port;
    this.#clientId = clientId;
    this.#limits = limits;
    this.#receiver = new FrameReceiver(limits.frameBytesMax, {
      allocate: (id, length) => this.#allocate(id, length),
      deliver: (id, frame) => this.#deliver(id, frame),
    });
    const onread: net.OnReadOpts = {
      buffer: () => this.#receiver.target(),
      callback: (count) => this.#onBytes(count),
    };
    this.#socket =
      security === undefined
        ? net.connect({ ...address, onread, noDelay: true })
        : connectTls(address, security, onread);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => (this.#failure ??= error));
    this.#closedPromise = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#onClose();
        resolve();
      });
    });
  }

  /** Connects (TCP and TLS, no SASL yet). */
  static async open(
    address: { readonly host: string; readonly port: number },
    options: { readonly clientId: string; readonly tls: ClusterConfig['tls']; readonly limits: ConnectionLimits },
    signal: AbortSignal,
  ): Promise<BrokerConnection> {
    const name = `${address.host}:${address.port}`;
    if (signal.aborted) throw new ConnectionError(`connecting to ${name} was given up`);
    let connection: BrokerConnection;
    try {
      connection = new BrokerConnection(address, options.clientId, options.limits, options.tls);
    } catch (error) {
      // A port that is none: brokers advertise their addresses, and may say anything.
      if (error instanceof RangeError) throw connectFailure(name, error);
      throw tlsFilesUnusable(name, error);
    }
    const socket = connection.#socket;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => finish(new ConnectionError(`no connection to ${name} within ${options.limits.connectTimeoutMs} ms`)),
          options.limits.connectTimeoutMs,
        );
        const finish = (error?: Error): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error);
        };
        const onAbort = (): void => finish(new ConnectionError(`connecting to ${name} was given up`));
        signal.addEventListener('abort', onAbort, { once: true });
        socket.once(options.tls === undefined ? 'connect' : 'secureConnect', () => finish());
        socket.once('error', (error) => finish(connectFailure(name, error)));
      });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return connection;
  }

  get closed(): boolean {
    return this.#closed || this.#socket.destroyed;
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * Sends one request and waits for its answer. The frame's `bytes` begin after the answer's header.
   * The pieces of `body` must stay as they are until the promise settles.
   */
  async request(frame: RequestFrame, options: RequestOptions = {}): Promise<Frame & { readonly bodyStart: number }> {
    while (this.#gate !== undefined) await this.#gate;
    return this.#exchange(frame, options);
  }

  /**
   * The `send` of @platformatic/kafka's connections, so that its versioned APIs run over this one.
   * Only the library's own codecs call it (see `call` in library-api.ts).
   */
  readonly send: LibrarySend = this.#sender({});

  /** The same with bounds of its own: {@link RequestOptions.maySend} and the time an answer may take. */
  withOptions(options: RequestOptions): { readonly send: LibrarySend } {
    return { send: this.#sender(options) };
  }

  /**
   * Holds back new requests, runs `work` (re-authentication), opens again. Requests in flight need not be waited for:
   * a broker reads what comes after them only when it has answered them.
   */
  async exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#gate !== undefined) await this.#gate;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#gate = promise.then(() => undefined);
    try {
      await work();
    } finally {
      this.#gate = undefined;
      resolve(undefined);
    }
  }

  /** Closes at once; requests in flight reject. Resolves when the socket is closed. */
  async close(reason?: Error): Promise<void> {
    this.#failure ??= reason;
    this.#socket.destroy();
    await this.#closedPromise;
  }

  /** Runs when the connection has closed, whoever closed it. */
  onClosed(listener: () => void): void {
    void this.#closedPromise.then(listener);
  }

  #sender(options: RequestOptions): LibrarySend {
    return (apiKey, apiVersion, createPayload, parse, flexibleRequest, flexibleResponse, callback) => {
      const run = async (): Promise<ReturnType<typeof parse>> => {
        const request = { apiKey, apiVersion, body: [createPayload().buffer], flexible: flexibleRequest };
        // ApiVersions answers with header v0 whatever its version (KIP-511); SASL bytes must pass a closed gate.
        const frame = await (this.#gate === undefined || isSasl(apiKey)
          ? this.#exchange(request, options)
          : this.request(request, options));
        const start = flexibleResponse ? skipTaggedFields(frame.bytes) : 4;
        return parse(0, apiKey, apiVersion, boundedReader(frame.bytes.subarray(start)));
      };
      run().then(
        (response) => callback(null, response),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
      );
    };
  }

  #exchange(request: RequestFrame, options: RequestOptions): Promise<Frame & { readonly bodyStart: number }> {
    const { timeoutMs = this.#limits.requestTimeoutMs, maySend } = options;
    return new Promise<Frame>((resolve, reject) => {
      if (this.closed) {
        reject(this.#closedError());
        return;
      }
      const tooLate = (): NotSentError =>
        new NotSentError(`a request to ${this.host}:${this.port} was not sent: it had become too late`);
      if (maySend?.() === false) {
        reject(tooLate());
        return;
      }
      this.#correlationId = (this.#correlationId + 1) & 0x7fff_ffff;
      const id = this.#correlationId;
      const timer = setTimeout(() => {
        void this.close(new ConnectionError(`no answer from ${this.host}:${this.port} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { request, resolve, reject, timer });
      this.#write(request, id);
      // Asked again as late as can be, with everything corked: a process that was stopped in between has sent nothing.
      // What stands in the socket cannot be taken back, so it goes with it.
      if (maySend?.() === false) {
        this.#pending.delete(id);
        clearTimeout(timer);
        reject(tooLate());
        this.#socket.destroy();
        return;
      }
      this.#socket.uncork();
    }).then((frame) => {
      try {
        return Object.assign(frame, { bodyStart: request.flexible ? skipTaggedFields(frame.bytes) : 4 });
      } catch (error) {
        frame.release();
        throw error;
      }
    });
  }

  /** Leaves the socket corked. */
  #write(request: RequestFrame, correlationId: number): void {
    const bodyBytes = request.body.reduce((sum, part) => sum + part.length, 0);
    const writer = new WireWriter(64);
    const headerBytes = 2 + 2 + 4 + 2 + Buffer.byteLength(this.#clientId) + (request.flexible ? 1 : 0);
    writer
      .int32(headerBytes + bodyBytes)
      .int16(request.apiKey)
      .int16(request.apiVersion)
      .int32(correlationId);
    writer.legacyString(this.#clientId);
    if (request.flexible) writer.noTaggedFields();
    this.#socket.cork();
    for (const part of writer.parts()) this.#socket.write(part);
    for (const part of request.body) this.#socket.write(part);
  }

  #onBytes(count: number): boolean {
    try {
      this.#receiver.received(count);
    } catch (error) {
      this.#failure ??= error as Error; // only MalformedError is thrown there
      this.#socket.destroy();
      return false;
    }
    return true;
  }

  #allocate(correlationId: number, length: number): Frame {
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) throw new MalformedError(`an answer to no request (correlation id ${correlationId})`);
    return pending.request.pool?.acquire(length) ?? freshFrame(length);
  }

  #deliver(correlationId: number, frame: Frame): void {
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) {
      frame.release();
      return;
    }
    this.#pending.delete(correlationId);
    clearTimeout(pending.timer);
    pending.resolve(frame);
  }

  #onClose(): void {
    this.#closed = true;
    this.#receiver.abandon();
    const error = this.#closedError();
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(error);
    }
    this.#pending.clear();
  }

  #closedError(): Error {
    const cause = this.#failure;
    if (cause instanceof ConnectionError || cause instanceof MalformedError || cause instanceof KafkaError)
      return cause;
    const name = `${this.host}:${this.port}`;
    const why = cause === undefined ? 'closed by the broker' : cause.message;
    return (
      (cause === undefined ? undefined : tlsFailure(name, cause)) ??
      new ConnectionError(`connection to ${name} ended: ${why}`, { cause })
    );
  }
}

/** Answer header v1 is the correlation id and tagged fields (none are defined so far). */
function skipTaggedFields(bytes: Buffer): number {
  const reader = new WireReader(bytes, 4);
  reader.taggedFields();
  return reader.position;
}

function isSasl(apiKey: number): boolean {
  return apiKey === 17 || apiKey === 36 || apiKey === 18;
}

function freshFrame(length: number): Frame {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, heldBytes: length, retain: () => undefined, release: () => undefined };
}

function connectTls(
  address: { host: string; port: number },
  security: NonNullable<ClusterConfig['tls']>,
  onread: net.OnReadOpts,
): net.Socket {
  const read = (file: string | undefined): Buffer | undefined => (file === undefined ? undefined : readFileSync(file));
  const serverName = security.serverName ?? (net.isIP(address.host) === 0 ? address.host : undefined);
  // `onread` is honoured by tls.connect (clients.md part 6) but missing in its declared options.
  const options: tls.ConnectionOptions & { onread: net.OnReadOpts } = {
    ...address,
    onread,
    ...(security.caFile === undefined ? {} : { ca: read(security.caFile) }),
    ...(security.certFile === undefined ? {} : { cert: read(security.certFile) }),
    ...(security.keyFile === undefined ? {} : { key: read(security.keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(security.serverName === undefined
      ? {}
      : { checkServerIdentity: (_host, cert) => tls.checkServerIdentity(security.serverName ?? '', cert) }),
  };
  return tls.connect(options);
}

function connectFailure(name: string, error: Error & { code?: string }): ConnectionError {
  const tlsError = tlsFailure(name, error);
  if (tlsError !== undefined) return tlsError;
  const connectError = (message: string): ConnectionError => new ConnectionError(message, { cause: error });
  if (error.code === 'ECONNREFUSED') return connectError(`${name} refuses connections: no broker listens there`);
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return connectError(`the host name in ${name} is not known`);
  return connectError(`no connection to ${name}: ${error.message}`);
}
