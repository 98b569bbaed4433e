import { onTestFinished } from 'vitest';
import type { CanaryClock, Pause } from '../../src/canary/canary-clock.ts';
import type { CanaryMessage } from '../../src/canary/canary-sender.ts';
import type { CanaryPrimary, CanaryTopic } from '../../src/canary/canary-target.ts';
import { type CanaryWriter, startCanaryWriter } from '../../src/canary/canary-writer.ts';
import type { LedgerEvent } from '../../src/canary/ledger/ledger-entry.ts';
import type { SendAnswer } from '../../src/canary/send-answer.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import type { SiteId } from '../../src/pair/site.ts';

/** A record that was handed to a client, and is not answered yet. */
export interface Outgoing extends CanaryMessage {
  readonly site: SiteId;
  readonly sender: number;
  readonly atMs: number;
  readonly answer: (answer: SendAnswer) => void;
}

/** A writer with time, ledger and clients of the test. */
export interface Writing {
  readonly writer: CanaryWriter;
  /** What was written down and what was sent, in one order. */
  readonly events: readonly (LedgerEvent | (Outgoing & { readonly kind: 'out' }))[];
  readonly out: readonly Outgoing[];
  readonly closed: readonly number[];
  topics: readonly CanaryTopic[];
  primary: CanaryPrimary | undefined;
  rate: number;
  /** Whether what is sent is answered by itself, and how. */
  reply: ((message: CanaryMessage) => SendAnswer) | undefined;
  ledgerFails: boolean;
  /** Lets so much time go by. */
  readonly run: (ms: number) => Promise<void>;
}

export const canaryTopic: CanaryTopic = { name: 'a_umbra-canary-000001', link: 'a-b', partitions: 3 };

/** Begins at once, unless `given` says otherwise. */
export function writing(given: Partial<Pick<Writing, 'primary' | 'rate'>> = {}): Writing {
  const time = virtualTime();
  const events: (LedgerEvent | (Outgoing & { readonly kind: 'out' }))[] = [];
  const out: Outgoing[] = [];
  const closed: number[] = [];
  let [senders, offset] = [0, 0n];
  const nobody = clusterConfigSchema.parse({ bootstrapServers: ['nowhere:1'] });
  const state = {
    ...{ topics: [canaryTopic], primary: { site: 'a', term: 0 }, rate: 1, ledgerFails: false },
    reply: () => ({ kind: 'acked', offset: offset++ }),
    ...given,
  } as Pick<Writing, 'topics' | 'primary' | 'rate' | 'ledgerFails' | 'reply'>;
  const writer = startCanaryWriter({
    ...{ pair: 'test', vantage: 'a', sites: { a: nobody, b: nobody }, clock: time, pause: time.pause },
    topics: () => state.topics,
    primaryOf: () => state.primary,
    rate: () => state.rate,
    logger: { info: () => undefined, warn: () => undefined },
    ledger: {
      ...{ vantage: 'a', life: 'life-1', keepFrom: () => undefined, close: () => Promise.resolve() },
      append(given) {
        if (state.ledgerFails) return Promise.reject(new Error('ENOSPC'));
        events.push(...given);
        return Promise.resolve();
      },
    },
    openSender: (site) => {
      const sender = senders++;
      return {
        send: (message) =>
          new Promise((answer) => {
            const outgoing = { ...message, site, sender, atMs: time.monotonicMs(), answer };
            out.push(outgoing);
            events.push({ kind: 'out', ...outgoing });
            if (state.reply !== undefined) answer(state.reply(message));
          }),
        close() {
          closed.push(sender);
          return Promise.resolve();
        },
      };
    },
  });
  onTestFinished(async () => {
    const stopped = writer.stop();
    for (const { answer } of out) answer({ kind: 'unanswered', error: 'the test is over', type: undefined });
    await time.run(1_000);
    await stopped;
  });
  return Object.assign(state, { writer, events, out, closed, run: time.run });
}

interface VirtualTime extends CanaryClock {
  readonly pause: Pause;
  readonly run: (ms: number) => Promise<void>;
}

function virtualTime(): VirtualTime {
  let nowMs = 0;
  const waiting = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
  /** Whatever follows from what has happened, without time going by. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    monotonicMs: () => nowMs,
    now: () => new Date(1_700_000_000_000 + nowMs),
    pause: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        const wake = (): void => {
          waiting.delete(entry);
          resolve();
        };
        const entry = { dueMs: nowMs + ms, wake };
        waiting.add(entry);
        signal.addEventListener('abort', wake);
      }),
    async run(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        await settle();
        const dueMs = Math.min(...[...waiting].map((each) => each.dueMs));
        if (!(dueMs <= untilMs)) break;
        nowMs = dueMs;
        for (const each of [...waiting]) if (each.dueMs === dueMs) each.wake();
      }
      nowMs = untilMs;
    },
  };
}
