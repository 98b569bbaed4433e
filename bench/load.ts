import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type ClusterConfigInput } from '../src/kafka/cluster-config.ts';
import { childEnvironment } from '../src/local/child-environment.ts';
import { classArchiveOptions } from '../src/local/class-archive.ts';
import { writePrivateJson } from '../src/local/private-file.ts';
import { runCommand } from '../src/local/run-command.ts';
import { javaClientProperties, javaTool } from '../tools/java-client.ts';
import { ToolError } from '../tools/steps.mjs';

/** What both jobs of java/Load.java say about the records. */
export interface RecordsPlan {
  readonly topics: readonly string[];
  /** Of each topic. */
  readonly partitions: number;
  readonly valueBytes: number;
  /** `random` does not compress, `json` does. */
  readonly content: 'random' | 'json';
  /** Settings of the producer beside the client's defaults (and acks=all). */
  readonly producer: Readonly<Record<string, string | number>>;
}

/** Writes records, partitions in turn, as fast as it goes or at a rate. */
export interface ProduceJob extends RecordsPlan {
  /** At most. */
  readonly records: number;
  /** Ends after this time (and what warms up) even when there are more records; whole transactions. */
  readonly seconds?: number;
  readonly warmUpSeconds?: number;
  readonly recordsPerSecond?: number;
  /** Records of one transaction; every so manyth is aborted (0: none). The producer's settings name the id. */
  readonly transactions?: { readonly records: number; readonly abortEvery: number };
}

/** Writes at a rate, reads at both clusters, measures times. */
export interface SteadyJob extends RecordsPlan {
  readonly recordsPerSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** How long the last records may take to reach the readers. */
  readonly drainSeconds: number;
}

const producedSchema = z.strictObject({
  records: z.int(),
  /** Those that a reader of committed records sees. */
  visibleRecords: z.int(),
  seconds: z.number(),
});
export type Produced = z.output<typeof producedSchema>;

const percentilesSchema = z.strictObject({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() });

export const latencySchema = z.strictObject({
  records: z.int(),
  /** Records that had not reached the target's reader when the wait ended. */
  missing: z.int(),
  /** From the send to a reader at the source: the brokers' own produce and fetch time. */
  source: percentilesSchema,
  /** From the send to a reader at the target. */
  target: percentilesSchema,
  /** How much later each record came to the reader at the target than to the one at the source. */
  added: percentilesSchema,
});
export type Latency = z.output<typeof latencySchema>;

export interface RunningLoad {
  /** @throws with its last words when it has ended by itself */
  assertRunning(): void;
  /** Kills it; for loads without an end. */
  stop(): Promise<void>;
}

/** `measuring` when the warm-up is over, `sent` when the last record was sent. */
export type LoadEvent = 'measuring' | 'sent';

const jobTimeoutMs = 900_000;
/** Of a load beside a run: longer than any run may take. */
const liveTimeoutMs = 3_600_000;
const javaFlags = ['-Xms256m', '-Xmx1g', '-XX:+UseSerialGC', '-Xshare:auto'];

/** Kafka's Java clients as the applications of the benchmark: one process per job. */
export class LoadTool {
  readonly #folder: string;
  /** Of `java`: where the classes are. */
  readonly #classes: readonly string[];
  readonly #signal: AbortSignal;
  #jobs = 0;

  private constructor(folder: string, classes: readonly string[], signal: AbortSignal) {
    this.#folder = folder;
    this.#classes = classes;
    this.#signal = signal;
  }

  /** @throws {ToolError} when there is a Java to run, but none to compile with */
  static async requireCompiler(signal: AbortSignal): Promise<void> {
    const javac = javaTool('javac', process.env);
    try {
      await runCommand(javac, ['-version'], { env: process.env, signal, timeoutMs: 60_000 });
    } catch (error) {
      signal.throwIfAborted();
      const remedy = 'Install a JDK (a JRE has no compiler), or set JAVA_HOME to one.';
      throw new ToolError(`The benchmark compiles its load, and ${javac} does not run. ${remedy}`, { cause: error });
    }
  }

