import { IndexComparison } from '../../schema-primary/compare-indexes.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { FollowedLog } from './followed-log.ts';
import { readWhole } from './read-whole.ts';
import type { SchemaLog } from './schema-log.ts';

export interface HandedOver {
  /** Of the schema primary; nobody may write to it any more. */
  readonly primary: SchemaLog;
  /** Its copy, which nobody appends to any more. */
  readonly standby: SchemaLog;
}

export type SchemasProof =
  { readonly kind: 'equal'; readonly digest: string } | { readonly kind: 'different'; readonly why: string };

/**
 * Whether both logs say the same, by what registries make of them: every id stands for the same schema, every key has the
 * same record. Reads both whole. Throws ConnectionError and KafkaError for what passes.
 */
export async function proveSchemas(logs: HandedOver, signal: AbortSignal): Promise<SchemasProof> {
  const [primary, standby] = [new FollowedLog(logs.primary), new FollowedLog(logs.standby)];
  const read = [await readWhole(standby, 0n, signal), await readWhole(primary, 0n, signal)];
  // Then the bytes are all there is to compare.
  if (read.every(({ kind }) => kind === 'no registry')) return { kind: 'equal', digest: '' };
  const comparison = new IndexComparison(primary.index, standby.index);
  const positions = { primary: primary.readTo, standby: standby.readTo };
  comparison.compare(positions);
  // What only the copy has counts from the second look on; both stand still.
  const { differences, behind } = comparison.compare(positions);
  const [first] = differences;
  if (first !== undefined) {
    const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : '';
    return { kind: 'different', why: `${first.explanation}${more}` };
  }
  if (behind > 0) return { kind: 'different', why: `the copy of ${schemasTopic} lacks ${behind} of its keys` };
  const [digest, copied] = [primary.index.digest(), standby.index.digest()];
  if (digest !== copied)
    return { kind: 'different', why: `ids stand for other schemas in the copy of ${schemasTopic}` };
  return { kind: 'equal', digest };
}
