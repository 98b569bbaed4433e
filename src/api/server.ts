import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HTTPMethods,
} from 'fastify';
import { isIP, type Socket } from 'node:net';
import { Problem, problems } from '../worker/problems.ts';
import type { WorkerService } from '../worker/service.ts';
import { type ApiToken, assertAccess, assertBindable, assertRole, type Caller, nameOf } from './access.ts';
import { problemBody, problemContentType, problemOf } from './problem-json.ts';
import { LiveStreams, type LiveStreamsOptions } from './live-streams.ts';
import { type PassedAnswer, passedOnHeader, passOn, passOnStream } from './pass-on.ts';
import { recorded } from './recorded-change.ts';
import type { ApiAnswer, Route } from './route.ts';
import { routes } from './routes.ts';

/** Every section of the spec fits many times over. */
const bodyBytesMax = 64 * 1024;
/** A topic name has 249 characters at most; escaped it may be three times as long. */
const pathParamCharsMax = 800;
/** Of a path and its query, in an event. */
const pathCharsMax = 1_000;
/** Time to receive a request, and time to answer it. */
const requestMs = 10_000;
const answerMs = 30_000;

/** Methods that a path is asked with in earnest; what the table lacks of these is answered with 405, not 404. */
const knownMethods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

export interface ApiOptions {
  readonly service: WorkerService;
  /** One of them is asked of every request but those of open routes. Without any `host` must be loopback. */
  readonly tokens?: readonly ApiToken[];
  /** Where the caller is going to listen. */
  readonly host: string;
  readonly logger: FastifyBaseLogger;
  readonly streams?: Pick<LiveStreamsOptions, 'pace'>;
}

/**
 * The worker's HTTP API, not yet listening: parse → service → render, and nothing else. Every error is
 * `application/problem+json`; what is not a `Problem` is logged in full and answered as `INTERNAL` without detail.
 * Throws `INVALID_INPUT` when `host` may not be bound without a token. The caller listens and closes.
 */
export function createApi(options: ApiOptions): FastifyInstance {
  const { tokens = [] } = options;
  assertBindable(options.host, tokens);
  const app = Fastify({
    loggerInstance: options.logger,
    // One line per scrape and poll would bury everything else; changes and errors are logged below.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMs,
    handlerTimeout: answerMs,
    routerOptions: { maxParamLength: pathParamCharsMax },
    // A request without Host is refused by our own rule, in our own words.
    http: { requireHostHeader: false },
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply);
    },
    clientErrorHandler: answerUnreadable,
  });
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    const access = accessOf(request);
    const { host, origin, authorization } = request.headers;
    const caller = assertAccess({ host, origin, authorization, access }, tokens);
    request.setDecorator<Caller>('caller', caller);
    assertRole(caller, access);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const { method, url: path, ip: address } = request;
      const caller = request.getDecorator<Caller | undefined>('caller');
      const who = caller === undefined ? undefined : nameOf(caller);
      request.log.info({ method, path, status: reply.statusCode, who, address }, 'spec request');
    }
    done();
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request) => {
    throw new Problem('NOT_FOUND', `there is no ${request.method} ${pathOf(request)}`);
  });
  const streams = new LiveStreams({ service: options.service, logger: options.logger, ...options.streams });
  app.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  for (const route of routes) register(app, { service: options.service, streams }, route);
  for (const path of new Set(routes.map((route) => route.path))) refuseOtherMethods(app, path);
  return app;
}

interface Parts {
  readonly service: WorkerService;
  readonly streams: LiveStreams;
}

function register(app: FastifyInstance, parts: Parts, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: hasHead(route),
    handler: async (request, reply) => {
      // Before it is passed on: what is wrong with a request any worker can say.
      const taken = route.take({ ...partsOf(request), lastEventId: request.headers['last-event-id'] });
      const signal = signalOf(reply);
      if (!route.own && (await passedOn(parts, route, { request, reply, signal }))) return reply;
      const run = (): Promise<ApiAnswer> => taken.run(parts.service, signal);
      const recording = taken.change === undefined ? undefined : intentOf(request, taken.change);
      return send(reply, await (recording === undefined ? run() : recorded(parts.service, recording, run)), parts);
    },
  });
}

/** Where the stream would begin and nobody would read it. */
function hasHead({ method, answer }: Route): boolean {
  return method === 'GET' && answer.kind !== 'stream';
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly signal: AbortSignal;
}

