import { AwsProblem } from '../../aws/aws-problem.ts';
import type { Parameters } from '../../aws/ssm-parameters.ts';
import { lateBecause, pointerOf, type PrimaryPointer, primaryPointerSchema } from '../../pair/primary-pointer.ts';
import type { Attempt } from './attempt.ts';
import type { Move, ParameterHook } from './repoint-spec.ts';

/**
 * Writes who is primary into the parameter of each region, both regions at once: one that is lost keeps nobody from being
 * told in the other. A parameter that a later move of the same topics has written is left alone, which is a failure: people
 * are to look. SSM has no conditional write, so that it is read back, and what somebody else wrote meanwhile is looked at
 * anew by the next attempt.
 */
export async function writeParameter(
  hook: ParameterHook,
  move: Move,
  { open, signal }: { readonly open: (region: string) => Parameters; readonly signal: AbortSignal },
): Promise<Attempt> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(hook.timeoutMs)]);
  const outcomes = await Promise.all(
    hook.regions.map(async (region) => ({ region, reason: await written(open(region), hook, move, bounded) })),
  );
  const failed = outcomes.flatMap(({ region, reason }) => (reason === undefined ? [] : [`${region}: ${reason}`]));
  if (failed.length === 0) return { kind: 'done' };
  const done = outcomes.flatMap(({ region, reason }) => (reason === undefined ? [region] : []));
  return {
    kind: 'failed',
    reason: `${failed.join('; ')}${done.length === 0 ? '' : ` (written in ${done.join(', ')})`}`,
  };
}

/** Why it is not, in words; undefined when it is. */
async function written(
  parameters: Parameters,
  { name, prefix }: ParameterHook,
  move: Move,
  signal: AbortSignal,
): Promise<string | undefined> {
  const wanted = JSON.stringify(pointerOf(prefix, move));
  try {
    const text = await parameters.read(name, signal);
    if (text === wanted) return undefined;
    const there = parsed(text);
    const late = there && lateBecause(there, prefix, move);
    if (late !== undefined) return `left alone, for this move is late: ${late}`;
    await parameters.write(name, wanted, signal);
    return (await parameters.read(name, signal)) === wanted ? undefined : 'somebody else wrote it at the same time';
  } catch (error) {
    if (signal.aborted) return 'it did not answer in time';
    if (error instanceof AwsProblem) return error.message;
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
