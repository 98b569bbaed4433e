import { z } from 'zod';

export type ParsedSetting<T> = { readonly data: T } | { readonly lines: readonly string[] };

/**
 * Parses one value of a configuration or one input of a resource. Every wrong field gives one line with its path below
 * `at` (`umbra:sites.b.bootstrapServers[0]: must look like host:port`). No line repeats a value: it may be a secret.
 */
export function parseSetting<S extends z.ZodType>(schema: S, value: unknown, at: string): ParsedSetting<z.output<S>> {
  const parsed = schema.safeParse(value, { error: plainWords });
  if (parsed.success) return { data: parsed.data };
  // A field that breaks one rule often breaks the next: the first says what to do.
  const firsts = new Map<string, string>();
  for (const { field, reason } of parsed.error.issues.flatMap((issue) => reasonsOf(issue, at))) {
    if (!firsts.has(field)) firsts.set(field, `${field}: ${reason}`);
  }
  return { lines: [...firsts.values()] };
}

/** Where the schema has no words of its own. */
function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is required' : `must be of the type ${issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union' && Array.isArray(issue['options'])) {
    return `must be one of ${issue['options'].map(String).join(', ')}`;
  }
  return undefined;
}

function reasonsOf(issue: z.core.$ZodIssue, at: string): readonly { field: string; reason: string }[] {
  const field = fieldPath(at, issue.path);
  if (issue.code !== 'unrecognized_keys') return [{ field, reason: issue.message }];
  return issue.keys.map((key) => ({ field: fieldPath(field, [key]), reason: 'is not a field here' }));
}

function fieldPath(start: string, path: readonly PropertyKey[]): string {
  const rest = z.core.toDotPath(path);
  return rest === '' || rest.startsWith('[') ? `${start}${rest}` : `${start}.${rest}`;
}
