import type { AppendLease } from './append-lease.ts';

/**
 * What keeps a link from appending as it should: `waiting` for the lease to be renewed, `fenced` for good; `unleased`
 * still copies ordinary batches.
 */
export interface Hindrance {
  readonly kind: 'acquiring' | 'waiting' | 'unleased' | 'fenced';
  readonly reason: string;
}

export function hindranceOf({ state, trouble }: AppendLease): Hindrance | undefined {
  if (trouble !== undefined) return { kind: 'waiting', reason: trouble };
  switch (state.kind) {
    case 'fenced':
      return { kind: 'fenced', reason: 'another worker took over this link; this one has stopped' };
    case 'acquiring':
      return { kind: 'acquiring', reason: state.reason ?? 'taking over the link' };
    case 'unleased': {
      const reason = `without a lease, so a second worker would not be noticed in time and gaps are not filled: grant WRITE and DESCRIBE on transactional ids with prefix umbra-, and see that the target has a transaction coordinator (${state.reason})`;
      return { kind: 'unleased', reason };
    }
    default:
      return undefined;
  }
}
