import { bounded, type Broker, type Cluster } from '../../kafka/cluster.ts';
import { judge, KafkaError, verdictOf } from '../../kafka/errors.ts';
import {
  coordinatorOf,
  currentHolder,
  initProducerId,
  type ProducerIdentity,
} from '../../kafka/transaction-coordinator.ts';
import type { CopierClock } from '../waiting/copier-clock.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../waiting/wakeup.ts';

/**
 * The right to append, of which there is one per link: the epoch of a transactional id at its coordinator
 * (protocol.md, algorithm 2). Who takes over raises the epoch, which fences the holder before it, waits until whatever
 * that one may still have had under way must be over, and looks once more before it begins.
 *
 * Every append, data or marker, asks {@link AppendLease.held} right before it is sent: true only while an answer of
 * the coordinator that showed our own epoch is younger than {@link leaseMs}, counted from when it was asked for.
 */
export const leaseMs = 300;
/** Longest time between two looks while appends go on. */
const renewAfterMs = 150;
export const settleMs = 2 * leaseMs + 200;
/**
 * Grace for a request that was prepared under a lease just about to end. Together they are shorter than the wait of
 * whoever takes over by a good way: 400 ms are left for the request to arrive.
 */
const sendWithinMs = leaseMs + 100;
/** A coordinator that moves is over sooner: appends that wait longer are worth telling a person. */
const troubleAfterMs = 2_000;
/** Of a transaction that is never begun. Brokers refuse what is above their `transaction.max.timeout.ms`. */
export const transactionTimeoutMs = 10_000;
const transactionalIdAuthorizationFailed = 53;
const transactionalIdNotFound = 105;
const coordinatorNotAvailable = 15;
const transactionStateTopic = '__transaction_state';
/** Some seconds: a fresh cluster makes its transaction topic when first asked. */
const attemptsForCoordinator = 8;
/** What kept a link from having a lease may be put right while it runs. */
const unleasedRetryMs = retryDelays.deniedMs;
/**
 * A coordinator that was cut off from its cluster still answers, from what it knows: another broker is asked that
 * often who coordinates, so that the wait of whoever takes over elsewhere is not outlived.
 */
const coordinatorAgeMsMax = settleMs / 2;
/** A look that takes longer asks a broker that hangs: the next one asks who coordinates now. */
const lookMsMax = 2_000;

export type LeaseState =
  | { readonly kind: 'acquiring'; readonly reason: string | undefined }
  | { readonly kind: 'owned'; readonly identity: ProducerIdentity; readonly seen: Moment }
  /**
   * The right to a transactional id is missing, or the cluster has no transaction coordinator. Ordinary batches are
   * still appended, guarded by producer state and base offsets as for any single writer; nothing protects from a second
   * worker, and gaps are not filled. The lease is tried for again and again.
   */
  | { readonly kind: 'unleased'; readonly reason: string }
  /** Somebody took over: never again in this process. */
  | { readonly kind: 'fenced' };

