/** Of a `PrimaryFollower`. */
export interface Moves {
  readonly onMove: (listener: () => void) => () => void;
}

/** What of a kafkajs producer is needed here. */
export interface ProducerLike {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(record: never): Promise<unknown>;
  sendBatch(batch: never): Promise<unknown>;
  transaction(): Promise<unknown>;
}

/** Used like the producers that it is made of. */
export type FollowingProducer<P extends ProducerLike> = Pick<
  P,
  'connect' | 'disconnect' | 'send' | 'sendBatch' | 'transaction'
>;

export interface FollowProducerOptions {
  /**
   * What becomes of a send that the primary refuses for want of the right to write, as it does while roles move:
   * `hold` sends it again until the roles have moved or `holdMs` is over, `throw` tells at once. Default `hold`.
   */
  readonly refused?: 'hold' | 'throw';
  /** Default 30,000 ms. */
  readonly holdMs?: number;
  /** Told when a producer that is not needed any more does not end as it should. */
  readonly onTrouble?: (error: unknown) => void;
}

/** A producer between two moves. */
interface Generation<P> {
  readonly producer: P;
  readonly connected: Promise<void>;
  /** After so many moves it was made. */
  readonly moves: number;
  inFlight: number;
}

/** The broker has appended nothing, and may once the roles have moved. */
const refusals: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);

/** The broker has appended nothing: it knows this producer from an earlier time, or not at all. */
const staleIdentity: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);

const askAgainMs = 200;
const causesMax = 10;

/**
 * A producer that goes through moves of the primary: for each it takes a new one from `make`, for a kafkajs producer
 * keeps its producer id as long as it lives, and a cluster that it comes back to refuses the sequence it has arrived at
 * (OUT_OF_ORDER_SEQUENCE_NUMBER, for good), as a cluster it never wrote to refuses its transactions. Sends under way are
 * left to the producer that has them, which carries them on.
 *
 * A send that was refused is made again as a whole: of one that goes to several topics or brokers, of which not all
 * refused it, a part may be there twice. A transaction that is open at a move ends with an error; begin it anew.
 */
export function followProducer<P extends ProducerLike>(
  follower: Moves,
  make: () => P,
  options: FollowProducerOptions = {},
): FollowingProducer<P> {
  const generations = new Generations(follower, make, options);
  return {
    connect: () => generations.run(() => Promise.resolve()),
    disconnect: () => generations.end(),
    send: (record: never) => generations.run((producer) => producer.send(record)),
    sendBatch: (batch: never) => generations.run((producer) => producer.sendBatch(batch)),
    transaction: () => generations.run((producer) => producer.transaction()),
  };
}

class Generations<P extends ProducerLike> {
  readonly #make: () => P;
  readonly #options: FollowProducerOptions;
  readonly #forget: () => void;
  /** Not ended yet: the newest, and those before it that still carry sends. */
  readonly #alive = new Set<Generation<P>>();
  readonly #ending = new Set<Promise<void>>();
  readonly #woken = new Set<() => void>();
  #moves = 0;
  #newest: Generation<P> | undefined;
  #ended = false;

  constructor(follower: Moves, make: () => P, options: FollowProducerOptions) {
    this.#make = make;
    this.#options = options;
    this.#forget = follower.onMove(() => {
      this.#moves += 1;
      this.#retire();
      this.#wake();
    });
  }

  async run<T>(work: (producer: P) => Promise<T>): Promise<T> {
    const { holdMs = 30_000 } = this.#options;
    const deadline = performance.now() + holdMs;
    for (;;) {
      const generation = this.#open();
      generation.inFlight += 1;
      try {
        await generation.connected;
        return await work(generation.producer);
      } catch (error) {
        if (!(await this.#maySendAgain(error, generation, deadline))) throw error;
      } finally {
        generation.inFlight -= 1;
        this.#endIfIdle(generation);
      }
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#forget();
    this.#wake();
    for (const generation of this.#alive) this.#finish(generation);
    await Promise.all(this.#ending);
  }

  #open(): Generation<P> {
    if (this.#ended) throw new Error('umbra: the producer is disconnected; call followProducer for another one');
    if (this.#newest !== undefined) return this.#newest;
    const producer = this.#make();
    const connected = producer.connect();
    const generation: Generation<P> = { producer, connected, moves: this.#moves, inFlight: 0 };
    this.#newest = generation;
    this.#alive.add(generation);
    connected.catch(() => {
      // Whoever waits for it is told; the next send tries with another one.
      if (this.#newest === generation) this.#retire();
    });
    return generation;
  }

  #retire(): void {
    const generation = this.#newest;
    this.#newest = undefined;
    if (generation !== undefined) this.#endIfIdle(generation);
  }

  #endIfIdle(generation: Generation<P>): void {
    if (generation !== this.#newest && generation.inFlight === 0) this.#finish(generation);
  }

  #finish(generation: Generation<P>): void {
    if (!this.#alive.delete(generation)) return;
    const ended = generation.producer
      .disconnect()
      .catch((error: unknown) => this.#options.onTrouble?.(error))
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #maySendAgain(error: unknown, { moves }: Generation<P>, deadline: number): Promise<boolean> {
    const type = typeOf(error, [...refusals, ...staleIdentity]);
    const moved = (): boolean => this.#moves > moves;
    if (type === undefined || this.#ended) return false;
    if (staleIdentity.has(type)) return moved();
    const { refused = 'hold' } = this.#options;
    if (moved()) return true;
    const leftMs = deadline - performance.now();
    if (refused === 'throw' || leftMs <= 0) return false;
    await this.#moveOr(Math.min(askAgainMs, leftMs));
    return true;
  }

  #moveOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#woken.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.#woken.add(finish);
    });
  }

  #wake(): void {
    for (const finish of this.#woken) finish();
  }
}

/** kafkajs wraps what a broker answered, once or twice. */
function typeOf(error: unknown, types: readonly string[]): string | undefined {
  let each: unknown = error;
  for (let depth = 0; depth < causesMax && each instanceof Error; depth++) {
    if ('type' in each && typeof each.type === 'string' && types.includes(each.type)) return each.type;
    each = each.cause;
  }
  return undefined;
}
