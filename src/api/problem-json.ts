import { z } from 'zod';
import { Problem, problems, type ProblemCode } from '../worker/problems.ts';

/** RFC 9457 with the two fields umbra adds: `code` from the table of problems and the `remedy` that goes with it. */
export const problemBodySchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  remedy: z.string(),
});
export type ProblemBody = z.output<typeof problemBodySchema>;

export const problemContentType = 'application/problem+json';

export function problemBody(problem: Problem): ProblemBody {
  return {
    type: `urn:umbra:problem:${problem.code}`,
    title: problem.code.toLowerCase().replaceAll('_', ' '),
    status: problems[problem.code].status,
    code: problem.code,
    detail: problem.message,
    remedy: problem.remedy,
  };
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code);
}

/** Codes that fastify itself rejects requests with, in our words. */
const frameworkProblems: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'INVALID_INPUT', detail: 'body: is not valid JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'INVALID_INPUT', detail: 'body: must not be empty' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'INVALID_INPUT', detail: 'body: is not as long as Content-Length says' },
  FST_ERR_BAD_URL: { code: 'INVALID_INPUT', detail: 'the URL is not well-formed' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'BODY_TOO_LARGE', detail: 'the body is larger than this API takes' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'UNSUPPORTED_MEDIA_TYPE', detail: 'the body is not application/json' },
  FST_ERR_HANDLER_TIMEOUT: { code: 'NOT_READY', detail: 'the worker did not finish the request in time' },
};

/** What a thrown value becomes for the caller. Nothing of an unexpected error reaches him: it may hold anything. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const known = frameworkProblems[codeOf(thrown)];
  if (known !== undefined) return new Problem(known.code, known.detail, { cause: thrown });
  return new Problem('INTERNAL', 'the worker met an error it does not know; its log says more', { cause: thrown });
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
