import { access, chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../../src/local/run-command.ts';
import { testFolder } from '../fixtures/test-root.ts';

const unitFile = join(import.meta.dirname, '../../docs/deploy/systemd/umbra-worker@.service');
/** The unit is at 1.2 with systemd 252, of 10 that a unit without any rule has. Times ten. */
const exposureMax = 15;

function analyze(...args: readonly string[]): Promise<CommandResult> {
  const bounds = { env: process.env, signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 };
  return runCommand('systemd-analyze', ['--no-pager', ...args], bounds);
}

/** systemd is asked by its own command; nothing of it has to run. In CI it has to be there. */
const missing = await analyze('--version').then(
  () => undefined,
  (error: unknown) => (process.env['CI'] === 'true' ? undefined : String(error)),
);
if (missing !== undefined) console.warn(`\nSKIPPED: nothing is proven about the unit here. ${missing}\n`);

/** The unit of the worker "a", with a program in the place of Node that is there. */
async function instance(): Promise<string> {
  const folder = testFolder('unit');
  const node = join(folder, 'node');
  await writeFile(node, '#!/bin/sh\n');
  await chmod(node, 0o755);
  const text = await readFile(unitFile, 'utf8');
  const file = join(folder, 'umbra-worker@a.service');
  await writeFile(file, text.replace('/opt/umbra/usr/local/bin/node', node));
  await access(file);
  return file;
}

describe.skipIf(missing !== undefined)('the unit, as systemd reads it', () => {
  test('has no setting that systemd does not know, and no value that it does not take', async () => {
    const file = await instance();
    expect(await analyze('verify', file)).toEqual({ exitCode: 0, stdout: '', output: '' });
    const spoilt = file.replace('@a', '@b');
    await writeFile(spoilt, (await readFile(file, 'utf8')).replace('ProtectHome=yes', 'ProtectHom=yes'));
    expect((await analyze('verify', spoilt)).output).toMatch(/Unknown key .*ProtectHom/);
  });

  test('leaves a worker little to attack', async () => {
    const judged = await analyze('security', '--offline=true', `--threshold=${exposureMax}`, await instance());
    expect(judged.exitCode, judged.output).toBe(0);
  });
});
