import { z } from 'zod';
import type { EvidenceDocument } from '../evidence/document.ts';
import { phasesInOrder } from '../evidence/recovery-phases.ts';
import type { ReadDocument } from '../evidence/read-documents.ts';
import type { ChainVerdict } from '../evidence/verify.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { count, duration, plural } from './quantities.ts';
import { table } from './table.ts';

/** One document of `umbra evidence list --json`; of one that cannot be read only where it lies and why. */
export const evidenceRowSchema = z.strictObject({
  chain: z.string(),
  file: z.string(),
  problem: z.string().optional(),
  sequence: z.int().optional(),
  reportId: z.string().optional(),
  startedAt: z.string().optional(),
  kind: z.string().optional(),
  level: z.string().optional(),
  drill: z.string().optional(),
  verdict: z.string().optional(),
  rtoMs: z.number().optional(),
  recordsLost: z.int().optional(),
});
export type EvidenceRow = z.output<typeof evidenceRowSchema>;
export const evidenceListSchema = z.strictObject({ documents: z.array(evidenceRowSchema) });

const problemSchema = z.strictObject({ kind: z.string(), file: z.string(), message: z.string() });
const chainSchema = z.strictObject({
  chain: z.string(),
  documents: z.int(),
  files: z.int(),
  keys: z.strictObject({ from: z.enum(['given', 'beside']), ids: z.array(z.string()) }),
  last: z.strictObject({ sequence: z.int(), hash: z.string(), at: z.string() }).optional(),
  problems: z.array(problemSchema),
});
/**
 * The shape of `umbra evidence verify --json`. `problems` beside the chains: what is wrong with all of them together;
 * `outside`: files in no chain's folder, which are not judged.
 */
export const evidenceVerdictSchema = z.strictObject({
  intact: z.boolean(),
  chains: z.array(chainSchema),
  problems: z.array(problemSchema),
  outside: z.array(z.string()),
});
export type EvidenceVerdict = z.output<typeof evidenceVerdictSchema>;

export function evidenceRow(chain: string, read: ReadDocument): EvidenceRow {
  if (read.kind === 'unreadable') return { chain, file: read.name, problem: read.why };
  const { chain: place, reportId, startedAt, kind, level, drill, verdict, rto, rpo } = read.document;
  return {
    ...{ chain, file: read.name, sequence: place.sequence, reportId, startedAt, kind, verdict },
    ...(level === undefined ? {} : { level }),
    ...(drill === undefined ? {} : { drill }),
    ...(rto.totalMs === undefined ? {} : { rtoMs: rto.totalMs }),
    ...(rpo.basis === 'none' ? {} : { recordsLost: rpo.measured.records }),
  };
}

export function evidenceChain(
  name: string,
  { documents, files, keys, last, problems }: ChainVerdict,
): EvidenceVerdict['chains'][number] {
  return {
    ...{ chain: name, documents, files, keys: { from: keys.from, ids: [...keys.ids] }, problems: [...problems] },
    ...(last === undefined ? {} : { last }),
  };
}

/** `umbra evidence list`: newest last. Nothing of it is verified. */
export function renderEvidenceList(rows: readonly EvidenceRow[], colours: Colours): string {
  if (rows.length === 0) return 'There is no evidence yet.';
  const columns = [
    ...[{ title: 'CHAIN' }, { title: 'NO.', align: 'right' as const }, { title: 'BEGAN' }, { title: 'KIND' }],
    ...[{ title: 'LEVEL' }, { title: 'DRILL' }, { title: 'VERDICT' }, { title: 'RTO', align: 'right' as const }],
    ...[{ title: 'LOST', align: 'right' as const }, { title: 'REPORT' }],
  ];
  return table(
    columns,
    rows.map((row) => cellsOf(row, colours)),
  );
}

function cellsOf(row: EvidenceRow, colours: Colours): readonly string[] {
  const {
    sequence,
    startedAt = '',
    kind = '',
    level = '',
    drill = '',
    verdict = '',
    rtoMs,
    recordsLost,
    reportId = '',
  } = row;
  if (row.problem !== undefined) {
    return [row.chain, '', '', '', '', '', colours.bad('unreadable'), '', '', printable(`${row.file}: ${row.problem}`)];
  }
  return [
    ...[row.chain, sequence === undefined ? '' : count(sequence), startedAt, kind, level, printable(drill)],
    ...[coloured(verdict, colours), rtoMs === undefined ? '' : duration(rtoMs)],
    ...[recordsLost === undefined ? '' : count(recordsLost), reportId],
  ];
}

