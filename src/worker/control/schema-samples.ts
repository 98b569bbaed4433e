import type { Cluster } from '../../kafka/cluster.ts';
import type { SiteId } from '../../pair/site.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { type CopiedPartition, IdSampler } from '../../sync/schemas/id-sampler.ts';
import type { SchemaSync } from '../../sync/schemas/schema-sync.ts';

export interface SchemaSamplesPorts {
  readonly link: Pick<LinkSpec, 'to'>;
  readonly target: Cluster;
  readonly schemas: SchemaSync;
  /** Who registers now. */
  readonly schemaPrimary: () => SiteId | undefined;
  readonly copies: () => Iterable<CopiedPartition>;
  readonly now: () => Date;
}

/** A partition that cannot be read now is left for another round. */
const attemptsMax = 2;

/** Samples of a link's copies. Where no schema is registered no record can name one, and none is looked at. */
export function schemaSampler({ link, target, schemas, schemaPrimary, copies, now }: SchemaSamplesPorts): IdSampler {
  return new IdSampler({
    copies,
    log: new LogReader(target, { attemptsMax }),
    ids() {
      const primary = schemaPrimary();
      if (primary === undefined || !schemas.isRead(primary) || !schemas.isRead(link.to)) return undefined;
      const registered = schemas.ids(primary);
      return registered.size === 0 ? undefined : { primary: registered, here: schemas.ids(link.to) };
    },
    now,
  });
}
