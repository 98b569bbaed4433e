import { copyFile, mkdir, readdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { docker, dockerOk, type EngineCall } from '../src/local/docker.ts';
import { parseLinked } from '../src/local/kafka-image-build.ts';
import { runCommand } from '../src/local/run-command.ts';
import { imageUser } from './image-content.ts';
import { sha256Of } from './kafka-jars.ts';
import { ToolError } from './steps.mjs';

const stepMs = 60_000;
/** glibc loads them by name when a name is looked up. */
const nameServices = /^libnss_(dns|files)\.so\.\d+$|^libresolv\.so\.\d+$/;

/**
 * A base out of nothing, for machines without an image registry: the system libraries of this machine that Node links, a user,
 * `/tmp`. No shell, no package manager. Returns its id, the same for the same libraries. To try things: nobody brings it up to date.
 * @throws {ToolError} on anything but Linux
 */
export async function makeLocalBase(work: string, call: EngineCall): Promise<string> {
  if (process.platform !== 'linux') {
    throw new ToolError(`A base can only be made on Linux (here: ${process.platform}); give one with --base.`);
  }
  const root = join(work, 'base');
  await copyLibraries(root, call);
  await mkdir(join(root, 'etc'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  const user = `umbra:x:${imageUser}:${imageUser}::/var/lib/umbra:/sbin/nologin\n`;
  await writeFile(join(root, 'etc', 'passwd'), `root:x:0:0::/root:/sbin/nologin\n${user}`);
  await writeFile(join(root, 'etc', 'group'), `root:x:0:\numbra:x:${imageUser}:\n`);
  await writeFile(join(root, 'etc', 'nsswitch.conf'), 'hosts: files dns\n');
  const archive = join(work, 'base.tar');
  const steady = ['--mtime=@0', '--sort=name', '--format=gnu', '--numeric-owner', '--owner=0', '--group=0'];
  await run('tar', [...steady, '--mode=u=rwX,go=rX', '-C', root, '--exclude=./tmp', '-cf', archive, '.'], call);
  await run('tar', [...steady, '--mode=1777', '-C', root, '-rf', archive, './tmp'], call);
  return importOnce(archive, { ...call, timeoutMs: stepMs });
}

/** An engine gives the same archive another id each time; one that it has already, known by its only layer, is taken. */
async function importOnce(archive: string, call: EngineCall): Promise<string> {
  const hash = await sha256Of(archive);
  const name = `umbra/base:${hash}`;
  const format = '{{.Id}} {{json .RootFS.Layers}}';
  const { exitCode, stdout } = await docker(['image', 'inspect', '--format', format, name], call);
  const [id, layers] = stdout.trim().split(' ');
  if (exitCode === 0 && id !== undefined && layers === JSON.stringify([`sha256:${hash}`])) return id;
  return (await dockerOk(['import', archive, name], call)).trim();
}

async function copyLibraries(root: string, call: EngineCall): Promise<void> {
  const linked = parseLinked(await run('ldd', [process.execPath], call));
  const libc = linked.find((file) => /\/libc\.so\.\d+$/.test(file));
  if (libc === undefined) throw new ToolError(`${process.execPath} does not link glibc; give a base with --base.`);
  const besides = (await readdir(dirname(libc))).filter((name) => nameServices.test(name));
  for (const file of [...linked, ...besides.map((name) => join(dirname(libc), name))]) {
    const target = join(root, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(file), target);
  }
}

async function run(command: string, args: readonly string[], { env, signal }: EngineCall): Promise<string> {
  const { exitCode, stdout, output } = await runCommand(command, args, { env, signal, timeoutMs: stepMs });
  if (exitCode === 0) return stdout;
  throw new ToolError(`${command} failed: ${output.trim().slice(-600)}`);
}
