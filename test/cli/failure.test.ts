import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { failureOf, renderFailure } from '../../src/cli/failure.ts';
import { LocalProblem } from '../../src/local/local-problems.ts';
import { problems, Problem, type ProblemCode } from '../../src/worker/problems.ts';

const asText = { json: false, debug: false };

describe('a failure', () => {
  test.each(Object.keys(problems) as ProblemCode[])('%s ends with its exit code and its remedy', (code) => {
    const failure = failureOf(new Problem(code, 'what and where'));
    expect(failure.exit).toBe(problems[code].exit);
    expect(renderFailure(failure, asText)).toBe(`umbra: what and where\n  → ${problems[code].remedy}`);
  });

  test('of the local room keeps its lines of log, and its remedy is said once', () => {
    const failure = failureOf(new LocalProblem('BROKER_DIED', 'Broker 1 of a died.\nLast lines:\n  FATAL\u0007'));
    expect(failure.exit).toBe(problems.NOT_READY.exit);
    expect(renderFailure(failure, asText)).toBe(
      `umbra: Broker 1 of a died.\nLast lines:\n  FATAL\n  → ${new LocalProblem('BROKER_DIED', '').remedy}`,
    );
    expect(failureOf(new LocalProblem('INVALID_SPEC', 'x')).exit).toBe(problems.INVALID_INPUT.exit);
  });

  test('in how it was called is an input error', () => {
    const failure = failureOf(
      new CommanderError(1, 'commander.unknownCommand', "error: unknown command 'x'\n(Did you mean y?)"),
    );
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', exit: 2, message: "unknown command 'x' (Did you mean y?)" });
  });

  test('nobody foresaw shows no stack unless it is asked for', () => {
    const failure = failureOf(new TypeError('x is not a function'));
    expect(failure.exit).toBe(70);
    expect(renderFailure(failure, asText)).toMatch(/^umbra: unexpected: x is not a function\n {2}→ .*UMBRA_DEBUG=1.*$/);
    expect(renderFailure(failure, { json: false, debug: true })).toContain('failure.test.ts');
  });

  test('by Ctrl-C is no error of umbra', () => {
    expect(failureOf(new DOMException('This operation was aborted', 'AbortError'))).toMatchObject({ exit: 130 });
  });

  test('as JSON has the same in fields', () => {
    const text = renderFailure(failureOf(new Problem('NO_PAIR', 'no pair\u001B[2J')), { json: true, debug: false });
    expect(JSON.parse(text)).toEqual({
      problem: { code: 'NO_PAIR', message: 'no pair\u001B[2J', remedy: problems.NO_PAIR.remedy },
    });
    expect(text).not.toContain('\u001B');
  });
});
