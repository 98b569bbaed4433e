import { readdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseInput } from '../../api/input.ts';
import type { EvidenceDocument } from '../../evidence/document.ts';
import type { FoundChain } from '../../evidence/place.ts';
import type { PublicKey } from '../../evidence/public-key.ts';
import { problems, Problem } from '../../worker/problems.ts';
import { readSmallFile } from '../config-text.ts';
import { evidenceAt, explainingAws } from '../evidence-place.ts';
import {
  evidenceChain,
  evidenceListSchema,
  type EvidenceRow,
  evidenceRow,
  evidenceVerdictSchema,
  renderEvidence,
  renderEvidenceList,
  renderEvidenceVerdict,
} from '../evidence-text.ts';
import { plural } from '../quantities.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

const actionSchema = z.enum(['list', 'show', 'verify', 'export', 'trend', 'key']);

const optionsSchema = z.looseObject({
  from: z.string().optional(),
  publicKey: z.array(z.string()).default([]),
  expectHead: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the hash of a document: 64 hexadecimal digits')
    .optional(),
  html: z.string().optional(),
  out: z.string().optional(),
  file: z.string().optional(),
});
type EvidenceOptions = z.output<typeof optionsSchema>;

interface Asked {
  readonly options: EvidenceOptions;
  /** A report, or `latest`. */
  readonly id: string | undefined;
}

/** Reads what drills have left. Needs neither workers nor clusters, and a network only where the place is in S3. */
export const evidence: Verb = {
  name: 'evidence',
  summary: 'what drills have left: list it, show, verify and export it, draw its trend',
  parameters: '[ACTION] [ID]',
  declare: (command) =>
    command
      .option('--from <PLACE>', 'folder, or s3://BUCKET/PREFIX/?region=REGION; default: .umbra/evidence of the project')
      .option('--public-key <FILE>', 'verify: the public key, from elsewhere; may be given several times', collect)
      .option('--expect-head <HASH>', 'verify: the hash of a document that has to be there')
      .option('--html <FILE>', 'show: copy the page of the report to this file')
      .option('--out <PATH>', 'export: a new folder; trend: the file of the page')
      .option('--file <FILE>', 'key: the file of the key'),
  run: async (context, [given, id], rawOptions) => {
    const action = parseInput(actionSchema, given ?? 'list', 'ACTION');
    const options = parseInput(optionsSchema, rawOptions, 'option');
    return explainingAws(() => run(action, context, { options, id: typeof id === 'string' ? id : undefined }));
  },
};

function run(action: z.output<typeof actionSchema>, context: VerbContext, asked: Asked): Promise<number> {
  switch (action) {
    case 'list':
      return list(context, asked);
    case 'show':
      return show(context, asked);
    case 'verify':
      return verify(context, asked);
    case 'export':
      return exported(context, asked);
    case 'trend':
      return trend(context, asked);
    case 'key':
      return key(context, asked);
  }
}

async function list(context: VerbContext, { options }: Asked): Promise<number> {
  const { readDocuments } = await import('../../evidence/read-documents.ts');
  const rows: EvidenceRow[] = [];
  for (const { name, reader } of (await evidenceAt(context, options.from)).chains) {
    for (const read of await readDocuments(reader, context.signal)) rows.push(evidenceRow(name, read));
  }
  rows.sort((left, right) => Date.parse(left.startedAt ?? '') - Date.parse(right.startedAt ?? ''));
  answer(context, evidenceListSchema.parse({ documents: rows }), (colours) => renderEvidenceList(rows, colours));
  return 0;
}

async function show(context: VerbContext, { options, id }: Asked): Promise<number> {
  const { chain, document } = await found(context, { options, id: id ?? 'latest' });
  if (options.html !== undefined) {
    const name = document.attachments.find(({ what }) => what === 'report')?.name ?? '';
    const bytes = name === '' ? undefined : await chain.reader.read(name, context.signal);
    if (bytes === undefined)
      throw new Problem('EVIDENCE_DAMAGED', `${chain.reader.where(name)}: the page is not there`);
    await writeFile(resolve(context.io.cwd, options.html), bytes);
  }
  answer(context, document, (colours) => renderEvidence(document, colours));
  return 0;
}