/** Whether another worker has answered, or begun to. Never the reply itself: it is awaited until it is sent. */
async function passedOn(
  { service, streams }: Parts,
  { answer }: Route,
  { request, reply, signal }: Exchange,
): Promise<boolean> {
  const controller = service.controller();
  if (answer.kind === 'stream') {
    if (controller.kind === 'elsewhere') streams.assertRoom();
    const gone = AbortSignal.any([goneSignal(reply), streams.stopped]);
    const passed = await passOnStream(controller, askedOf(request), { answered: signal, gone });
    if (passed !== undefined && !('status' in passed)) {
      streams.passOn(reply, passed);
      return true;
    }
    return sendPassed(reply, passed);
  }
  return sendPassed(reply, await passOn(controller, askedOf(request), signal));
}

function sendPassed(reply: FastifyReply, passed: PassedAnswer | undefined): boolean {
  if (passed === undefined) return false;
  if (passed.contentType !== undefined) void reply.type(passed.contentType);
  void reply.code(passed.status).send(passed.body);
  return true;
}

function partsOf({ params, query, body }: FastifyRequest): Pick<FastifyRequest, 'params' | 'query' | 'body'> {
  return { params, query, body };
}

function askedOf({ method, url, body, headers, ip }: FastifyRequest): Parameters<typeof passOn>[1] {
  return { method, target: url, body, headers, address: ip };
}

function intentOf(request: FastifyRequest, subject: string): Parameters<WorkerService['beginChange']>[0] {
  const { method, url, ip: address, headers } = request;
  const forwardedFor = headers[passedOnHeader];
  return {
    ...{
      who: nameOf(request.getDecorator<Caller>('caller')),
      address,
      method,
      path: url.slice(0, pathCharsMax),
      subject,
    },
    // Whatever else stands there was not written by a worker.
    ...(typeof forwardedFor === 'string' && isIP(forwardedFor) !== 0 ? { forwardedFor } : {}),
  };
}

function refuseOtherMethods(app: FastifyInstance, path: string): void {
  const there = routes.filter((route) => route.path === path);
  const taken = new Set<HTTPMethods>(there.map((route) => route.method));
  if (there.some(hasHead)) taken.add('HEAD');
  const allow = [...taken].join(', ');
  app.route({
    method: knownMethods.filter((method) => !taken.has(method)),
    url: path,
    exposeHeadRoute: false,
    // Before the body is read: its type and size do not matter any more.
    onRequest: (request, reply) => {
      void reply.header('allow', allow);
      throw new Problem('METHOD_NOT_ALLOWED', `${pathOf(request)} takes ${allow}, not ${request.method}`);
    },
    handler: () => {
      throw new Problem('METHOD_NOT_ALLOWED', `${path} takes ${allow}`);
    },
  });
}

/** The matched route decides, not the URL's spelling. HEAD asks for the same as GET, and what is no route for a token. */
function accessOf(request: FastifyRequest): Route['access'] {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.find((each) => each.path === request.routeOptions.url && each.method === method);
  return route?.access ?? 'viewer';
}

/**
 * Fires when the caller has gone or the answer is overdue. `request.signal` would not do: Node closes the request as
 * soon as its body is read, so it fires in the middle of every PUT.
 */
function signalOf(reply: FastifyReply): AbortSignal {
  return AbortSignal.any([goneSignal(reply), AbortSignal.timeout(answerMs)]);
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('the caller closed the connection'));
  });
  return gone.signal;
}

function send(reply: FastifyReply, answer: ApiAnswer, { streams }: Pick<Parts, 'streams'>): FastifyReply {
  if (answer.kind === 'stream') {
    streams.open(reply, answer.order);
    return reply;
  }
  if (answer.kind === 'empty') return reply.code(204).send();
  if (answer.kind === 'json') return reply.send(answer.value);
  return reply.type(answer.contentType).send(answer.text);
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(thrown);
  const { status } = problems[problem.code];
  if (problem.code === 'INTERNAL') {
    request.log.error({ err: thrown, method: request.method, path: pathOf(request) }, 'request failed');
  }
  if (problem.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .type(problemContentType)
    .send(JSON.stringify(problemBody(problem)));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

/** Bytes that never became a request: answered on the bare socket. */
function answerUnreadable(error: Error & { code: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const body = JSON.stringify(problemBody(new Problem('INVALID_INPUT', 'the request is not readable HTTP')));
    const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemContentType}\r\nConnection: close`;
    socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
  socket.destroySoon();
}
