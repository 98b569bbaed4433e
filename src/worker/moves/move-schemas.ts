import type { Cluster } from '../../kafka/cluster.ts';
import type { OperationRecord } from '../../operations/operation.ts';
import { idReserve, type SchemaPrimary, schemasTopic } from '../../schema-primary/schema-primary.ts';
import { proveSchemas } from '../../sync/schemas/prove-schemas.ts';
import { KafkaSchemaLog } from '../../sync/schemas/schema-log.ts';
import { leapIds, leapPortsOf } from '../../sync/schemas/leap-ids.ts';
import type { EventSink } from '../events/event.ts';
import { ImpossibleError } from './impossible.ts';
import type { OperationMemory } from '../state/operation-memory.ts';

export interface LeapSchemaIdsPorts {
  /** That has become primary. */
  readonly target: Cluster;
  readonly state: {
    readonly schemaPrimary: SchemaPrimary | undefined;
    readonly moves: Pick<OperationMemory, 'cut'>;
  };
  readonly events: EventSink;
  readonly mayAct: () => boolean;
}

/**
 * Lets the ids of schemas go on above all that the old primary may have given out, once for each failover of `_schemas`:
 * behind the point of no return, for a copy must not hold a record that its source does not have. Throws like `leapIds`.
 */
export async function leapSchemaIds(
  { target, state, events, mayAct }: LeapSchemaIdsPorts,
  operation: OperationRecord,
  signal: AbortSignal,
): Promise<void> {
  const cut = state.moves.cut(schemasTopic);
  const end = cut?.partitions[0]?.offset;
  if (cut?.operation !== operation.id || end === undefined) {
    throw new Error(`${operation.id} has written no cut of ${schemasTopic}`);
  }
  const reserve = state.schemaPrimary?.idReserve ?? idReserve;
  const order = { operation: operation.id, term: cut.term, reserve, cut: BigInt(end) };
  const outcome = await leapIds(leapPortsOf(target, mayAct), order, signal);
  const { id, link } = operation;
  const tell = (message: string): void =>
    events.report({ kind: 'operation step', link, message: `${message} (${id})` });
  if (outcome.kind === 'no registry') {
    tell(outcome.why);
    return;
  }
  for (const { context, highest, id: leapt } of outcome.leaps) {
    const where = context === '.' ? '' : ` of context ${context}`;
    tell(`ids of schemas${where} go on above ${leapt}, the highest one seen is ${highest}`);
  }
}

/**
 * Before a switchover of `_schemas`: both logs say the same to a registry. Rejects with {@link ImpossibleError} where they do
 * not, and with what a cluster that does not answer throws.
 */
export async function proveSchemasEqual(
  { source, target }: { readonly source: Cluster; readonly target: Cluster },
  signal: AbortSignal,
): Promise<void> {
  const logs = { primary: new KafkaSchemaLog(source), standby: new KafkaSchemaLog(target) };
  const proof = await proveSchemas(logs, signal);
  if (proof.kind === 'different') throw new ImpossibleError(proof.why);
}
