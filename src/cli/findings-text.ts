import { z } from 'zod';
import { findingSchema, type Finding } from '../worker/finding.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { plural } from './quantities.ts';
import { table } from './table.ts';

/** The shape of `umbra doctor --json`. */
export const doctorReportSchema = z.strictObject({ findings: z.array(findingSchema) });

const tone = { ok: 'good', warn: 'warn', error: 'bad' } as const;

/** One row per finding, remedies below the row they belong to, a verdict in the last line. Pure. */
export function renderFindings(findings: readonly Finding[], colours: Colours): string {
  const rows = findings.map((finding) => [
    colours[tone[finding.level]](finding.level),
    finding.site ?? '-',
    printable(finding.subject),
    printable(finding.message.split('\n', 1)[0] ?? '') + (finding.code === undefined ? '' : ` [${finding.code}]`),
  ]);
  const columns = [{ title: 'LEVEL' }, { title: 'SITE' }, { title: 'SUBJECT' }, { title: 'FINDING' }];
  const [head = '', ...lines] = table(columns, rows).split('\n');
  const body = lines.flatMap((line, index) => [line, ...below(findings[index])]);
  return [head, ...body, '', verdict(findings, colours)].join('\n');
}

/** What a message holds beyond its first line (a log), and the remedy. */
function below(finding: Finding | undefined): string[] {
  const log = (finding?.message.split('\n').slice(1) ?? []).map((line) => `    ${printable(line)}`);
  return finding?.remedy === undefined ? log : [...log, `  → ${printable(finding.remedy)}`];
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.level === 'error');
}

function verdict(findings: readonly Finding[], colours: Colours): string {
  const number = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [number('error'), number('warn')];
  if (errors === 0 && warnings === 0)
    return colours.good(`Everything is in order (${plural(findings.length, 'check')}).`);
  const text = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}, ${number('ok')} in order.`;
  return errors > 0 ? colours.bad(text) : colours.warn(text);
}
