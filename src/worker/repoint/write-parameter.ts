import { z } from 'zod';
import { AwsProblem } from '../../aws/aws-problem.ts';
import type { Parameters } from '../../aws/ssm-parameters.ts';
import { siteIdSchema } from '../../pair/site.ts';
import type { Attempt } from './attempt.ts';
import type { Move, ParameterHook } from './repoint-spec.ts';

/** What the parameter says. A program that declares it gives it its first value in the same shape. */
export const primaryPointerSchema = z.object({
  /** How the names of the topics begin that it is about. */
  prefix: z.string(),
  primary: siteIdSchema,
  /** Of the move that wrote it; a parameter with a higher one is newer. */
  term: z.int().min(0),
  bootstrapServers: z.array(z.string()),
  operation: z.string().optional(),
  /** Topics of that prefix that the operation moved: all of them only if there are no others. */
  topics: z.int().min(0).optional(),
});

export type PrimaryPointer = z.output<typeof primaryPointerSchema>;

/**
 * Writes who is primary into the parameter of each region, both regions at once: one that is lost keeps nobody from being
 * told in the other. A parameter that has heard of a higher term is left alone: this move is late.
 */
export async function writeParameter(
  hook: ParameterHook,
  move: Move,
  { open, signal }: { readonly open: (region: string) => Parameters; readonly signal: AbortSignal },
): Promise<Attempt> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(hook.timeoutMs)]);
  const pointer = renderPointer(hook.prefix, move);
  const outcomes = await Promise.all(
    hook.regions.map(async (region) => ({ region, ...(await written(open(region), hook.name, pointer, bounded)) })),
  );
  const late = outcomes.filter(({ kind }) => kind === 'late').map(({ region }) => region);
  const failed = outcomes.flatMap(({ region, reason }) => (reason === undefined ? [] : [`${region}: ${reason}`]));
  if (failed.length > 0) {
    const done = outcomes.filter(({ kind }) => kind === 'written').map(({ region }) => region);
    return {
      kind: 'failed',
      reason: `${failed.join('; ')}${done.length === 0 ? '' : ` (written in ${done.join(', ')})`}`,
    };
  }
  if (late.length === 0) return { kind: 'done' };
  return { kind: 'done', shown: `wrote nothing in ${late.join(', ')}: ${hook.name} knows of a later move` };
}

function renderPointer(prefix: string, { to, term, bootstrapServers, operationId, topics }: Move): PrimaryPointer {
  return {
    ...{ prefix, primary: to, term, bootstrapServers: [...bootstrapServers], operation: operationId },
    topics: topics.filter((topic) => topic.startsWith(prefix)).length,
  };
}

interface Outcome {
  readonly kind: 'written' | 'late' | 'failed';
  readonly reason?: string;
}

async function written(
  parameters: Parameters,
  name: string,
  pointer: PrimaryPointer,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const there = parsed(await parameters.read(name, signal));
    if (there !== undefined && there.term > pointer.term) return { kind: 'late' };
    await parameters.write(name, JSON.stringify(pointer), signal);
    return { kind: 'written' };
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', reason: 'it did not answer in time' };
    if (error instanceof AwsProblem) return { kind: 'failed', reason: error.message };
    throw error;
  }
}

/** Undefined for what is no pointer: somebody wrote something else there, and wants to be told. */
function parsed(text: string | undefined): PrimaryPointer | undefined {
  try {
    return primaryPointerSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
