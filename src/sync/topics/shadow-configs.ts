/** Largest value of a 64-bit config: "no bound". */
const longMax = '9223372036854775807';

/**
 * The configs a copy is created with, from the source's effective values (protocol.md part 1, section 1):
 *
 * - `compression.type=producer`: anything else recompresses, and bytes differ
 * - `message.timestamp.type=CreateTime` and no bounds on timestamps: the source's records keep theirs
 * - `max.message.bytes` a tenth above the source's: a batch that fits there must fit here, also when it is taken apart and
 *   compressed anew
 * - retention off, `cleanup.policy=delete`: the copy must not delete or compact by itself; the source's log start is
 *   mirrored instead, and a compacted source that has no holes yet must not get them here
 *
 * @param known config names the target knows, as a topic of its own shows them; names differ between versions (KIP-937)
 */
export function shadowConfigs(
  source: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const wanted: [string, string | undefined][] = [
    ['cleanup.policy', 'delete'],
    ['compression.type', 'producer'],
    ['max.message.bytes', roomFor(source.get('max.message.bytes'))],
    ['message.timestamp.type', 'CreateTime'],
    ['message.timestamp.before.max.ms', longMax],
    ['message.timestamp.after.max.ms', longMax],
    ['retention.ms', '-1'],
    ['retention.bytes', '-1'],
  ];
  if (!known.has('message.timestamp.before.max.ms')) wanted.push(['message.timestamp.difference.max.ms', longMax]);
  return new Map(
    wanted.flatMap(([name, value]) => (value !== undefined && known.has(name) ? [[name, value] as const] : [])),
  );
}

const intMax = 2 ** 31 - 1;

function roomFor(bytes: string | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  return String(Math.min(intMax, Math.ceil(Number(bytes) * 1.1) + 1024));
}
