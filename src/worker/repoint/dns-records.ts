import net from 'node:net';
import { z } from 'zod';

/**
 * Labels of letters, digits, "-" and "_", the dot at the end is free (RFC 1035, 2.3.4; "_" as RFC 2181, 11 allows). Nothing
 * else: what stands here becomes a word of a script.
 */
const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const dnsName = z
  .string()
  .max(254, 'must have at most 253 characters')
  .regex(new RegExp(`^${label}(?:\\.${label})*\\.?$`), 'must be a DNS name')
  .transform(absolute);

/** A host's name or address. */
const dnsServer = z.union([z.ipv4(), z.ipv6(), dnsName.transform((name) => name.slice(0, -1))], {
  error: 'must be the name or the address of a host',
});

const recordSchema = z.discriminatedUnion('type', [
  z.strictObject({ name: dnsName, type: z.literal('CNAME'), value: dnsName }),
  z.strictObject({ name: dnsName, type: z.literal('A'), value: z.ipv4('must be an IPv4 address') }),
  z.strictObject({ name: dnsName, type: z.literal('AAAA'), value: z.ipv6('must be an IPv6 address') }),
]);

export type DnsRecord = z.output<typeof recordSchema>;

/** What a DNS hook says beside what all hooks do: where the records are set, with which key, and what they are. */
export const dnsFields = {
  /** The zone's primary name server. */
  server: dnsServer,
  port: z.int().min(1).max(65_535).default(53),
  zone: dnsName,
  /** File with the TSIG key, as `tsig-keygen` writes it. */
  keyFile: z
    .string()
    .max(4_096)
    .regex(/^\/[\x20-\x7e]*$/, 'must be an absolute path'),
  /** How long others may remember the records: applications go on to the old site for so long. */
  ttlSeconds: z.int().min(0).max(3_600).default(5),
  /** Set together: all in one update, or none. Records of one name and type are all that it has of that type then. */
  records: z.array(recordSchema).min(1, 'must name a record').max(50),
};

/** What is no record of the zone, or cannot stand beside another one (RFC 1034, 3.6.2). */
export function refuseRecords(
  { zone, records }: { readonly zone: string; readonly records: readonly DnsRecord[] },
  context: z.RefinementCtx,
): void {
  for (const [index, { name, type, value }] of records.entries()) {
    const wrong = (message: string, field = 'name'): void =>
      context.addIssue({ code: 'custom', path: ['records', index, field], message });
    const [at, of] = [name.toLowerCase(), zone.toLowerCase()];
    const same = records.slice(0, index).filter((other) => other.name.toLowerCase() === at);
    if (at !== of && !at.endsWith(`.${of}`)) wrong(`is not within the zone ${zone}`);
    else if (at === of && type === 'CNAME') wrong('is the zone itself, which can have no CNAME', 'type');
    else if (same.some((other) => type === 'CNAME' || other.type === 'CNAME'))
      wrong('has a CNAME, and nothing beside it');
    else if (same.some((other) => other.type === type && sameValue(other.value, value)))
      wrong('is there twice', 'value');
  }
}

function sameValue(left: string, right: string): boolean {
  if (!net.isIPv6(left) || !net.isIPv6(right)) return left.toLowerCase() === right.toLowerCase();
  return (
    new net.SocketAddress({ address: left, family: 'ipv6' }).address ===
    new net.SocketAddress({ address: right, family: 'ipv6' }).address
  );
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}
