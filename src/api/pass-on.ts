import { Problem } from '../worker/problems.ts';
import type { Controller } from '../worker/service.ts';
import { problemContentType } from './problem-json.ts';

/**
 * For whom a worker asks. What was passed on once is not passed on again: while the lead changes two workers may each
 * point at the other.
 */
export const passedOnHeader = 'x-umbra-passed-on';
/** 10,000 topics are about 4 MiB. */
const answerBytesMax = 64 * 1024 * 1024;

export interface PassedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly body: unknown;
  /** Of the caller. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface PassedAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

/**
 * What the worker that leads the site answers; undefined when that is this one. Rejects with `NOT_READY` when no worker
 * leads, or the lead is moving, and with `UNREACHABLE` when the one that leads does not answer.
 */
export async function passOn(
  controller: Controller,
  request: PassedRequest,
  signal: AbortSignal,
): Promise<PassedAnswer | undefined> {
  return asked(controller, request, { signal, take: wholeAnswer });
}

/** The same for a stream, which goes on until `gone` fires. What is no stream is the answer: a refusal. */
export async function passOnStream(
  controller: Controller,
  request: PassedRequest,
  { answered, gone }: { readonly answered: AbortSignal; readonly gone: AbortSignal },
): Promise<PassedAnswer | AsyncIterable<Uint8Array> | undefined> {
  // Late is only who has not begun to answer.
  const late = new AbortController();
  const tooLate = (): void => late.abort(answered.reason);
  answered.addEventListener('abort', tooLate);
  try {
    const signal = AbortSignal.any([gone, late.signal]);
    return await asked<PassedAnswer | AsyncIterable<Uint8Array>>(controller, request, { signal, take: streamOrWhole });
  } finally {
    answered.removeEventListener('abort', tooLate);
  }
}

async function asked<T>(
  controller: Controller,
  request: PassedRequest,
  { signal, take }: { readonly signal: AbortSignal; readonly take: (answer: Response) => T | Promise<T> },
): Promise<T | undefined> {
  if (controller.kind === 'here') return undefined;
  if (controller.kind === 'unknown') throw new Problem('NOT_READY', controller.reason);
  if (request.headers[passedOnHeader] !== undefined)
    throw new Problem('NOT_READY', 'another worker is just taking over the lead of the site');
  const { url } = controller;
  // A target may name a host of its own: only its path and query are passed on.
  const { pathname, search } = new URL(request.target, url);
  try {
    const answer = await fetch(new URL(`${pathname}${search}`, url), {
      method: request.method,
      headers: headersOf(request),
      ...(request.body === undefined || request.body === null ? {} : { body: JSON.stringify(request.body) }),
      redirect: 'error',
      signal,
    });
    return await take(answer);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem('UNREACHABLE', `the worker that leads the site, ${url}, does not answer: ${why}`, {
      cause: error,
    });
  }
}

function streamOrWhole(answer: Response): AsyncIterable<Uint8Array> | Promise<PassedAnswer> {
  return answer.ok && answer.body !== null ? answer.body : wholeAnswer(answer);
}

async function wholeAnswer(answer: Response): Promise<PassedAnswer> {
  const body = await answer.text();
  if (body.length > answerBytesMax) throw new Error(`an answer of ${body.length} characters`);
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? undefined, body };
}

/** With the caller's own token: the worker that leads judges it anew, so nobody may do by another one what he may not. */
function headersOf({ body, address, headers }: PassedRequest): Record<string, string> {
  const { authorization, 'last-event-id': lastEventId } = headers;
  return {
    [passedOnHeader]: address,
    accept: `application/json, ${problemContentType}`,
    ...(body === undefined || body === null ? {} : { 'content-type': 'application/json' }),
    ...(typeof authorization === 'string' ? { authorization } : {}),
    ...(typeof lastEventId === 'string' ? { 'last-event-id': lastEventId } : {}),
  };
}