async function verify(context: VerbContext, { options, id }: Asked): Promise<number> {
  const { missingDocument, verifyChain } = await import('../../evidence/verify.ts');
  const keys = await publicKeys(context, options);
  const one = id === undefined ? undefined : await found(context, { options, id });
  const { chains, outside } =
    one === undefined ? await evidenceAt(context, options.from) : { chains: [one.chain], outside: [] };
  const only = one?.document.reportId;
  const verdicts = [];
  for (const { name, reader } of chains) {
    verdicts.push({ name, verdict: await verifyChain(reader, { keys, only }, context.signal) });
  }
  const all = verdicts.map(({ verdict }) => verdict);
  const missing = options.expectHead === undefined ? undefined : missingDocument(all, options.expectHead);
  const intact = missing === undefined && all.every((verdict) => verdict.problems.length === 0);
  const report = evidenceVerdictSchema.parse({
    intact,
    chains: verdicts.map(({ name, verdict }) => evidenceChain(name, verdict)),
    problems: missing === undefined ? [] : [missing],
    outside,
  });
  answer(context, report, (colours) => renderEvidenceVerdict(report, colours));
  if (keys.length === 0) {
    context.io.err(
      'The keys beside the documents were believed: who can change documents can change those. Give --public-key.',
    );
  }
  if (only !== undefined) context.io.err(`Only ${only} was looked at, not the chain that it is part of.`);
  return intact ? 0 : problems.EVIDENCE_DAMAGED.exit;
}

async function exported(context: VerbContext, { options, id }: Asked): Promise<number> {
  const { exportChains } = await import('../../evidence/export.ts');
  const folder = resolve(context.io.cwd, required(options.out, '--out: name a folder that is not there yet'));
  const there = await readdir(folder).catch(() => []);
  if (there.length > 0) throw new Problem('INVALID_INPUT', `--out: ${folder} is not empty`);
  const one = id === undefined ? undefined : await found(context, { options, id });
  const chains =
    one === undefined ? (await evidenceAt(context, options.from)).chains : [{ ...one.chain, only: one.document }];
  const files = await exportChains(chains, folder, context.signal);
  answer(
    context,
    { out: folder, files },
    () => `${plural(files.length, 'file')} in ${folder}; README.md says how to verify them.`,
  );
  return 0;
}

async function trend(context: VerbContext, { options }: Asked): Promise<number> {
  const { readDocuments } = await import('../../evidence/read-documents.ts');
  const { renderTrendPage } = await import('../../evidence/page/trend.ts');
  const out = required(options.out, '--out: name the file of the page');
  const documents: EvidenceDocument[] = [];
  for (const { reader } of (await evidenceAt(context, options.from)).chains) {
    for (const read of await readDocuments(reader, context.signal)) {
      if (read.kind === 'document') documents.push(read.document);
      else context.io.err(`${reader.where(read.name)} is left out: ${read.why}`);
    }
  }
  const path = resolve(context.io.cwd, out);
  await writeFile(path, renderTrendPage(documents));
  answer(context, { out: path, runs: documents.length }, () => `${plural(documents.length, 'run')} in ${path}`);
  return 0;
}

/** Prints the public half. The file may hold either; none is made. */
async function key(context: VerbContext, { options }: Asked): Promise<number> {
  const file = resolve(context.io.cwd, required(options.file, '--file: name the file of the key'));
  const { keyId, pem } = await readPublicKey(file);
  answer(context, { keyId, publicKey: pem }, () => `${pem.trimEnd()}\nkey id ${keyId}`);
  return 0;
}

async function publicKeys({ io }: VerbContext, { publicKey }: EvidenceOptions): Promise<readonly PublicKey[]> {
  return Promise.all(publicKey.map((file) => readPublicKey(resolve(io.cwd, file))));
}

async function readPublicKey(file: string): Promise<PublicKey> {
  const { parsePublicKey } = await import('../../evidence/public-key.ts');
  const parsed = parsePublicKey(await readSmallFile(file));
  if (parsed === undefined) throw new Problem('INVALID_INPUT', `${file}: is no key of Ed25519 in PEM`);
  return parsed;
}

/** The report of this id, in whatever chain it is; with `latest` the one that began last. */
async function found(
  context: VerbContext,
  { options, id }: Asked & { readonly id: string },
): Promise<{ readonly chain: FoundChain; readonly document: EvidenceDocument }> {
  const { readDocuments } = await import('../../evidence/read-documents.ts');
  let newest: { readonly chain: FoundChain; readonly document: EvidenceDocument } | undefined;
  for (const chain of (await evidenceAt(context, options.from)).chains) {
    for (const read of await readDocuments(chain.reader, context.signal)) {
      if (read.kind === 'unreadable') continue;
      const { document } = read;
      if (document.reportId === id) return { chain, document };
      if (newest === undefined || Date.parse(document.startedAt) >= Date.parse(newest.document.startedAt))
        newest = { chain, document };
    }
  }
  if (id === 'latest' && newest !== undefined) return newest;
  throw new Problem(
    'NOT_FOUND',
    `there is no report ${JSON.stringify(id)}; "npx umbra evidence list" shows those there are`,
  );
}

function required(value: string | undefined, message: string): string {
  if (value === undefined) throw new Problem('INVALID_INPUT', message);
  return value;
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
