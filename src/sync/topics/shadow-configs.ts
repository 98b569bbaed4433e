import { configRules } from '../../pair/config-rules.ts';
import { roomFor } from './wanted-configs.ts';

/**
 * The configs without which a copy cannot be one (`override` and `always` of config-rules.ts), from the source's effective
 * values: bytes, times and offsets stay what they are at the source, and nothing is deleted or compacted but by the link
 * (protocol.md part 1, section 1).
 *
 * @param known config names the target knows, as a topic of its own shows them; names differ between versions (KIP-937)
 */
export function shadowConfigs(
  source: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const needed = configRules.flatMap(({ name, sync }): (readonly [string, string])[] => {
    if (!known.has(name)) return [];
    if (sync.kind === 'override') return [[name, sync.value]];
    const value = source.get(name);
    return sync.kind === 'always' && value !== undefined ? [[name, roomFor(value)]] : [];
  });
  return new Map(needed);
}
