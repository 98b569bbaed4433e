import type { Webhook } from './repoint-spec.ts';

/**
 * One POST of JSON. `key`: of what is told, the same each time. Resolves to why it failed, or undefined for an answer of 200 to 299. Redirects are not
 * followed: the headers may be meant for this host alone. What the answer says is not read, for it may repeat secrets.
 */
export async function callWebhook(
  { url, headers, timeoutMs }: Pick<Webhook, 'url' | 'headers' | 'timeoutMs'>,
  { key, body }: { readonly key: string; readonly body: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url.reveal(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': key,
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, late]),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answered with status ${answer.status}`;
  } catch (error) {
    if (signal.aborted) return 'it was given up';
    if (late.aborted) return `it did not answer within ${timeoutMs} ms`;
    // Of the error only its code: its text may hold the URL.
    return `it cannot be reached (${codeOf(error)})`;
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'fetch failed';
}
