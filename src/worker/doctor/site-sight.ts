import type { Acl } from '../../kafka/acl-words.ts';
import type { Operations } from '../../kafka/authorized-operations.ts';
import type { BrokerSettings } from '../../kafka/broker-configs.ts';
import type { CertificateDates } from '../../kafka/certificate-dates.ts';
import type { ClientQuota } from '../../kafka/client-quotas.ts';
import type { ClusterMetadata } from '../../kafka/cluster.ts';
import type { TopicConfigs } from '../../kafka/config-admin.ts';
import type { GroupMembers } from '../../kafka/group-members.ts';
import type { RoleRecord } from '../../pair/ownership.ts';
import type { SiteId } from '../../pair/site.ts';
import type { LinkSpec, PrefixOwners } from '../../pair/spec.ts';
import type { MovedNames } from '../../prefix-policy/moved-names.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import type { ReturnedRecord } from '../reconcile/returned-record.ts';
import type { PauseRecord } from '../state/pause-record.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';

/** One of the servers by which a site is entered. */
export interface BootstrapSight {
  readonly server: string;
  /** Undefined where it did not answer; then `why` is there. */
  readonly clusterId: string | undefined;
  readonly why?: string;
}

export interface BrokerSight {
  readonly nodeId: number;
  /** `host:port` as it advertises itself. */
  readonly address: string;
  /** Why it cannot be reached there; undefined where it can. */
  readonly unreachable?: string;
  /** Requests that umbra needs and it does not have, in words. */
  readonly lacks: readonly string[];
  /** Undefined where they may not be read, or it does not answer. */
  readonly settings?: BrokerSettings;
}

export interface CertificateSight extends CertificateDates {
  /** Where it is shown: `the broker host:port`, or the file. */
  readonly where: string;
}

/** What umbra's principal may do. */
export interface RightsSight {
  /** By name, of every topic that was asked for: those there are, and one made-up name for each prefix. */
  readonly topics: ReadonlyMap<string, Operations>;
  /** By group. */
  readonly groups: ReadonlyMap<string, Operations>;
  readonly cluster: Operations;
  readonly transactions: boolean;
}

/** What the site's `_umbra` says. */
export interface SpecSight {
  readonly owners: PrefixOwners | undefined;
  readonly policy?: PrefixPolicy | undefined;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly links: readonly LinkSpec[];
  readonly shadows: readonly ShadowRecord[];
  readonly pauses: readonly PauseRecord[];
  /** Topics that the other site took over, with this site's own log. */
  readonly returned?: readonly ReturnedRecord[];
  /** Which names are not primary at home; none where nothing is said. */
  readonly moved?: MovedNames;
  /** What is said of the role of `_schemas`, where it ever moved. */
  readonly schemasRole?: RoleRecord | undefined;
}

export type StateSight =
  | { readonly kind: 'read'; readonly spec: SpecSight }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unread'; readonly why: string };

/** How far the clock of the site's brokers is ahead of that of the worker that wrote `_umbra` last, in ms. */
export interface ClockSight {
  readonly brokerAheadMs: number;
  readonly measuredAt: Date;
}

/** Everything a look at one site that answers gave. What could not be had is undefined; why is in the findings. */
export interface SiteSight {
  readonly site: SiteId;
  readonly bootstrapServers: readonly string[];
  /** With its type, as ACL tools take it; undefined where its name is not in the configuration. */
  readonly principal: string | undefined;
  /** Whether administrators need a file of their own to connect. */
  readonly secured: boolean;
  readonly metadata: ClusterMetadata;
  readonly authorizer: 'present' | 'absent' | 'unknown';
  readonly bootstrap: readonly BootstrapSight[];
  readonly brokers: readonly BrokerSight[];
  readonly certificates: readonly CertificateSight[];
  readonly configs: ReadonlyMap<string, TopicConfigs>;
  readonly state: StateSight;
  readonly rights: RightsSight | undefined;
  readonly acls: readonly Acl[] | undefined;
  readonly quotas: readonly ClientQuota[] | undefined;
  readonly workers: GroupMembers | undefined;
  readonly clock: ClockSight | undefined;
}

/** The prefixes in force: a site that cannot be read has those of the other one. */
export interface PairSight {
  readonly owners: PrefixOwners | undefined;
  readonly policy?: PrefixPolicy | undefined;
  readonly schemaPrimary: SchemaPrimary | undefined;
  /** The site that registers schemas now, by the roles that the sites tell. Default: the declared one. */
  readonly schemasAt?: SiteId | undefined;
}