function coloured(verdict: string, colours: Colours): string {
  if (verdict === 'PASSED') return colours.good(verdict);
  return verdict === 'FAILED' ? colours.bad(verdict) : colours.warn(verdict);
}

/** `umbra evidence show`: what is asked first; the page has all of it. */
export function renderEvidence(document: EvidenceDocument, colours: Colours): string {
  const { reportId, pair, scenario, startedAt, endedAt, objectives, rpo, rto, integrity, findings, chain } = document;
  const what = [document.kind, document.level, document.drill].filter((part) => part !== undefined).join(' ');
  const lines = [
    `${colours.bold(reportId)}  ${coloured(document.verdict, colours)}`,
    `${what} of ${pair.id}, run by site ${pair.site}: ${scenario.text}`,
    ...document.verdictReasons.map((reason) => `  ${reason}`),
    `began    ${startedAt}, took ${duration(Date.parse(endedAt) - Date.parse(startedAt))}`,
    `lost     ${rpo.basis === 'none' ? 'not measured' : `${plural(rpo.measured.records, 'record')} by ${rpo.basis}`}, allowed ${count(objectives.rpoRecords)}`,
    `time     ${rto.totalMs === undefined ? 'not measured' : duration(rto.totalMs)}, ${objectives.rtoMs === undefined ? 'no objective' : `allowed ${duration(objectives.rtoMs)}`}`,
    ...phasesInOrder(rto.phases).map(([phase, ms]) => `         ${phase} ${duration(ms)}`),
    ...rto.vantagePoints.map(
      (point) => `gap      ${duration(point.writeGapMs)} without a write on ${point.link}, seen from ${point.name}`,
    ),
    ...(integrity.canary === undefined ? [] : [`canaries ${canaryLine(integrity.canary)}`]),
    ...integrity.problems.map((problem) => `         ${problem}`),
    ...findings.map(({ id, severity, status, title }) => `finding  ${id}, ${severity}, ${status}: ${title}`),
    ...document.attachments.map(({ name, what: kind, bytes }) => `file     ${name} (${kind}, ${count(bytes)} bytes)`),
    `chain    number ${count(chain.sequence)}, behind ${chain.previous ?? 'nothing'}`,
    `hash     ${document.hash}, signed with ${document.signatures.map(({ keyId }) => keyId).join(', ')}; not verified here`,
  ];
  // Colours are no control characters of what was read.
  return lines.map((line, index) => (index === 0 ? line : printable(line))).join('\n');
}

function canaryLine(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, value]) => `${name} ${count(value)}`)
    .join(', ');
}

/** `umbra evidence verify`: one line per problem, the verdict last. */
export function renderEvidenceVerdict(
  { chains, problems, outside, intact }: EvidenceVerdict,
  colours: Colours,
): string {
  const lines = chains.flatMap(({ chain, problems: of }) =>
    of.map(
      ({ file, message }) =>
        `${colours.bad('damaged')}: ${printable(chain === '' ? file : `${chain}/${file}`)} ${printable(message)}`,
    ),
  );
  lines.push(...problems.map(({ message }) => `${colours.bad('damaged')}: ${printable(message)}`));
  const documents = plural(sum(chains.map((chain) => chain.documents)), 'document');
  const files = plural(sum(chains.map((chain) => chain.files)), 'file');
  const of = `${documents} and ${files} in ${plural(chains.length, 'chain')}`;
  const heads = chains.flatMap(({ chain, last }) =>
    last === undefined
      ? []
      : [`${chain === '' ? 'the chain' : chain} ends with number ${count(last.sequence)}, hash ${last.hash}`],
  );
  const verdict = intact
    ? colours.good(`INTACT: ${of}: every byte is what was recorded.`)
    : colours.bad(`DAMAGED: ${plural(lines.length, 'problem')} in ${of}.`);
  return [...lines, ...[...notJudged(outside), ...heads].map(printable), verdict].join('\n');
}

const namedMax = 3;

function notJudged(outside: readonly string[]): readonly string[] {
  if (outside.length === 0) return [];
  const more = outside.length > namedMax ? ` and ${count(outside.length - namedMax)} more` : '';
  return [`not judged, in no chain: ${outside.slice(0, namedMax).join(', ')}${more}`];
}

function sum(values: readonly number[]): number {
  return values.reduce((left, right) => left + right, 0);
}
