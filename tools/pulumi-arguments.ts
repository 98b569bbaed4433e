/** Commands of the CLI that work on a stack and take the selected one when none is named. */
const stackCommands = new Set([
  'up',
  'update',
  'preview',
  'pre',
  'refresh',
  'destroy',
  'down',
  'dn',
  'config',
  'import',
  'state',
  'stack',
  'watch',
]);

/** Of `pulumi stack …`, those that do not need one to be there. */
const stackless = new Set(['init', 'ls', 'select', 'rm']);

/**
 * True when the command needs a selected stack and names none: then the wrapper selects `local` first, as long as
 * nothing is selected. In doubt false: the CLI itself then says what is missing.
 */
export function wantsSelectedStack(args: readonly string[]): boolean {
  const [command, sub] = args;
  if (command === undefined || !stackCommands.has(command)) return false;
  if (command === 'stack' && sub !== undefined && stackless.has(sub)) return false;
  return !args.some((arg) => /^(-s|--stack|-C|--cwd|-h|--help)(=|$)/.test(arg));
}
