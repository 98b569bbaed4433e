import { z } from 'zod';
import type { Condition } from '../../drill/conditions.ts';
import type { DrillPorts } from './drill-ports.ts';

export type Asked =
  | { readonly kind: 'holds' }
  | { readonly kind: 'does not hold' }
  | { readonly kind: 'unknown'; readonly reason: string };

const answerMsMax = 5_000;
const bytesMax = 1 << 20;

/** Of `GET /api/v1/query`: https://prometheus.io/docs/prometheus/latest/querying/api/ */
const sample = z.tuple([z.number(), z.string()]);
const answerSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample })) }),
      z.object({ resultType: z.literal('scalar'), result: sample }),
      z.object({ resultType: z.literal('matrix'), result: z.array(z.unknown()) }),
      z.object({ resultType: z.literal('string'), result: sample }),
    ]),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

/** Whether a condition of a drill holds now. Never rejects. */
export async function askCondition(
  condition: Condition,
  { link, findings }: Pick<DrillPorts, 'link'> & { readonly findings?: OpenFindings },
  signal: AbortSignal,
): Promise<Asked> {
  switch (condition.kind) {
    case 'exposureAbove': {
      const exposure = link()?.view().exposure;
      if (exposure === undefined) return { kind: 'unknown', reason: 'no link ends here' };
      return { kind: exposure.seconds > condition.seconds ? 'holds' : 'does not hold' };
    }
    case 'openFinding':
      return { kind: (findings?.open(condition.severity) ?? 0) > 0 ? 'holds' : 'does not hold' };
    case 'prometheus':
      return askPrometheus(condition, signal);
  }
}

/** How many findings of that severity are not closed. */
export interface OpenFindings {
  open(severity: 'critical' | 'major' | 'minor'): number;
}

async function askPrometheus(
  { url, query }: Extract<Condition, { kind: 'prometheus' }>,
  signal: AbortSignal,
): Promise<Asked> {
  try {
    const asked = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`);
    asked.searchParams.set('query', query);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]);
    const response = await fetch(asked, { signal: bounded, redirect: 'error' });
    const text = await response.text();
    if (text.length > bytesMax) return { kind: 'unknown', reason: 'its answer is too long' };
    const parsed = answerSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return { kind: 'unknown', reason: `it answered ${response.status} with something else` };
    if (parsed.data.status === 'error') return { kind: 'unknown', reason: parsed.data.error.slice(0, 300) };
    return { kind: isTrue(parsed.data.data) ? 'holds' : 'does not hold' };
  } catch (error) {
    return { kind: 'unknown', reason: error instanceof Error ? reasonOf(error) : String(error) };
  }
}

type Data = Extract<z.output<typeof answerSchema>, { status: 'success' }>['data'];

/** As an alert would fire: an answer that is not empty; a value 0 is no. */
function isTrue(data: Data): boolean {
  switch (data.resultType) {
    case 'vector':
      return data.result.some(({ value }) => Number(value[1]) !== 0);
    case 'scalar':
      return Number(data.result[1]) !== 0;
    case 'matrix':
      return data.result.length > 0;
    case 'string':
      return data.result[1] !== '';
  }
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`.slice(0, 300);
}
