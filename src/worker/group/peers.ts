import type { Secret } from '../../kafka/secret.ts';
import { type WorkerReport, workerReportSchema } from '../copying/worker-report.ts';
import type { FaultNotice } from './fault-notice.ts';

/** Somebody else's answer may be as long as a worker's part of 100,000 partitions. */
const answerBytesMax = 64 * 1024 * 1024;
const timeoutMs = 3_000;

/** The other workers of the site, over their API. All have the same token. */
export class Peers {
  readonly #token: Secret | undefined;

  constructor(token: Secret | undefined) {
    this.#token = token;
  }

  /** Throws when it does not answer in time, or something else does. */
  async report(url: string, signal: AbortSignal): Promise<WorkerReport> {
    const answer = await this.#ask(new URL('/v1/worker', url), { method: 'GET' }, signal);
    return workerReportSchema.parse(JSON.parse(await bodyOf(answer)));
  }

  /** Resolves when the controller has taken it up. */
  async notify(url: string, notice: FaultNotice, signal: AbortSignal): Promise<void> {
    const request = { method: 'POST', body: JSON.stringify(notice) } as const;
    await this.#ask(new URL('/v1/worker/faults', url), request, signal);
  }

  async #ask(
    url: URL,
    request: { readonly method: 'GET' | 'POST'; readonly body?: string },
    signal: AbortSignal,
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token.reveal()}`;
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await fetch(url, { ...request, headers, signal: until, redirect: 'error' });
    if (answer.ok) return answer;
    await answer.body?.cancel();
    throw new Error(`${url.origin} answers ${answer.status}`);
  }
}

async function bodyOf(answer: Response): Promise<string> {
  const announced = Number(answer.headers.get('content-length') ?? 0);
  if (announced > answerBytesMax) throw new Error(`an answer of ${announced} bytes`);
  return answer.text();
}
