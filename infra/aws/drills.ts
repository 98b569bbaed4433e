import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import type { AwsConfig } from './config.ts';
import type { AlarmRule } from './metrics.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { deadLetterPolicyText, drillStatements, policyText, trustText } from './statements.ts';
import { drillInputText } from './tasks.ts';
import { alarmArgs } from './watch.ts';

export interface DrillsArgs {
  readonly drills: AwsConfig['drills'];
  /** The workers' own: a drill is their image with another command. */
  readonly taskFamilyArn: pulumi.Output<string>;
  readonly roleArns: readonly pulumi.Output<string>[];
  readonly clusterArn: pulumi.Output<string>;
  readonly subnetIds: pulumi.Output<readonly string[]>;
  readonly securityGroupId: pulumi.Output<string>;
  readonly alarmTopic: string | undefined;
}

const fortnightSeconds = 14 * 24 * 3600;

/** The drills that activate this site: started here, for the other region is to be missed. A start that fails is not tried again. */
export class Drills extends pulumi.ComponentResource {
  constructor(scope: SiteScope, args: DrillsArgs, opts: pulumi.ComponentResourceOptions) {
    const { name } = scope;
    const names = args.drills.map((drill) => drill.name);
    super('umbra:aws:Drills', `${name}-drills`, { ...scopeInputs(scope), drills: names }, opts);
    const child = { parent: this };
    const queue = this.#deadLetters(scope, args.alarmTopic);
    const assumeRolePolicy = scope.accountId.apply((id) => trustText('scheduler.amazonaws.com', id));
    const role = new aws.iam.Role(`${name}-drill-role`, { assumeRolePolicy }, child);
    const { taskFamilyArn, clusterArn, roleArns } = args;
    const policy = pulumi
      .output({ taskFamilyArn, clusterArn, roleArns, deadLetterArn: queue.arn })
      .apply((known) => policyText(drillStatements(known)));
    const rights = new aws.iam.RolePolicy(`${name}-drill-rights`, { role: role.id, policy }, child);
    for (const drill of args.drills) {
      new aws.scheduler.Schedule(
        `${name}-drill-${drill.name}`,
        {
          description: `umbra drill ${drill.name}, level ${drill.level}`,
          scheduleExpression: drill.schedule,
          scheduleExpressionTimezone: drill.timezone,
          flexibleTimeWindow: { mode: 'OFF' },
          target: {
            arn: clusterArn,
            roleArn: role.arn,
            input: drillInputText(drill.name, scope),
            // Half a drill must not be begun anew by somebody who does not know of it.
            retryPolicy: { maximumRetryAttempts: 0 },
            deadLetterConfig: { arn: queue.arn },
            ecsParameters: {
              taskDefinitionArn: taskFamilyArn,
              launchType: 'FARGATE',
              taskCount: 1,
              networkConfiguration: {
                subnets: args.subnetIds.apply((ids) => [...ids]),
                securityGroups: [args.securityGroupId],
                assignPublicIp: false,
              },
            },
          },
        },
        { ...child, dependsOn: [rights] },
      );
    }
    this.registerOutputs({});
  }

  #deadLetters({ name, accountId }: SiteScope, alarmTopic: string | undefined): aws.sqs.Queue {
    const child = { parent: this };
    const kept = { messageRetentionSeconds: fortnightSeconds, sqsManagedSseEnabled: true };
    const queue = new aws.sqs.Queue(`${name}-drills-not-started`, kept, child);
    const policy = pulumi.all([queue.arn, accountId]).apply(([arn, id]) => deadLetterPolicyText(arn, id));
    new aws.sqs.QueuePolicy(`${name}-drills-not-started-policy`, { queueUrl: queue.id, policy }, child);
    const rule: AlarmRule = {
      ...{ name: 'drills-not-started', why: 'a drill could not be started', namespace: 'AWS/SQS' },
      ...{ metric: 'ApproximateNumberOfMessagesVisible', dimensions: {}, statistic: 'Maximum', above: 0 },
      ...{ periodSeconds: 300, periods: 1, silence: 'notBreaching' },
    };
    const alarm = { ...alarmArgs(rule, alarmTopic), dimensions: { QueueName: queue.name } };
    new aws.cloudwatch.MetricAlarm(`${name}-alarm-${rule.name}`, alarm, child);
    return queue;
  }
}
