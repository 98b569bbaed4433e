import { createHash } from 'node:crypto';
import type { DrillSpec } from '../../drill/drill-spec.ts';
import { canonicalJson } from '../../evidence/canonical.ts';
import type { Approval } from '../state/drill-memory.ts';

/** Of a drill as it is declared: who approves it approves that, and nothing that is declared later. */
export function declarationHash(spec: DrillSpec): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}

/** Those that count at this time. Pure. */
export function approvalsInForce(spec: DrillSpec, given: readonly Approval[], now: Date): readonly Approval[] {
  const declaration = declarationHash(spec);
  return given.filter((each) => each.declaration === declaration && Date.parse(each.until) > now.getTime());
}
