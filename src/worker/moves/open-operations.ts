import { isOver, isPartOver, type PartState } from '../../operations/operation.ts';
import type { OperationMemory } from '../state/operation-memory.ts';

/** An operation that is not over for this site. */
export interface OpenOperation {
  readonly id: string;
  /** What this site has done for it, where the other one coordinates it. */
  readonly part?: PartState;
}

/** That this site coordinates, or takes part in. By id. */
export function openOperations(memory: Pick<OperationMemory, 'operations' | 'parts'>): readonly OpenOperation[] {
  const own = memory.operations().flatMap(({ id, step }): OpenOperation[] => (isOver(step) ? [] : [{ id }]));
  const taken = memory
    .parts()
    .flatMap(({ operation: id, state }): OpenOperation[] => (isPartOver(state) ? [] : [{ id, part: state }]));
  return [...own, ...taken].toSorted((left, right) => left.id.localeCompare(right.id));
}
