import pulumi from '@pulumi/pulumi';
import type { DrillSpecInput } from '../../drill/drill-spec.ts';
import type { SpecArgs } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

/** One drill as it is declared: docs/drill-schedules.md has the schedule. */
export type DrillArgs = DrillSpecInput;

export type DrillScheduleArgs = DrillArgs &
  SpecArgs & {
    /** API of a worker at `site`: a drill is defined, stored and run at the site that it activates. */
    readonly worker: pulumi.Input<string>;
    /** Default `refuse`: it is not deleted without its worker's word. `detach` does not wait for a worker that is away. */
    readonly onDelete?: 'refuse' | 'detach';
  };

/** A drill that is run at its times, or when somebody asks where it has none. Deleting it keeps the history and the evidence. */
export class DrillSchedule extends pulumi.CustomResource {
  /** False where its worker had it otherwise when it was looked at: the next update declares it again. */
  declare readonly declared: pulumi.Output<boolean>;

  constructor(name: string, args: DrillScheduleArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    const props = { ...rest, ...secretToken(apiToken), declared: undefined };
    super('umbra:index:DrillSchedule', name, props, umbraOptions(opts));
  }
}
