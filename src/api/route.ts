import { z } from 'zod';
import type { ProblemCode } from '../worker/problems.ts';
import type { WorkerService } from '../worker/service.ts';
import { parseInput } from './input.ts';
import type { StreamOrder } from './live-streams.ts';
import { wholeNumber } from './query-numbers.ts';

/** One request, not yet parsed. */
export interface ApiRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** Of a stream that was cut: the newest event its reader has. */
  readonly lastEventId: unknown;
}

/** What a caller may do: a viewer reads everything and changes nothing. */
export type Role = 'viewer' | 'operator';

/** What a route answers when it goes well: 200 with JSON of this schema, with text or with a stream, or 204 with nothing. */
export type AnswerShape =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | { readonly kind: 'text'; readonly contentType: string }
  | { readonly kind: 'stream'; readonly contentType: string }
  | { readonly kind: 'empty' };

type Returned<Answer extends AnswerShape> = Answer extends { readonly kind: 'json'; readonly schema: infer Schema }
  ? z.output<Schema> | Promise<z.output<Schema>>
  : Answer extends { readonly kind: 'text' }
    ? string | Promise<string>
    : Answer extends { readonly kind: 'stream' }
      ? StreamOrder
      : Promise<void>;

/** An answer on its way out; `json` as it stands. */
export type ApiAnswer =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  | { readonly kind: 'stream'; readonly order: StreamOrder }
  | { readonly kind: 'empty' };

/** A request whose every part is as the route declares it. */
export interface TakenRequest {
  /** What it is about to change, in words; undefined when it only reads. */
  readonly change: string | undefined;
  /** `signal` fires when the caller has gone or the time for the answer is over. Rejects with a `Problem`. */
  readonly run: (service: WorkerService, signal: AbortSignal) => Promise<ApiAnswer>;
}

/** What requests are parsed by, who may ask, and what the OpenAPI document says of it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** In fastify's notation: `/v1/topics/:name`. */
  readonly path: string;
  /** One line. */
  readonly summary: string;
  /** `open`: answered without a token, for it says nothing about the pair's data. */
  readonly access: 'open' | Role;
  /** About this process. All others are about the site, and passed on to the worker that leads it. */
  readonly own: boolean;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Undefined: the request has none. */
  readonly body: z.ZodType | undefined;
  readonly answer: AnswerShape;
  /** Every code it may answer with. */
  readonly problems: readonly ProblemCode[];
  /** It changes something on somebody's behalf: there is an event of it. */
  readonly changes: boolean;
  /** Throws `INVALID_INPUT` that names every wrong field of the first wrong part. */
  readonly take: (request: ApiRequest) => TakenRequest;
}

interface Input<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly params: z.output<Params>;
  readonly query: z.output<Query>;
  readonly body: z.output<Body>;
  readonly lastEventId: number | undefined;
  readonly signal: AbortSignal;
}

interface Declaration<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends AnswerShape,
> extends Pick<Route, 'method' | 'path' | 'summary' | 'access'> {
  readonly own?: true;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer: Answer;
  /** What it changes, in words, for the event of it. */
  readonly change?: (input: Omit<Input<Params, Query, Body>, 'signal'>) => string;
  /** Beyond those that every route of its kind may answer with. */
  readonly problems?: readonly ProblemCode[];
  readonly run: (service: WorkerService, input: Input<Params, Query, Body>) => Returned<Answer>;
}

const eventId = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional();
const noFields = z.strictObject({});
const noBody = z.undefined({ error: 'this request takes none' });

/** A route from its declaration. What is left out takes no fields, and no body. */
export function route<
  Answer extends AnswerShape,
  Params extends z.ZodObject = typeof noFields,
  Query extends z.ZodObject = typeof noFields,
  Body extends z.ZodType = typeof noBody,
>(declaration: Declaration<Params, Query, Body, Answer>): Route {
  const { answer, run } = declaration;
  // What is left out is the default of its type parameter.
  const params = declaration.params ?? (noFields as unknown as Params);
  const query = declaration.query ?? (noFields as unknown as Query);
  const body = declaration.body ?? (noBody as unknown as Body);
  return {
    ...{ method: declaration.method, path: declaration.path, summary: declaration.summary },
    ...{ access: declaration.access, own: declaration.own ?? false },
    ...{ params, query, body: declaration.body, answer },
    problems: problemsOf(declaration),
    changes: declaration.change !== undefined,
    take: (request) => {
      const input = {
        query: parseInput(query, request.query, 'query'),
        params: parseInput(params, request.params, 'path'),
        body: parseInput(body, request.body ?? undefined, 'body'),
        lastEventId: answer.kind === 'stream' ? parseInput(eventId, request.lastEventId, 'Last-Event-ID') : undefined,
      };
      return {
        change: declaration.change?.(input),
        run: async (service, signal) => {
          const answered: unknown = run(service, { ...input, signal });
          return answerOf(answer, await answered);
        },
      };
    },
  };
}

function answerOf(shape: AnswerShape, value: unknown): ApiAnswer {
  switch (shape.kind) {
    case 'json':
      return { kind: 'json', value };
    case 'text':
      return { kind: 'text', contentType: shape.contentType, text: String(value) };
    case 'stream':
      return { kind: 'stream', order: value as StreamOrder }; // as `Returned` has it
    case 'empty':
      return { kind: 'empty' };
  }
}

function problemsOf({
  method,
  access,
  own,
  problems = [],
}: Pick<Route, 'method' | 'access'> & {
  readonly own?: true;
  readonly problems?: readonly ProblemCode[];
}): readonly ProblemCode[] {
  const codes: readonly ProblemCode[] = [
    'INVALID_INPUT',
    'FORBIDDEN_HOST',
    ...(access === 'open' ? [] : (['UNAUTHENTICATED'] as const)),
    ...(access === 'operator' ? (['FORBIDDEN'] as const) : []),
    ...(method === 'GET' ? [] : (['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const)),
    ...problems,
    'INTERNAL',
    ...(own === true ? [] : (['UNREACHABLE'] as const)),
    'NOT_READY',
  ];
  return [...new Set(codes)];
}
