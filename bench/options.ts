import { parseArgs } from 'node:util';
import { ToolError } from '../tools/steps.mjs';
import { type MoverName, moverNames } from './mover.ts';
import { scenarios } from './scenarios.ts';

export interface BenchOptions {
  /** In the catalogue's order. */
  readonly scenarios: readonly string[];
  readonly quick: boolean;
  readonly repetitions: number;
  readonly movers: readonly MoverName[];
  /** Where the JSON goes besides the table. */
  readonly json: string | undefined;
  readonly compare: boolean;
  readonly saveBaseline: boolean;
  /** Folder for CPU profiles of our process. */
  readonly profile: string | undefined;
}

export const usage = `npm run bench -- [SCENARIO …] [options]

  SCENARIO            some of: ${scenarios('full')
    .map(({ name }) => name)
    .join(', ')} (default: all)
  --quick             everything smaller, one repetition: ten minutes; goals of the full scale are not judged
  --repetitions N     default 3, interleaved
  --only MOVER        umbra, mirror-maker or floor; may be repeated (default: all that a scenario has)
  --json FILE         writes what was measured
  --compare           beside bench/baseline.json, a full run; exit code 1 when something is much worse
  --save-baseline     writes bench/baseline.json (keeps scenarios that were not part of this run)
  --profile FOLDER    CPU profiles of our process, and where its time goes
`;

const repetitionsMax = 20;

/** @throws {ToolError} with the field, the value and what is allowed */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const known = scenarios('full').map(({ name }) => name);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ToolError(`No scenario ${unknown}; there are ${known.join(', ')}.`);
  const quick = values.quick === true;
  const [compare, saveBaseline] = [values.compare === true, values['save-baseline'] === true];
  if (quick && (compare || saveBaseline)) throw new ToolError('The baseline is of full runs: not with --quick.');
  return {
    scenarios: positionals.length === 0 ? known : known.filter((name) => positionals.includes(name)),
    quick,
    repetitions: repetitionsOf(values.repetitions, quick),
    movers: moversOf(values.only),
    json: values.json,
    compare,
    saveBaseline,
    profile: values.profile,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<typeof config>> {
  try {
    return parseArgs({ ...config, args: [...args] });
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
}

const config = {
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    repetitions: { type: 'string' },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    compare: { type: 'boolean' },
    'save-baseline': { type: 'boolean' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
} as const;

function repetitionsOf(given: string | undefined, quick: boolean): number {
  if (given === undefined) return quick ? 1 : 3;
  const count = Number(given);
  if (Number.isInteger(count) && count >= 1 && count <= repetitionsMax) return count;
  throw new ToolError(`--repetitions is ${given}; it must be a whole number from 1 to ${repetitionsMax}.`);
}

function moversOf(given: readonly string[] | undefined): readonly MoverName[] {
  if (given === undefined) return moverNames;
  return given.map((name) => {
    const mover = moverNames.find((each) => each === name);
    if (mover === undefined) throw new ToolError(`--only is ${name}; it must be one of ${moverNames.join(', ')}.`);
    return mover;
  });
}
