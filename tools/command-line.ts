import { parseArgs } from 'node:util';
import { ToolError } from './steps.mjs';

/** Where `npm run up`, `down` and `demo` work when nothing else is said. */
export const defaultStack = 'local';

/** `--stack NAME` of a command; anything else is refused. @throws {ToolError} */
export function parseStack(args: readonly string[], command: string): string {
  const usage = `Usage: npm run ${command} [-- --stack NAME]`;
  let stack: string | undefined;
  try {
    stack = parseArgs({ args: [...args], options: { stack: { type: 'string', short: 's' } } }).values.stack;
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
  if (stack === undefined) return defaultStack;
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(stack)) return stack;
  throw new ToolError(`"${stack}" is no name of a stack: letters, digits, "_", "." and "-", at most 100.\n${usage}`);
}
