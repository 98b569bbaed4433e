import { type FenceBook, readFences } from '../../sync/acls/fence-book.ts';
import type { PeerState } from '../moves/peer-state.ts';
import { fenceMemory } from '../state/fence-memory.ts';

/**
 * What the fences at a link's source have changed, by the `_umbra` of that site as it is when it is asked: a fence is
 * written there before it changes anything.
 */
export function sourceFences(peer: PeerState): (signal: AbortSignal) => Promise<readonly FenceBook[]> {
  const memory = fenceMemory(peer.state);
  return async (signal) => {
    await peer.read(signal);
    return [...readFences(memory.pages()).values()];
  };
}