/** By both clocks: the monotonic one stands still while a machine is suspended, the other one may be set. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

interface Coordinator {
  readonly broker: Broker;
  readonly foundAtMs: number;
}

/** What streams need to know of the lease. */
export interface AppendGate {
  /** Under which markers are written; undefined unless owned. */
  readonly identity: ProducerIdentity | undefined;
  /** May an append be prepared at this very moment? */
  held(): boolean;
  /**
   * May what was prepared leave now? Asked when its bytes are about to go out: a process that was stopped meanwhile, or
   * a connection that was busy with its credentials, must not send what was right some time ago.
   */
  maySend(): boolean;
  /**
   * Asks the coordinator anew: is the lease still ours? To be known before a log that moved without us is called
   * damage: who took over may rightly have moved it. False as well when `signal` aborts.
   */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** Resolves when appends may be sent, the lease is lost for good, or `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

export interface LeaseOptions {
  readonly target: Cluster;
  readonly transactionalId: string;
  readonly clock: CopierClock;
  /** A further condition for every append, beside the lease. */
  readonly allowed: () => boolean;
  /** Called once, when somebody else holds the lease. */
  readonly onFenced: () => void;
  /** Nothing may be concluded any more from what is known of the copies: the lease has to be taken anew. */
  readonly onLapsed: () => void;
}

export class AppendLease implements AppendGate {
  readonly #options: LeaseOptions;
  #state: LeaseState = { kind: 'acquiring', reason: undefined };
  #renewing: Promise<void> | undefined;
  #coordinator: Coordinator | undefined;
  readonly #changed = new Wakeup();
  /** Since when an append has been waiting, and why the newest look failed, if it did. */
  #waitingSinceMs: number | undefined;
  #lookTrouble: string | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Under which markers are written; undefined unless owned. */
  get identity(): ProducerIdentity | undefined {
    return this.#state.kind === 'owned' ? this.#state.identity : undefined;
  }

  /** Why appends have been waiting for some seconds although the lease is ours. */
  get trouble(): string | undefined {
    if (this.#state.kind !== 'owned' || this.#waitingSinceMs === undefined) return undefined;
    if (this.#options.clock.monotonicMs() - this.#waitingSinceMs < troubleAfterMs) return undefined;
    const why = this.#lookTrouble ?? `the transaction coordinator takes longer than ${leaseMs} ms to answer`;
    return `nothing may be appended while the lease cannot be renewed: ${why}`;
  }

  held(): boolean {
    if (!this.#options.allowed()) return false;
    if (this.#state.kind === 'unleased') return true;
    if (this.#state.kind !== 'owned') return false;
    const ageMs = this.#ageMs(this.#state.seen);
    if (ageMs >= renewAfterMs) this.#renew();
    if (ageMs < leaseMs) this.#waitingSinceMs = undefined;
    return ageMs < leaseMs;
  }

  maySend(): boolean {
    if (!this.#options.allowed()) return false;
    if (this.#state.kind === 'unleased') return true;
    return this.#state.kind === 'owned' && this.#ageMs(this.#state.seen) < sendWithinMs;
  }

  /** By the clock that says more. */
  #ageMs(seen: Moment): number {
    const now = this.#now();
    return Math.max(now.monotonicMs - seen.monotonicMs, now.wallMs - seen.wallMs);
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.now().getTime() };
  }

  async confirm(signal: AbortSignal): Promise<boolean> {
    const pause = new Wakeup();
    const sinceMs = this.#options.clock.monotonicMs();
    for (let attempt = 0; !hasAborted(signal); attempt++) {
      if (this.#state.kind === 'unleased') return true;
      if (this.#state.kind !== 'owned') return false;
      if (this.#state.seen.monotonicMs >= sinceMs) return true;
      this.#renew();
      await this.#renewing;
      // The first look may have been under way before; only failures are worth a pause.
      if (attempt > 0) await pause.wait(signal, retryDelays.after(attempt));
    }
    return false;
  }

  /**
   * Takes the lease and keeps it taken until it is lost to somebody else or `signal` aborts. A coordinator forgets an
   * id that nobody wrote to for `transactional.id.expiration.ms` (7 days by default), and looking is no writing: the
   * lease is then taken anew.
   */
  async run(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal) && this.#state.kind !== 'fenced') {
      if (this.#state.kind === 'acquiring') await this.#acquire(signal);
      else if (this.#state.kind === 'owned') await this.#changed.wait(signal);
      else {
        await pause.wait(signal, unleasedRetryMs);
        await this.#acquire(signal);
      }
    }
  }

  /** Resolves when a resume may begin: the lease is owned, or cannot be had. Also when it is lost or `signal` aborts. */
  async ready(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    while (!hasAborted(signal) && this.#state.kind === 'acquiring') await pause.wait(signal, retryDelays.firstMs);
  }

  /**
   * Takes over: fences whoever had it, waits, looks once more. Retries until it has it or `signal` aborts; where it
   * cannot be had the first refusal is enough, and the state stays `unleased` while it is tried again.
   */
  async #acquire(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 1; !hasAborted(signal); attempt++) {
      try {
        const { target, transactionalId } = this.#options;
        const identity = await initProducerId(target, transactionalId, transactionTimeoutMs);
        await pause.wait(signal, settleMs);
        if (hasAborted(signal)) return;
        await this.#ask(identity);
        return;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (this.#state.kind === 'unleased' || (await this.#cannotBeLeased(error, attempt))) {
          this.#state = { kind: 'unleased', reason };
          return;
        }
        this.#state = { kind: 'acquiring', reason };
        const soon = ['moved', 'later'].includes(verdictOf(error));
        await pause.wait(signal, soon ? retryDelays.after(attempt) : retryDelays.deniedMs);
      }
    }
  }

  /**
   * The right is missing, or the cluster has no transaction coordinator at all: nobody can hold a lease there then, as
   * against a coordinator that is down, which is waited for.
   */
  async #cannotBeLeased(error: unknown, attempt: number): Promise<boolean> {
    if (!(error instanceof KafkaError)) return false;
    if (error.code === transactionalIdAuthorizationFailed) return true;
    if (error.code !== coordinatorNotAvailable || attempt < attemptsForCoordinator) return false;
    try {
      const metadata = await this.#options.target.metadata([transactionStateTopic]);
      return !metadata.topics.has(transactionStateTopic);
    } catch {
      // Not to be told is not a reason to go without.
      return false;
    }
  }

  /** Resolves when appends may be sent, the lease is lost for good, or `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let attempt = 0;
    while (!hasAborted(signal) && !this.held() && this.#state.kind !== 'fenced') {
      this.#waitingSinceMs ??= this.#options.clock.monotonicMs();
      await this.#renewing;
      if (this.held()) return;
      await pause.wait(signal, retryDelays.after(attempt++));
    }
  }

  /** Looks whether the lease is still ours: a worker with nothing to append has to notice as well. */
  look(): void {
    this.#renew();
  }

  #renew(): void {
    if (this.#state.kind !== 'owned' || this.#renewing !== undefined) return;
    const { identity } = this.#state;
    this.#renewing = this.#ask(identity)
      .catch((error: unknown) => {
        // Not renewed is not lost: appends wait, and the next one asks again, at the coordinator of then.
        this.#coordinator = undefined;
        this.#lookTrouble = error instanceof Error ? error.message : String(error);
        if (!(error instanceof KafkaError)) return;
        if (judge(error.code) === 'fenced') this.#lose();
        else if (error.code === transactionalIdNotFound) this.#lapse(error.message);
      })
      .finally(() => (this.#renewing = undefined));
  }

  async #ask(identity: ProducerIdentity): Promise<void> {
    const { broker } = await this.#findCoordinator();
    const seen = this.#now();
    const holder = await bounded(broker.connection, lookMsMax, () =>
      currentHolder(broker, this.#options.transactionalId),
    );
    if (holder.producerId === identity.producerId && holder.producerEpoch === identity.producerEpoch) {
      this.#lookTrouble = undefined;
      this.#state = { kind: 'owned', identity, seen };
    } else {
      this.#lose();
    }
  }

  async #findCoordinator(): Promise<Coordinator> {
    const { target, transactionalId, clock } = this.#options;
    const known = this.#coordinator;
    const nowMs = clock.monotonicMs();
    if (known?.broker.connection.closed === false && nowMs - known.foundAtMs < coordinatorAgeMsMax) return known;
    const broker = await coordinatorOf(target, transactionalId);
    return (this.#coordinator = { broker, foundAtMs: nowMs });
  }

  /** Nobody holds it any more: appends wait until it is taken anew. */
  #lapse(reason: string): void {
    if (this.#state.kind !== 'owned') return;
    this.#state = { kind: 'acquiring', reason };
    this.#options.onLapsed();
    this.#changed.wake();
  }

  #lose(): void {
    if (this.#state.kind === 'fenced') return;
    this.#state = { kind: 'fenced' };
    this.#options.onFenced();
    this.#changed.wake();
  }
}
