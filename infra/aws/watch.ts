import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { type AlarmedSite, type AlarmRule, alarmRules, dashboardText } from './metrics.ts';
import { type SiteScope, scopeInputs } from './scope.ts';

export interface WatchArgs {
  readonly watched: AlarmedSite;
  readonly alarmTopic: string | undefined;
}

/** Alarms and a dashboard of a region. */
export class Watch extends pulumi.ComponentResource {
  constructor(scope: SiteScope, { watched, alarmTopic }: WatchArgs, opts: pulumi.ComponentResourceOptions) {
    super('umbra:aws:Watch', `${scope.name}-watch`, { ...scopeInputs(scope), watched }, opts);
    const child = { parent: this };
    for (const rule of alarmRules(watched)) {
      new aws.cloudwatch.MetricAlarm(`${scope.name}-alarm-${rule.name}`, alarmArgs(rule, alarmTopic), child);
    }
    const dashboardBody = dashboardText({ ...watched, region: scope.region });
    const dashboardName = `umbra-${scope.pair}-${scope.site}`;
    new aws.cloudwatch.Dashboard(`${scope.name}-dashboard`, { dashboardName, dashboardBody }, child);
    this.registerOutputs({});
  }
}

/** Pure. */
export function alarmArgs(rule: AlarmRule, topic: string | undefined): aws.cloudwatch.MetricAlarmArgs {
  const actions = topic === undefined ? [] : [topic];
  const bound =
    rule.above === undefined
      ? { comparisonOperator: 'LessThanThreshold', threshold: rule.below ?? 0 }
      : { comparisonOperator: 'GreaterThanThreshold', threshold: rule.above };
  return {
    ...bound,
    ...(rule.plus === undefined ? one(rule) : sum(rule, rule.plus)),
    alarmDescription: rule.why,
    evaluationPeriods: rule.periods,
    datapointsToAlarm: rule.periods,
    treatMissingData: rule.silence,
    alarmActions: actions,
    okActions: actions,
  };
}

function one(rule: AlarmRule): aws.cloudwatch.MetricAlarmArgs {
  const { namespace, metric: metricName, statistic, periodSeconds: period } = rule;
  return { namespace, metricName, statistic, period, dimensions: { ...rule.dimensions } };
}

function sum(rule: AlarmRule, plus: string): aws.cloudwatch.MetricAlarmArgs {
  const query = (id: string, metricName: string): aws.types.input.cloudwatch.MetricAlarmMetricQuery => ({
    id,
    metric: {
      ...{ namespace: rule.namespace, metricName, stat: rule.statistic, period: rule.periodSeconds },
      dimensions: { ...rule.dimensions },
    },
  });
  const added = { id: 'sum', expression: 'first + second', label: `${rule.metric} + ${plus}`, returnData: true };
  return { metricQueries: [query('first', rule.metric), query('second', plus), added] };
}
