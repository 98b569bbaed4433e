import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { found } from './doctor-codes.ts';

export type Attempt = <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;

/** Looks that may fail without the others: what failed becomes a finding. */
export class Attempts {
  readonly findings: Finding[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  at(site: SiteId): Attempt {
    return async (what, work) => {
      try {
        return await work();
      } catch (error) {
        this.#signal.throwIfAborted();
        const message = `${what} could not be looked at: ${textOf(error)}`;
        const remedy = 'Put that right, then run "npx umbra doctor" again.';
        this.findings.push(found('LOOK_FAILED', { site, message, remedy }));
        return undefined;
      }
    };
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
