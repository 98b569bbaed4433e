import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { parseCidr, renderCidr, subBlocks } from './cidr.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { type AwsNetworkConfig, zoneCount } from './site-config.ts';

/**
 * What tasks on Fargate reach without a way out: their image, their log, their secrets, and the parameters that say who is
 * primary. Nobody calls STS or KMS from there: Fargate brings the role's credentials, and S3 and Secrets Manager decrypt
 * on their side. S3 is a gateway and costs nothing.
 */
export const interfaceServices: readonly string[] = ['ecr.api', 'ecr.dkr', 'logs', 'secretsmanager', 'ssm'];

const httpsPort = 443;

export interface NetworkArgs {
  readonly network: AwsNetworkConfig;
  /** Who may use the endpoints: both sites' networks. */
  readonly cidrs: readonly string[];
}

/** Endpoint of the parameter store, for the other region. */
export interface ParameterEndpoint {
  readonly dnsName: pulumi.Output<string>;
  readonly hostedZoneId: pulumi.Output<string>;
}

/** Where a site's brokers and tasks are: a VPC of its own without a way out, or subnets of one that is there already. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly subnetIds: pulumi.Output<readonly string[]>;
  readonly routeTableIds: readonly pulumi.Input<string>[];
  /** Undefined where the network is not umbra's. */
  readonly s3PrefixListId: pulumi.Output<string> | undefined;
  readonly parameters: ParameterEndpoint | undefined;

  constructor(scope: SiteScope, { network, cidrs }: NetworkArgs, opts: pulumi.ComponentResourceOptions) {
    super('umbra:aws:Network', `${scope.name}-network`, { ...scopeInputs(scope), network }, opts);
    if (network.kind === 'existing') {
      this.vpcId = pulumi.output(network.vpcId);
      this.subnetIds = pulumi.output(network.subnetIds);
      this.routeTableIds = network.routeTableIds;
    } else {
      const { vpc, subnets, routes } = this.#vpc(scope, network.cidr);
      this.vpcId = vpc.id;
      this.subnetIds = pulumi.all(subnets.map(({ id }) => id));
      this.routeTableIds = [routes.id];
      const { s3, parameters } = this.#endpoints(scope, { vpc, subnets, routes, cidrs });
      this.s3PrefixListId = s3.prefixListId;
      const entry = parameters.dnsEntries.apply(([first]) => first);
      this.parameters = {
        dnsName: entry.apply((each) => each?.dnsName ?? ''),
        hostedZoneId: entry.apply((each) => each?.hostedZoneId ?? ''),
      };
    }
    this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds });
  }

  #vpc({ name }: SiteScope, cidr: string): Made {
    const child = { parent: this };
    const zones = aws.getAvailabilityZonesOutput(
      // Local Zones have no brokers.
      { state: 'available', filters: [{ name: 'opt-in-status', values: ['opt-in-not-required'] }] },
      child,
    );
    const vpc = new aws.ec2.Vpc(
      `${name}-vpc`,
      { cidrBlock: cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: { Name: name } },
      child,
    );
    const routes = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: vpc.id, tags: { Name: name } }, child);
    const subnets = subnetBlocks(cidr).map((cidrBlock, index) => {
      const zone = zones.names.apply((names) => zoneAt(names, index));
      const args = { vpcId: vpc.id, cidrBlock, availabilityZone: zone, tags: { Name: `${name}-${index + 1}` } };
      // A zone that AWS adds must not move a subnet that has brokers in it.
      const subnet = new aws.ec2.Subnet(`${name}-subnet-${index + 1}`, args, {
        ...child,
        ignoreChanges: ['availabilityZone'],
      });
      const routed = { subnetId: subnet.id, routeTableId: routes.id };
      new aws.ec2.RouteTableAssociation(`${name}-subnet-${index + 1}-routes`, routed, child);
      return subnet;
    });
    return { vpc, subnets, routes };
  }

  #endpoints(
    { name, region }: SiteScope,
    { vpc, subnets, routes, cidrs }: Made & Pick<NetworkArgs, 'cidrs'>,
  ): { readonly s3: aws.ec2.VpcEndpoint; readonly parameters: aws.ec2.VpcEndpoint } {
    const child = { parent: this };
    const [vpcId, service] = [vpc.id, (each: string) => `com.amazonaws.${region}.${each}`];
    const gateway = { vpcId, serviceName: service('s3'), vpcEndpointType: 'Gateway', routeTableIds: [routes.id] };
    const s3 = new aws.ec2.VpcEndpoint(`${name}-endpoint-s3`, gateway, child);
    const group = new aws.ec2.SecurityGroup(
      `${name}-endpoints`,
      { vpcId, description: 'Endpoints of AWS services' },
      child,
    );
    for (const [index, cidrIpv4] of cidrs.entries()) {
      const rule = { securityGroupId: group.id, cidrIpv4, ...tcp(httpsPort) };
      new aws.vpc.SecurityGroupIngressRule(`${name}-endpoints-in-${index + 1}`, rule, child);
    }
    const made = interfaceServices.map((each) => {
      const args = {
        ...{ vpcId, serviceName: service(each), vpcEndpointType: 'Interface', privateDnsEnabled: true },
        subnetIds: subnets.map(({ id }) => id),
        securityGroupIds: [group.id],
      };
      return [each, new aws.ec2.VpcEndpoint(`${name}-endpoint-${each.replace('.', '-')}`, args, child)] as const;
    });
    const parameters = new Map(made).get('ssm');
    if (parameters === undefined) throw new Error('invariant: no endpoint of the parameter store');
    return { s3, parameters };
  }
}

interface Made {
  readonly vpc: aws.ec2.Vpc;
  readonly subnets: readonly aws.ec2.Subnet[];
  readonly routes: aws.ec2.RouteTable;
}

/** Pure. Quarters of the network; the fourth stays free. */
export function subnetBlocks(cidr: string): readonly string[] {
  const block = parseCidr(cidr);
  if (block === undefined) throw new Error(`invariant: "${cidr}" was not parsed`);
  return subBlocks(block, 2, zoneCount).map(renderCidr);
}

/** As security group rules take it. */
export function tcp(port: number): { readonly ipProtocol: 'tcp'; readonly fromPort: number; readonly toPort: number } {
  return { ipProtocol: 'tcp', fromPort: port, toPort: port };
}

function zoneAt(names: readonly string[], index: number): string {
  const zone = names[index];
  if (zone === undefined) throw new pulumi.RunError(`the region has ${names.length} zones, ${zoneCount} are needed`);
  return zone;
}
