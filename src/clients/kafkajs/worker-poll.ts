import { type Primary, parsePrimary } from './primary.ts';

/** A hundred thousand brokers are less. */
const answerCharsMax = 16 * 1024 * 1024;

export interface WorkerPollPorts {
  /** Of one worker, with the question. */
  readonly url: URL;
  readonly token: string | undefined;
  readonly pollMs: number;
  /** Time for one answer. */
  readonly answerMs: number;
  /** What it answered; undefined for a worker that names no primary. */
  readonly onAnswer: (primary: Primary | undefined) => void;
  /** It gave none. */
  readonly onTrouble: (error: Error) => void;
}

/** Asks one worker again and again, until `signal` fires. Never rejects. Does not keep the process alive by its pauses. */
export async function pollWorker(ports: WorkerPollPorts, signal: AbortSignal): Promise<void> {
  while (!over(signal)) {
    try {
      ports.onAnswer(await ask(ports, signal));
    } catch (error) {
      if (over(signal)) return;
      ports.onTrouble(new Error(`the worker at ${ports.url.origin} does not say who is primary: ${why(error)}`));
    }
    await pause(ports.pollMs, signal);
  }
}

async function ask({ url, token, answerMs }: WorkerPollPorts, signal: AbortSignal): Promise<Primary | undefined> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`status ${answer.status}: ${text.slice(0, 300)}`);
  if (text.length > answerCharsMax) throw new Error(`an answer of ${text.length} characters`);
  return parsePrimary(JSON.parse(text));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    timer.unref();
    signal.addEventListener('abort', finish);
  });
}

/** The state now: the compiler takes `signal.aborted` for unchanged across an await. */
function over(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** fetch says "fetch failed", and why in its cause. */
function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
