import { isOver, isPartOver } from '../../operations/operation.ts';
import type { OperationMemory } from '../state/operation-memory.ts';

/** Ids of operations that this site coordinates, or takes part in, and that are not over for it. */
export function openOperations(memory: Pick<OperationMemory, 'operations' | 'parts'>): readonly string[] {
  const own = memory.operations().flatMap(({ id, step }) => (isOver(step) ? [] : [id]));
  const taken = memory.parts().flatMap(({ operation, state }) => (isPartOver(state) ? [] : [operation]));
  return [...new Set([...own, ...taken])].toSorted();
}
