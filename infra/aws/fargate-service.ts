import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import type { AwsConfig } from './config.ts';
import { partitionOf, type SiteScope, scopeInputs } from './scope.ts';
import { executionStatements, policyText, type Statement, trustText } from './statements.ts';
import type { TasksHome } from './tasks-home.ts';
import type { LogPlace } from './tasks.ts';

export interface FargateServiceArgs {
  readonly kind: 'worker' | 'registry';
  readonly image: string;
  readonly size: { readonly cpu: number; readonly memoryMib: number };
  readonly architecture: AwsConfig['architecture'];
  /** How many tasks there are at first; autoscaling changes it. */
  readonly count: number;
  readonly home: TasksHome;
  readonly subnetIds: pulumi.Output<readonly string[]>;
  readonly keyArn: pulumi.Output<string>;
  readonly secretArns: readonly pulumi.Output<string>[];
  readonly statements: pulumi.Output<readonly Statement[]>;
  readonly containers: (log: LogPlace) => pulumi.Output<string>;
  readonly volumes: readonly string[];
  readonly dependsOn: readonly pulumi.Resource[];
}

/** A service on Fargate with roles that allow what it needs and nothing else; a deployment that does not come up is undone. */
export class FargateService extends pulumi.ComponentResource {
  readonly service: aws.ecs.Service;
  readonly task: aws.ecs.TaskDefinition;
  readonly roleArns: readonly pulumi.Output<string>[];

  constructor(scope: SiteScope, args: FargateServiceArgs, opts: pulumi.ComponentResourceOptions) {
    const { kind, image, count, home, subnetIds } = args;
    const name = `${scope.name}-${kind}`;
    super('umbra:aws:FargateService', name, { ...scopeInputs(scope), kind, image, count }, opts);
    const child = { parent: this };
    const [taskRole, executionRole] = this.#roles(name, scope, args);
    this.roleArns = [taskRole.arn, executionRole.arn];
    this.task = this.#task(name, scope, { ...args, taskRole, executionRole });
    const registryArn = new aws.servicediscovery.Service(
      `${name}-name`,
      {
        name: kind,
        dnsConfig: {
          namespaceId: home.namespaceId,
          dnsRecords: [{ type: 'A', ttl: 10 }],
          routingPolicy: 'MULTIVALUE',
        },
      },
      child,
    ).arn;
    this.service = new aws.ecs.Service(
      `${name}-service`,
      {
        cluster: home.cluster.arn,
        taskDefinition: this.task.arn,
        desiredCount: count,
        launchType: 'FARGATE',
        deploymentCircuitBreaker: { enable: true, rollback: true },
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        availabilityZoneRebalancing: 'ENABLED',
        enableExecuteCommand: false,
        networkConfiguration: {
          subnets: subnetIds.apply((ids) => [...ids]),
          securityGroups: [home.securityGroupId],
          assignPublicIp: false,
        },
        serviceRegistries: { registryArn },
        propagateTags: 'SERVICE',
        // What follows declares something at them.
        waitForSteadyState: true,
      },
      { ...child, ignoreChanges: ['desiredCount'], dependsOn: [...args.dependsOn] },
    );
    this.registerOutputs({ serviceArn: this.service.arn });
  }

  #roles(name: string, scope: SiteScope, args: FargateServiceArgs): readonly [aws.iam.Role, aws.iam.Role] {
    const child = { parent: this };
    const assumeRolePolicy = scope.accountId.apply((id) => trustText('ecs-tasks.amazonaws.com', id));
    const task = new aws.iam.Role(`${name}-role`, { assumeRolePolicy }, child);
    const policy = args.statements.apply(policyText);
    const first = new aws.iam.RolePolicy(`${name}-rights`, { role: task.id, policy }, child);
    const execution = new aws.iam.Role(`${name}-execution-role`, { assumeRolePolicy }, child);
    const given = { logGroupArn: args.home.logGroup.arn, secretArns: args.secretArns, keyArn: args.keyArn };
    const rights = pulumi
      .output(given)
      .apply((known) =>
        policyText(executionStatements({ ...known, image: args.image, partition: partitionOf(scope.region) })),
      );
    const second = new aws.iam.RolePolicy(`${name}-execution-rights`, { role: execution.id, policy: rights }, child);
    this.#rights.push(first, second);
    return [task, execution];
  }

  /** Without them a task would start and be refused. */
  readonly #rights: pulumi.Resource[] = [];

  #task(
    name: string,
    { region }: SiteScope,
    args: FargateServiceArgs & { readonly taskRole: aws.iam.Role; readonly executionRole: aws.iam.Role },
  ): aws.ecs.TaskDefinition {
    const { size, architecture, taskRole, executionRole, home } = args;
    const containerDefinitions = home.logGroup.name.apply((group) => args.containers({ group, region }));
    return new aws.ecs.TaskDefinition(
      `${name}-task`,
      {
        family: name,
        cpu: String(size.cpu),
        memory: String(size.memoryMib),
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        runtimePlatform: { cpuArchitecture: architecture, operatingSystemFamily: 'LINUX' },
        taskRoleArn: taskRole.arn,
        executionRoleArn: executionRole.arn,
        volumes: args.volumes.map((volume) => ({ name: volume })),
        containerDefinitions,
        // What a deployment is undone to has to be there still.
        skipDestroy: true,
      },
      { parent: this, dependsOn: this.#rights },
    );
  }
}
