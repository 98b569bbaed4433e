import { z } from 'zod';

/** Of Prometheus: true where the query has an answer that is not empty and not 0. */
const prometheusCondition = z.strictObject({
  kind: z.literal('prometheus'),
  /** Base URL of its HTTP API. */
  url: z.url({ protocol: /^https?$/, error: 'must look like http://host:port' }),
  query: z.string().min(1).max(2_000),
});

/** The exposure of a link of the pair, at this moment. */
const exposureCondition = z.strictObject({ kind: z.literal('exposureAbove'), seconds: z.number().min(0).max(86_400) });

/** A finding of an earlier drill that is not closed. */
const findingCondition = z.strictObject({
  kind: z.literal('openFinding'),
  severity: z.enum(['critical', 'major', 'minor']),
});

const conditionSchema = z.discriminatedUnion('kind', [prometheusCondition, exposureCondition, findingCondition]);

/** Keeps a drill from beginning. One that cannot be asked keeps it from beginning, too. */
export const blockIfSchema = z.array(conditionSchema).max(20);

/** Ends a drill that runs, as an outcome alarm. One that cannot be asked for two looks ends it as stale. */
export const abortIfSchema = z.array(z.discriminatedUnion('kind', [prometheusCondition, exposureCondition])).max(20);

export type Condition = z.output<typeof conditionSchema>;

/** How it is called where it stands against a drill. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'prometheus':
      return `the query ${condition.query}`;
    case 'exposureAbove':
      return `an exposure above ${condition.seconds} s`;
    case 'openFinding':
      return `an open finding that is ${condition.severity}`;
  }
}
