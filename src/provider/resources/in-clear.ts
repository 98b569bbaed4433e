import { Secret } from '../../worker/secret.ts';

/** The same with every secret in it in clear, for what is kept as a secret itself or written to a 0600 file. */
export function inClear(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(inClear);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inClear(each)]));
}
