import type { Logger } from 'pino';
import type { Cluster } from '../../kafka/cluster.ts';
import type { SiteId } from '../../pair/site.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { LinkControl } from '../control/link-control.ts';
import type { EventSink } from '../events/event.ts';
import type { SiteState } from '../state/state.ts';
import type { DrillSettings } from './drills-config.ts';

/** What drills have of the site that they run at, or take part in. Only the worker that leads the site has it. */
export interface DrillPorts {
  readonly pair: string;
  readonly site: SiteId;
  /** Of umbra. */
  readonly version: string;
  readonly config: DrillSettings['config'];
  readonly servers: DrillSettings['servers'];
  readonly diagnose: DrillSettings['diagnose'];
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  /** Where this site keeps what it quarantines. */
  readonly quarantineFolder: string | undefined;
  /** Read to its end, and ours to write. */
  readonly state: SiteState;
  /** The one that ends here; undefined while none is declared. */
  readonly link: () => LinkControl | undefined;
  /** Orders of a site are carried out one after the other. */
  readonly order: <T>(work: () => Promise<T>) => Promise<T>;
  readonly mayAct: () => boolean;
  readonly clock: CopierClock;
  readonly logger: Logger;
  readonly events: EventSink;
}