  /** Compiles java/Load.java into `folder`. @param libs folder with Kafka's jars */
  static async compile(folder: string, libs: string, signal: AbortSignal): Promise<LoadTool> {
    const classes = join(folder, 'classes');
    await mkdir(classes, { recursive: true });
    const jars = join(libs, '*');
    const bounds = { env: process.env, signal, timeoutMs: 120_000 };
    const source = join(import.meta.dirname, 'java', 'Load.java');
    const result = await runCommand(javaTool('javac', process.env), ['-cp', jars, '-d', classes, source], bounds);
    if (result.exitCode !== 0) throw new Error(`javac failed (${result.exitCode}):\n${result.output.slice(-4000)}`);
    // The jars go first: an archive of their classes is of a class path that begins with them.
    return new LoadTool(folder, [...classArchiveOptions(libs), '-cp', `${jars}:${classes}`], signal);
  }

  /** `onEvent` hears of jobs that have `seconds`. */
  async produce(
    cluster: ClusterConfigInput,
    job: ProduceJob,
    onEvent: (event: LoadEvent) => void = () => undefined,
  ): Promise<Produced> {
    const file = await this.#plan({ kind: 'produce', client: javaClientProperties(cluster), ...job });
    return producedSchema.parse(await this.#run(file, onEvent));
  }

  /** Starts to write and returns; what it wrote is not told. */
  async startProducing(cluster: ClusterConfigInput, job: ProduceJob): Promise<RunningLoad> {
    const file = await this.#plan({ kind: 'produce', client: javaClientProperties(cluster), ...job });
    const child = this.#spawn(file, { stdout: 'ignore', timeoutMs: liveTimeoutMs });
    const lastWords = tailOf(child);
    let over = false;
    const ended = endOf(child).finally(() => (over = true));
    return {
      assertRunning() {
        if (over) throw new Error(`the live load ended before the run:\n${lastWords()}`);
      },
      async stop() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  async steady(
    sites: { readonly source: ClusterConfigInput; readonly target: ClusterConfigInput },
    job: SteadyJob,
    onEvent: (event: LoadEvent) => void,
  ): Promise<Latency> {
    const clients = { client: javaClientProperties(sites.source), target: javaClientProperties(sites.target) };
    const file = await this.#plan({ kind: 'steady', ...clients, ...job });
    return latencySchema.parse(await this.#run(file, onEvent));
  }

  async #plan(job: object): Promise<string> {
    this.#jobs += 1;
    const file = join(this.#folder, `job-${this.#jobs}.json`);
    await writePrivateJson(file, job);
    return file;
  }

  #spawn(
    file: string,
    { stdout, timeoutMs }: { readonly stdout: 'pipe' | 'ignore'; readonly timeoutMs: number },
  ): ReturnType<typeof spawn> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]);
    return spawn(javaTool('java', process.env), [...javaFlags, ...this.#classes, 'Load', file], {
      env: childEnvironment(process.env),
      stdio: ['ignore', stdout, 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
  }

  async #run(file: string, onEvent: (event: LoadEvent) => void): Promise<unknown> {
    const child = this.#spawn(file, { stdout: 'pipe', timeoutMs: jobTimeoutMs });
    const lastWords = tailOf(child);
    const ended = endOf(child);
    let last: unknown;
    if (child.stdout !== null) {
      for await (const line of createInterface({ input: child.stdout })) {
        if (!line.startsWith('{')) continue;
        const event = eventSchema.safeParse(JSON.parse(line));
        if (event.success) onEvent(event.data.event);
        else last = JSON.parse(line);
      }
    }
    const code = await ended;
    this.#signal.throwIfAborted();
    if (code !== 0) throw new Error(`the Java load ended with ${code ?? 'a signal'}:\n${lastWords()}`);
    return last;
  }
}

const lastCharsMax = 4_000;

/** What the process writes to stderr, the end of it. */
function tailOf(child: ReturnType<typeof spawn>): () => string {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-lastCharsMax)));
  return () => errors;
}

/** The exit code, `undefined` when a signal ended it or it was never started. Never rejects: an abort ends it as well. */
async function endOf(child: ReturnType<typeof spawn>): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.on('error', () => {
      if (child.pid === undefined) resolve(undefined);
    });
    child.once('exit', (code) => resolve(code ?? undefined));
  });
}

const eventSchema = z.strictObject({ event: z.enum(['measuring', 'sent']) });
