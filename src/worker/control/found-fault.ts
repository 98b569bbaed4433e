import type { Fault, FaultCode } from '../../replication/partition/fault.ts';

/** A partition of a copy that was stopped for good. */
export interface FoundFault {
  readonly topic: string;
  readonly partition: number;
  readonly fault: Fault;
}

/** Faults that mean that the copy's bytes are wrong: a restart must not forget them. */
export const lastingCodes: ReadonlySet<FaultCode> = new Set(['DIVERGED', 'FOREIGN_WRITE', 'SOURCE_TRUNCATED']);
