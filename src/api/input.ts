import { z } from 'zod';
import { Problem } from '../worker/problems.ts';

/** More wrong fields than this are counted, not listed. */
const issuesMax = 20;

/**
 * Parses what came from outside. Rejects with `INVALID_INPUT`, one line that names every wrong field by its path
 * below `what` (`body.links[0].from: …`). The offered values are never repeated: they may be secrets.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('INVALID_INPUT', issueLines(parsed.error, what).join('; '));
}

/** One line per wrong field, at most {@link issuesMax} and a count of the others. */
export function issueLines(error: z.ZodError, what: string): readonly string[] {
  const lines = error.issues.flatMap((issue) => linesOf(issue, what));
  const rest = lines.length - issuesMax;
  return rest <= 0 ? lines : [...lines.slice(0, issuesMax), `and ${rest} more`];
}

function linesOf(issue: z.core.$ZodIssue, what: string): readonly string[] {
  const at = fieldPath(what, issue.path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${fieldPath(at, [key])}: unknown field`);
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    return [`${fieldPath(at, [issue.discriminator])}: is none of the allowed values`];
  }
  return [`${at}: ${issue.message}`];
}

function fieldPath(start: string, path: readonly PropertyKey[]): string {
  const rest = z.core.toDotPath(path);
  return rest === '' || rest.startsWith('[') ? `${start}${rest}` : `${start}.${rest}`;
}
