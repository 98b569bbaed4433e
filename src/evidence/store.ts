/** Reads the files of one chain. Rejects with what the disk or AWS said. */
export interface EvidenceReader {
  /** What people are told, such as `/srv/evidence/orders/a/head.json`; without a name the whole of it. */
  where(name?: string): string;
  /** Names of all files, in order; none where there is no chain yet. */
  list(signal?: AbortSignal): Promise<readonly string[]>;
  /** Undefined where there is none. */
  read(name: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
}

/** The head as it was read: whoever replaces it says which one he has seen. */
export interface SeenHead {
  readonly bytes: Uint8Array;
  readonly tag: string;
}

/**
 * A place for one chain in which nothing is ever written over, but for its head. One process at a time writes: the one that
 * leads its site.
 */
export interface EvidenceStore extends EvidenceReader {
  /**
   * Puts a whole file where none is, durably. The same bytes may be put again; for others it rejects with `DIFFERENT`.
   */
  put(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  readHead(signal?: AbortSignal): Promise<SeenHead | undefined>;
  /** Puts a head in the place of the one that was seen. Rejects with `CHAIN_MOVED` where it is another one by now. */
  replaceHead(bytes: Uint8Array, seen: SeenHead | undefined, signal?: AbortSignal): Promise<void>;
}
