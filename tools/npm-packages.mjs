// The npm packages of this project. Plain JavaScript: it runs before they are there.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { ToolError } from './steps.mjs';

const outputLinesMax = 40;
/** npm tidies up at length when it is told to stop; half an install is thrown away by the next one anyway. */
const killAfterMs = 2_000;

/**
 * The packages that `package-lock.json` wants and `node_modules` lacks or has in another version, sorted.
 * npm writes `node_modules/.package-lock.json` as the last act of an install: an interrupted one has none.
 * A package for another system is left out of it, so optional ones are only compared where they are present.
 */
export function missingPackages(lock, installed) {
  const have = installed.packages ?? {};
  return Object.entries(lock.packages ?? {})
    .filter(([path, wanted]) => {
      if (path === '' || wanted.link === true) return false;
      const found = have[path];
      if (found === undefined) return wanted.optional !== true;
      return found.version !== wanted.version || found.integrity !== wanted.integrity;
    })
    .map(([path]) => path)
    .sort();
}

/** PATH without the project's own `node_modules/.bin`: `npm ci` deletes the Node that lies there. */
export function pathWithoutProject(path, root) {
  const own = join(root, 'node_modules', '.bin');
  return path
    .split(delimiter)
    .filter((folder) => folder !== '' && resolve(folder) !== own)
    .join(delimiter);
}

/** What an npm that we start gets of our environment. */
export function npmEnvironment(root) {
  const env = { ...process.env, PATH: pathWithoutProject(process.env.PATH ?? '', root) };
  // An npm that runs us hands its own settings down as npm_config_…: a nested npm would take them for the user's.
  for (const key of Object.keys(env)) if (/^npm_/i.test(key)) delete env[key];
  return env;
}

/** True when everything that the lock file wants is in `node_modules`. */
export function packagesReady(root) {
  const lock = readJson(join(root, 'package-lock.json'));
  if (lock === undefined) throw new ToolError(`${root} has no readable package-lock.json: this is no clone of umbra.`);
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'));
  return installed !== undefined && missingPackages(lock, installed).length === 0;
}

/** Runs `npm ci` in `root` unless the packages are there. The output is shown only on failure. */
export async function installPackages(root, signal) {
  if (packagesReady(root)) return { value: undefined, summary: 'up to date' };
  const { code, output } = await npmCi(root, signal);
  if (signal.aborted) throw new ToolError('Interrupted; the same command starts over where it was.');
  if (code !== 0) throw new ToolError(`${output}\nnpm ci failed (exit code ${code}): its last lines are above.`);
  return { value: undefined, summary: 'installed' };
}

function readJson(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Cut short by an interrupted install: the same as not there.
    return undefined;
  }
}

function npmCi(root, signal) {
  const env = npmEnvironment(root);
  return new Promise((done, fail) => {
    const lines = [];
    const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--no-progress'], { cwd: root, env });
    const stop = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
    };
    signal.addEventListener('abort', stop, { once: true });
    const keep = (chunk) => {
      lines.push(...String(chunk).split('\n'));
      lines.splice(0, Math.max(0, lines.length - outputLinesMax));
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      fail(error.code === 'ENOENT' ? new ToolError('npm is not on PATH; it comes with Node.js.') : error);
    });
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop);
      done({ code, output: lines.join('\n').trim() });
    });
  });
}
