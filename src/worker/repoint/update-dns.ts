import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { DnsRecord } from './dns-records.ts';
import type { DnsHook } from './repoint-spec.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';

const program = 'nsupdate';
const reasonCharsMax = 200;
/** nsupdate sends each of its two messages twice before it says that nobody answers, waiting a second or more for each. */
const sendsMax = 2;
const messages = 2;

/**
 * Sets the records by one dynamic update (RFC 2136), signed with the key of the file (TSIG, RFC 8945), and asks the same server
 * whether they are as they should be. BIND's own `nsupdate` does it. Resolves to why it failed, or undefined. Of what
 * nsupdate writes only the lines are told that are known to hold nothing of the key.
 */
export async function updateDns(
  hook: DnsHook,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { keyFile, timeoutMs } = hook;
  // Without its key nsupdate would go on unsigned.
  const unreadable = await access(keyFile, constants.R_OK).then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );
  if (unreadable !== undefined) return `its key file ${keyFile} cannot be read (${unreadable})`;
  const waitSeconds = Math.max(1, Math.floor(timeoutMs / 1_000 / messages / sendsMax));
  const waits = ['-u', waitSeconds, '-r', sendsMax - 1, '-t', waitSeconds * sendsMax].map(String);
  const args = ['-k', keyFile, ...waits];
  return reasonOf(await runProgram({ program, args, env, input: renderUpdate(hook), timeoutMs }, signal));
}

/**
 * Pure: the script. A server passes in silence over a CNAME where the name has other records, and over other records where
 * it has a CNAME (RFC 2136, 3.4.2.2). So a second message asks for exactly these records, and changes nothing.
 */
export function renderUpdate({
  server,
  port,
  zone,
  ttlSeconds,
  records,
}: Pick<DnsHook, 'server' | 'port' | 'zone' | 'ttlSeconds' | 'records'>): string {
  const kindOf = ({ name, type }: DnsRecord): string => `${name} ${type}`;
  return [
    `server ${server} ${port}`,
    `zone ${zone}`,
    ...new Set(records.map((record) => `update delete ${kindOf(record)}`)),
    ...records.map(({ name, type, value }) => `update add ${name} ${ttlSeconds} ${type} ${value}`),
    'send',
    ...records.map((record) => `prereq yxrrset ${kindOf(record)} ${record.value}`),
    'send',
    '',
  ].join('\n');
}

function reasonOf(end: ProgramEnd): string | undefined {
  switch (end.kind) {
    case 'not started':
      return end.code === 'ENOENT'
        ? 'there is no nsupdate on PATH: install it (Debian: apt-get install bind9-dnsutils)'
        : `nsupdate cannot be started (${end.code})`;
    case 'stopped':
      return end.why;
    case 'ended': {
      const lines = toldBy(end.stderr);
      if (end.code === 0 && lines.length === 0) return undefined;
      const told = lines.length === 0 ? `nsupdate ended with exit code ${end.code ?? 'none'}` : lines.join('; ');
      return told.slice(0, reasonCharsMax);
    }
  }
}

/** Others may repeat what stands in the key's file. */
const told = [
  /^update failed: \w+(?:\(\w+\))?$/,
  /^Communication with \S+ failed: [\w ]+$/,
  /^TSIG error with server: [\w ]+$/,
  /^could(?:n't| not) (?:get address for '[^']+'|talk to any default name server)(?:: [\w ]+)?$/,
];

function toldBy(stderr: string): readonly string[] {
  const lines = stderr.split('\n').map((line) => line.replace(/^; /, '').trim());
  const known = lines.flatMap((line) => {
    if (line.startsWith('could not read key')) return ['its key file holds no TSIG key that nsupdate can read'];
    if (line === 'update failed: NXRRSET')
      return ['a record is not as it was set: another one has that name (NXRRSET)'];
    return told.some((form) => form.test(line)) ? [line] : [];
  });
  return [...new Set(known)];
}
