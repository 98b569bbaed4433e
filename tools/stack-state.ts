import { z } from 'zod';

/** What `pulumi stack export` prints, as far as it is needed here. */
const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(z.object({ urn: z.string(), type: z.string(), inputs: z.record(z.string(), z.unknown()).optional() }))
      .optional(),
  }),
});

const asking = ['umbra:index:ShadowLink', 'umbra:index:DrillSchedule'];

/** A link or a drill in a stack's state. */
export interface AskingResource {
  readonly urn: string;
  /** It is deleted without its worker's word; else deleting a link is refused while topics follow. */
  readonly detaches: boolean;
}

/** What asks its worker before it is deleted, unless it was told to detach. */
export function askingResources(exported: string): readonly AskingResource[] {
  const { resources = [] } = exportSchema.parse(JSON.parse(exported)).deployment;
  return resources
    .filter(({ type }) => asking.includes(type))
    .map(({ urn, inputs }) => ({ urn, detaches: inputs?.['onDelete'] === 'detach' }));
}
