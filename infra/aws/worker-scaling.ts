import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { linkDimensions } from './metrics.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { metricsNamespace } from './tasks.ts';

export interface WorkerScalingArgs {
  readonly clusterName: pulumi.Output<string>;
  readonly serviceName: pulumi.Output<string>;
  readonly min: number;
  readonly max: number;
  /** Seconds of writes that would be lost with the source: half of it is what more workers are for. */
  readonly exposureSecondsMax: number;
}

const [scaleOutSeconds, scaleInSeconds] = [300, 1800];

/**
 * More workers when the copies fall behind, fewer when they do not. A source that is gone makes exposure grow without end; `max`
 * is the bound, and the workers that are too many cost money and nothing else.
 */
export class WorkerScaling extends pulumi.ComponentResource {
  constructor(scope: SiteScope, args: WorkerScalingArgs, opts: pulumi.ComponentResourceOptions) {
    const { name, pair, site } = scope;
    const { min, max, exposureSecondsMax } = args;
    super('umbra:aws:WorkerScaling', `${name}-scaling`, { ...scopeInputs(scope), min, max }, opts);
    const child = { parent: this };
    const target = new aws.appautoscaling.Target(
      `${name}-worker-count`,
      {
        serviceNamespace: 'ecs',
        scalableDimension: 'ecs:service:DesiredCount',
        resourceId: pulumi.interpolate`service/${args.clusterName}/${args.serviceName}`,
        minCapacity: min,
        maxCapacity: max,
      },
      child,
    );
    const dimensions = Object.entries(linkDimensions(pair, site));
    new aws.appautoscaling.Policy(
      `${name}-worker-count-by-exposure`,
      {
        serviceNamespace: target.serviceNamespace,
        scalableDimension: target.scalableDimension,
        resourceId: target.resourceId,
        policyType: 'TargetTrackingScaling',
        targetTrackingScalingPolicyConfiguration: {
          targetValue: exposureSecondsMax / 2,
          scaleOutCooldown: scaleOutSeconds,
          scaleInCooldown: scaleInSeconds,
          customizedMetricSpecification: {
            namespace: metricsNamespace,
            metricName: 'ExposureSeconds',
            statistic: 'Maximum',
            dimensions: dimensions.map(([key, value]) => ({ name: key, value })),
          },
        },
      },
      child,
    );
    this.registerOutputs({});
  }
}
