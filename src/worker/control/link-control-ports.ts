import type { FolderArchive } from '../../aws/s3-folders.ts';
import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import type { MovedNames } from '../../prefix-policy/moved-names.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import type { EventSink } from '../events/event.ts';
import type { Repoint } from '../repoint/site-hooks.ts';
import type { SiteState } from '../state/state.ts';
import type { LinkRights } from './link-acls.ts';
import type { LinkWorkers } from './link-workers.ts';

export interface LinkControlPorts {
  readonly link: LinkSpec;
  readonly source: Cluster;
  readonly target: Cluster;
  /** `_umbra` of the target: ours. */
  readonly state: SiteState;
  readonly policy: PrefixPolicy;
  readonly rights: LinkRights;
  readonly schemaPrimary: () => SchemaPrimary | undefined;
  readonly moved: () => MovedNames;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Those who copy, this one among them. */
  readonly workers: LinkWorkers;
  readonly discoveryIntervalMs: number;
  readonly pair: string;
  readonly version: string;
  readonly quarantineFolder: string | undefined;
  readonly quarantineArchive: FolderArchive | undefined;
  readonly repoint: Repoint;
  /** A canary topic that is not used any more: not to be copied (docs/canaries.md). */
  readonly isRetired: (topic: string) => boolean;
}
