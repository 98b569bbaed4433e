import { z } from 'zod';
import { latencySchema } from './load.ts';
import { moverNames } from './mover.ts';

/**
 * What a benchmark measured: the shape of its JSON and of bench/baseline.json. Raw runs only; every ratio and median is
 * computed from them (figures.ts).
 */
const runSchema = z.strictObject({
  /** Bytes of the source's log (or moved by the floor) in the measured time. */
  bytes: z.number(),
  /** Offsets of the source's log that were copied in the measured time. */
  offsets: z.number(),
  /** Offsets by which the source's log grew meanwhile, where somebody wrote to it. */
  writtenOffsets: z.number().optional(),
  /** The measured time: after start-up and warm-up. */
  seconds: z.number(),
  cpuSeconds: z.number(),
  /** The part of it that the kernel took. */
  kernelSeconds: z.number(),
  /** From the start of the process to the begin of the measured time. */
  startUpSeconds: z.number(),
  startUpCpuSeconds: z.number(),
  /** Of the whole life of the process. */
  residentMaxBytes: z.number(),
  /** Of the measured time, `loopBlockedEverMs` of the whole life; only ours tells. */
  inside: z
    .strictObject({
      loopDelayMaxMs: z.number(),
      loopBlockedMaxMs: z.number(),
      loopBlockedEverMs: z.number(),
      loopBusyShare: z.number(),
      markers: z.number(),
    })
    .optional(),
  latency: latencySchema.optional(),
});

export type Run = z.output<typeof runSchema>;

/** The sizes that a goal may ask for; absent where the scenario has no such thing. */
const scaleSchema = z.strictObject({
  partitions: z.int(),
  /** A backlog's, on disk. */
  logMib: z.number().optional(),
  /** Largest batch. */
  batchMib: z.number().optional(),
  /** At which a load was offered. */
  mibPerSecond: z.number().optional(),
});

export type Scale = z.output<typeof scaleSchema>;

const scenarioResultSchema = z.strictObject({
  scenario: z.string(),
  /** What was measured, with its sizes. */
  what: z.string(),
  scale: scaleSchema,
  /** The producer alone, before anybody copied. */
  load: z
    .strictObject({ bytes: z.number(), offsets: z.number(), visibleRecords: z.number(), seconds: z.number() })
    .optional(),
  runs: z.strictObject({
    umbra: z.array(runSchema),
    'mirror-maker': z.array(runSchema),
    floor: z.array(runSchema),
  }),
  /** Runs that are no measurement: what came of them was wrong, or nothing came. */
  failures: z.array(z.strictObject({ mover: z.enum(moverNames), message: z.string() })),
});

export type ScenarioResult = z.output<typeof scenarioResultSchema>;

export const benchResultSchema = z.strictObject({
  date: z.string(),
  commit: z.string(),
  quick: z.boolean(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int(),
    memoryBytes: z.number(),
    os: z.string(),
    /** One-minute load average before the first scenario: others who used the machine. */
    loadBefore: z.number(),
  }),
  versions: z.strictObject({ kafka: z.string(), java: z.string(), node: z.string() }),
  scenarios: z.array(scenarioResultSchema),
});

export type BenchResult = z.output<typeof benchResultSchema>;
