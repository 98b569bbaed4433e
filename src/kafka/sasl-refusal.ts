import { ResponseError } from '@platformatic/kafka';
import { z } from 'zod';
import type { RetryVerdict } from './errors.ts';

const charsMax = 200;
/** RFC 7628, 3.2.2. */
const statusSchema = z.object({ status: z.string() });
const answerSchema = z.object({ errorMessage: z.string() });

/**
 * In what words a broker refused a token: the error's text, or the status in the bytes that RFC 7628 has for it. One line of
 * printable ASCII of bounded length, as it comes from outside. Undefined when it gave none.
 */
export function refusalReason(refusal: unknown): string | undefined {
  const text = Buffer.isBuffer(refusal) ? statusOf(refusal) : messageOf(refusal);
  const shown = text?.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return shown === undefined || shown === '' ? undefined : shown.slice(0, charsMax);
}

/**
 * MSK takes so many IAM connections a second and refuses the others with the code of wrong credentials: only its words tell
 * them apart (MSK developer guide, "Troubleshoot").
 */
export function refusalVerdict(reason: string | undefined): RetryVerdict {
  return reason?.includes('Too many connects') === true ? 'later' : 'denied';
}

function statusOf(bytes: Buffer): string | undefined {
  try {
    return statusSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data?.status;
  } catch {
    return undefined;
  }
}

/** Brokers' refusals are wrapped in several layers of causes. */
function messageOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ResponseError) return answerSchema.safeParse(cause['response']).data?.errorMessage;
  }
  return undefined;
}
