/** One message of a server-sent stream. */
export interface StreamMessage {
  readonly type: string;
  readonly data: string;
}

/** A view of 10,000 topics is about 4 MiB. */
const messageCharsMax = 64 * 1024 * 1024;

/**
 * Messages out of bytes (WHATWG HTML, server-sent events), as a worker writes them: lines end with LF. Comments and
 * fields that are not needed are left out. Throws when a message is larger than any that a worker sends.
 */
export async function* readMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    if (text.length > messageCharsMax) throw new Error(`a message of more than ${messageCharsMax} characters`);
    for (const part of parts) {
      const message = parseMessage(part);
      if (message !== undefined) yield message;
    }
  }
}

function parseMessage(part: string): StreamMessage | undefined {
  const fields = new Map<string, string>();
  for (const line of part.split('\n')) {
    const [, name, value = ''] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const before = name === 'data' ? fields.get(name) : undefined;
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  const data = fields.get('data');
  return data === undefined ? undefined : { type: fields.get('event') ?? 'message', data };
}
