import type { Logger } from 'pino';
import type { LinkCopying } from '../copying/link-copying.ts';
import { agedSample, type PartitionSample } from '../copying/partition-sample.ts';
import type { LinkProblem, SeenProducer, WorkerReport } from '../copying/worker-report.ts';
import type { MemberData } from '../group/member-data.ts';
import type { PartitionSets } from '../group/partition-sets.ts';
import type { Peers } from '../group/peers.ts';
import type { LinkWorkers } from './link-workers.ts';

interface Member {
  readonly url: string;
  /** What it said it holds, and what it was given on top of that. */
  readonly holds: PartitionSets;
  readonly given: PartitionSets;
}

interface Told {
  readonly report: WorkerReport;
  readonly atMs: number;
}

export interface SiteWorkersPorts {
  readonly own: LinkCopying;
  readonly incarnation: string;
  readonly peers: Peers;
  readonly logger: Logger;
  readonly taskChanged: (reason: string) => void;
  readonly mayAct: () => boolean;
}

/** Questions asked within this time of each other are answered from the same reports. */
const reportAgeMsMax = 500;

/** The workers of the site as their controller knows them: who copies what, and what each last said of it. */
export class SiteWorkers implements LinkWorkers {
  readonly own: LinkCopying;
  readonly #ports: SiteWorkersPorts;
  #members: ReadonlyMap<string, Member> = new Map();
  /** Of the others. */
  #reports: ReadonlyMap<string, Told> = new Map();
  #sharedOut = false;
  #silent: string | undefined;
  #gathering: Promise<void> | undefined;
  #gatheredAtMs = -Infinity;

  constructor(ports: SiteWorkersPorts) {
    this.#ports = ports;
    this.own = ports.own;
  }

  get count(): number {
    return Math.max(1, this.#members.size);
  }

  /** What was known in an earlier lead says nothing of this one. */
  beginLead(): void {
    this.#members = new Map();
    this.#reports = new Map();
    this.#sharedOut = false;
  }

  /** In this lead: who holds what is known. */
  get sharedOutYet(): boolean {
    return this.#sharedOut;
  }

  /** No worker copies anything. */
  get idle(): boolean {
    return this.#sharedOut && [...this.#members.values()].every(({ holds, given }) => holds.size + given.size === 0);
  }

  sharedOut(members: ReadonlyMap<string, MemberData>, given: ReadonlyMap<string, PartitionSets>): void {
    this.#members = new Map(
      [...members].map(([incarnation, { url, holds }]) => [
        incarnation,
        { url, holds, given: given.get(incarnation) ?? new Map() },
      ]),
    );
    this.#sharedOut = true;
    this.#gatheredAtMs = -Infinity;
  }

  get problem(): LinkProblem | undefined {
    if (this.own.problem !== undefined) return this.own.problem;
    // One that is just taking part in the work is no problem of the link.
    const others = [...this.#reports.values()].flatMap(({ report }) => report.problem ?? []);
    return others.find(({ kind }) => kind !== 'acquiring');
  }

  get trouble(): string | undefined {
    const others = [...this.#reports.values()].find(({ report }) => report.trouble !== undefined)?.report.trouble;
    return this.#silent ?? this.own.trouble ?? others;
  }

  /** Those of others as old as they are by now: a worker that falls silent does not keep the time from passing. */
  samples(): readonly PartitionSample[] {
    const nowMs = performance.now();
    const others = [...this.#reports.values()].flatMap(({ report, atMs }) =>
      report.samples.map((sample) => agedSample(sample, nowMs - atMs)),
    );
    return [...this.own.samples(), ...others];
  }

  highestProducers(): readonly SeenProducer[] {
    const others = [...this.#reports.values()].map(({ report }) => report.highestProducer);
    return [this.own.highestProducer, ...others].filter((seen) => seen !== undefined);
  }

  holds(topic: string): boolean {
    if (!this.#sharedOut) return true;
    return [...this.#members.values()].some(({ holds, given }) => holds.has(topic) || given.has(topic));
  }

  copies(incarnation: string, topic: string, partition: number): boolean {
    const member = this.#members.get(incarnation);
    const isIn = (sets: PartitionSets | undefined): boolean => sets?.get(topic)?.includes(partition) === true;
    return isIn(member?.holds) || isIn(member?.given);
  }

  mayAct(): boolean {
    return this.#ports.mayAct();
  }

  taskChanged(reason: string): void {
    this.#ports.taskChanged(reason);
  }

  /** Asks the others what they see, unless they were asked just now. Of one that does not answer the last word stays. */
  async gather(signal: AbortSignal, ageMsMax = reportAgeMsMax): Promise<void> {
    // What is being asked for was asked for before this.
    if (ageMsMax === 0) await this.#gathering;
    if (performance.now() - this.#gatheredAtMs < ageMsMax) return;
    this.#gathering ??= this.#ask(signal).finally(() => (this.#gathering = undefined));
    await this.#gathering;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const others = [...this.#members].filter(([incarnation]) => incarnation !== this.#ports.incarnation);
    let silent: string | undefined;
    const reports = await Promise.all(
      others.map(async ([incarnation, { url }]) => {
        try {
          const report = await this.#ports.peers.report(url, signal);
          if (report.incarnation === incarnation) return { report, atMs: performance.now() };
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          silent = `the worker at ${url} does not say how its part of the link does: ${why}`;
        }
        return this.#reports.get(incarnation);
      }),
    );
    this.#silent = silent;
    this.#reports = new Map(
      reports.filter((told) => told !== undefined).map((told) => [told.report.incarnation, told]),
    );
    this.#gatheredAtMs = performance.now();
  }
}
