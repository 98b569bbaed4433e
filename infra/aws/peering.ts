import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { otherSite, sites, type SiteId } from '../../src/pair/site.ts';
import type { Network } from './network.ts';
import type { SiteScope } from './scope.ts';

interface End {
  readonly scope: SiteScope;
  readonly network: Network;
  readonly cidr: string;
  readonly provider: aws.Provider;
}

export type PeeringArgs = Readonly<Record<SiteId, End>>;

/**
 * The way between two VPCs of two regions: a connection that site a asks for and site b accepts, with routes both ways. Where
 * both networks are umbra's, each also finds the other region's parameter store behind it: who is primary is written in
 * both regions, and neither network has a way out.
 */
export class Peering extends pulumi.ComponentResource {
  /** Each side's routes; what connects to the other side waits for them. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, ends: PeeringArgs, opts: pulumi.ComponentResourceOptions) {
    const { a, b } = ends;
    super('umbra:aws:Peering', name, { regions: [a.scope.region, b.scope.region] }, opts);
    const of = (site: SiteId): pulumi.CustomResourceOptions => ({ parent: this, provider: ends[site].provider });
    const asked = { vpcId: a.network.vpcId, peerVpcId: b.network.vpcId, peerRegion: b.scope.region };
    const connection = new aws.ec2.VpcPeeringConnection(`${name}-request`, asked, of('a'));
    const accepted = { vpcPeeringConnectionId: connection.id, autoAccept: true };
    const accepter = new aws.ec2.VpcPeeringConnectionAccepter(`${name}-accept`, accepted, of('b'));
    const routes = sites.flatMap((site) =>
      ends[site].network.routeTableIds.map((routeTableId, index) => {
        const route = {
          routeTableId,
          destinationCidrBlock: ends[otherSite(site)].cidr,
          // Of the accepter: a route over a connection that nobody accepted is refused.
          vpcPeeringConnectionId: accepter.vpcPeeringConnectionId,
        };
        return new aws.ec2.Route(`${ends[site].scope.name}-route-${index + 1}`, route, of(site));
      }),
    );
    const names = sites.flatMap((site) => this.#parametersOf(ends[site], ends[otherSite(site)], of(site)));
    this.ready = [...routes, ...names];
    this.registerOutputs({ connectionId: connection.id });
  }

  /** At `end` the name of the other region's parameter store means the other network's endpoint. */
  #parametersOf(end: End, other: End, opts: pulumi.CustomResourceOptions): readonly pulumi.Resource[] {
    const { parameters } = other.network;
    if (end.network.parameters === undefined || parameters === undefined) return [];
    const zoneName = `ssm.${other.scope.region}.amazonaws.com`;
    const name = `${end.scope.name}-parameters-of-${other.scope.site}`;
    const zone = new aws.route53.Zone(name, { name: zoneName, vpcs: [{ vpcId: end.network.vpcId }] }, opts);
    const alias = { name: parameters.dnsName, zoneId: parameters.hostedZoneId, evaluateTargetHealth: false };
    const record = { zoneId: zone.zoneId, name: zoneName, type: 'A', aliases: [alias] };
    return [new aws.route53.Record(`${name}-record`, record, opts)];
  }
}
