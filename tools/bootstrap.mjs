// What every command of this folder starts with: packages, then a Node that runs TypeScript, then the command itself.
// Plain JavaScript without packages: a bare clone has none, and the machine's Node may be as old as 20.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installPackages, packagesReady } from './npm-packages.mjs';
import { ToolError, renderError, runStep } from './steps.mjs';

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Runs `tools/<script>` (TypeScript) with this process's arguments.
 * @param {string} script file name in tools/
 * @param {{ quiet?: boolean, nodeArgs?: readonly string[] }} options quiet: say nothing as long as the packages are
 *   there; nodeArgs: flags for the Node that runs the script
 */
export async function bootstrap(script, { quiet = false, nodeArgs = [] } = {}) {
  const interrupted = new AbortController();
  try {
    await preparePackages(quiet, interrupted);
    const node = chooseNode();
    // Whatever is started from here on as `node` is the same one.
    process.env.PATH = [dirname(node), process.env.PATH ?? ''].join(delimiter);
    if (node === process.execPath && nodeArgs.length === 0) {
      // The script reads its arguments from argv, and whether it is the main program from argv[1].
      process.argv[1] = join(projectRoot, 'tools', script);
      await import(pathToFileURL(process.argv[1]).href);
    } else {
      await handOver(node, [...nodeArgs, join(projectRoot, 'tools', script), ...process.argv.slice(2)]);
    }
  } catch (error) {
    process.stderr.write(`${renderError(error)}\n`);
    process.exitCode = interrupted.signal.aborted ? 130 : 1;
  }
}

async function preparePackages(quiet, interrupted) {
  if (quiet && packagesReady(projectRoot)) return;
  const stop = () => interrupted.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const out = quiet ? process.stderr : process.stdout;
    await runStep('npm packages', () => installPackages(projectRoot, interrupted.signal), { out });
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
}

function chooseNode() {
  if (process.features.typescript) return process.execPath;
  const packaged = join(projectRoot, 'node_modules', '.bin', 'node');
  try {
    accessSync(packaged, constants.X_OK);
    return packaged;
  } catch {
    throw new ToolError(
      `umbra needs Node 22.18 or newer; this is ${process.version}, and npm has no Node package for ` +
        `${process.platform}-${process.arch}. Install a newer Node.js and run the same command again.`,
    );
  }
}

/** Replaces this process as far as Node can: same terminal, same exit code, signals passed on. */
function handOver(node, args) {
  return new Promise((done, fail) => {
    const child = spawn(node, args, { stdio: 'inherit' });
    // A terminal sends Ctrl-C to the child as well: passing it on too would count as the second, hard one.
    const pass = (signal) => {
      const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
      if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
    child.on('error', fail);
    child.on('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(name, pass);
      if (signal === null) process.exitCode = code;
      else process.kill(process.pid, signal);
      done();
    });
  });
}
