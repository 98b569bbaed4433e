import { z } from 'zod';
import { hashOf, lifeSchema, sha256Schema, vantageSchema } from '../canary-record.ts';
import { type LedgerEvent, ledgerEventSchema } from './ledger-entry.ts';

/**
 * A segment is NDJSON. Its first line says whose it is; every line ends in `chain`: SHA-256 over the chain of the line
 * before and the line without it. So a line that was taken out, put in or changed shows; only the end of a life can be
 * cut off unseen.
 */
const headerSchema = z.strictObject({
  kind: z.literal('segment'),
  v: z.literal(1),
  pair: z.string(),
  vantage: vantageSchema,
  life: lifeSchema,
  /** 1 for the first one of its life. */
  index: z.int().min(1),
  /** ms since 1970. */
  startedAtMs: z.number(),
  /** `chain` of the last line of the segment before; null for the first. */
  previous: sha256Schema.nullable(),
});

export type SegmentHeader = z.output<typeof headerSchema>;

const chainEnd = /,"chain":"(?<chain>[0-9a-f]{64})"\}$/;

/** A line with its end, and the chain that the next one goes on from. */
export interface ChainedLine {
  readonly text: string;
  readonly chain: string;
}

/** `previous` is what {@link SegmentHeader} has under that name. */
export function headerLine(header: Omit<SegmentHeader, 'kind' | 'v'>): ChainedLine {
  const { pair, vantage, life, index, startedAtMs, previous } = header;
  const line = { kind: 'segment', v: 1, pair, vantage, life, index, startedAtMs, previous } satisfies SegmentHeader;
  return chained(previous, JSON.stringify(line));
}

export function eventLine(event: LedgerEvent, previous: string): ChainedLine {
  const plain = event.kind === 'acked' ? { ...event, offset: String(event.offset) } : event;
  return chained(previous, JSON.stringify(plain));
}

/** What a segment holds, as far as it can be read. */
export interface DecodedSegment {
  readonly header: SegmentHeader;
  readonly events: readonly LedgerEvent[];
  /** The chain behind its last line. */
  readonly chain: string;
  /** One line each. */
  readonly problems: readonly string[];
}

/**
 * Pure. A last line without its end was never finished and is left out. Behind a line that does not fit, the others are
 * read all the same: the problem is told once, and the chain goes on from there.
 */
export function decodeSegment(text: string): DecodedSegment | { readonly header: undefined; readonly problem: string } {
  const [first = '', ...rest] = text.split('\n').slice(0, -1);
  const header = headerSchema.safeParse(jsonOf(withoutChain(first))).data;
  if (header === undefined) return { header, problem: 'its first line is no header of a segment' };
  const problems: string[] = [];
  const events: LedgerEvent[] = [];
  let chain = chainOf(first) ?? '';
  if (chain !== chained(header.previous, withoutChain(first)).chain) problems.push('line 1 is not as it was written');
  for (const [index, line] of rest.entries()) {
    const body = withoutChain(line);
    const event = ledgerEventSchema.safeParse(jsonOf(body)).data;
    const own = chainOf(line);
    if (event === undefined || own === undefined) {
      problems.push(`line ${index + 2} cannot be read`);
      continue;
    }
    if (own !== chained(chain, body).chain)
      problems.push(`line ${index + 2} does not follow from the one before: lines were removed, put in or changed`);
    chain = own;
    events.push(event);
  }
  return { header, events, chain, problems };
}

function chained(previous: string | null, body: string): ChainedLine {
  const chain = hashOf(`${previous ?? ''}${body}`);
  return { text: `${body.slice(0, -1)},"chain":"${chain}"}\n`, chain };
}

function withoutChain(line: string): string {
  return line.replace(chainEnd, '}');
}

function chainOf(line: string): string | undefined {
  return chainEnd.exec(line)?.groups?.['chain'];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
