import { z } from 'zod';

/** What `pulumi stack export` prints, as far as it is needed here. */
const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(z.object({ urn: z.string(), type: z.string(), inputs: z.record(z.string(), z.unknown()).optional() }))
      .optional(),
  }),
});

/** A link in a stack's state. */
export interface StackLink {
  readonly urn: string;
  /** It is deleted without a question; else deleting it is refused while topics follow. */
  readonly detaches: boolean;
}

export function stackLinks(exported: string): readonly StackLink[] {
  const { resources = [] } = exportSchema.parse(JSON.parse(exported)).deployment;
  return resources
    .filter(({ type }) => type === 'umbra:index:ShadowLink')
    .map(({ urn, inputs }) => ({ urn, detaches: inputs?.['onDelete'] === 'detach' }));
}
