import type { TopicConfigs } from '../../kafka/config-admin.ts';
import type { TopicMetadata } from '../../kafka/cluster.ts';
import { otherSite, type SiteId } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import type { ShadowRecord } from '../state/shadow-record.ts';
import type { SiteSight } from './site-sight.ts';

/** One copy as both clusters show it. What a cluster does not show is undefined. */
export interface CopySight {
  /** Where the copy is. */
  readonly site: SiteId;
  readonly record: ShadowRecord & { readonly state: { readonly kind: 'ours' } };
  readonly source: TopicMetadata | undefined;
  readonly copy: TopicMetadata | undefined;
  readonly sourceConfigs: TopicConfigs | undefined;
  readonly copyConfigs: TopicConfigs | undefined;
  /** Whether the source's cluster answered: otherwise nothing may be said of the source. */
  readonly sourceSeen: boolean;
}

/** The copies at a site, by what its `_umbra` says. Pure. */
export function copiesAt(target: SiteSight, source: SiteSight | undefined): readonly CopySight[] {
  if (target.state.kind !== 'read') return [];
  const { site } = target;
  const link = linkId({ from: otherSite(site), to: site });
  return target.state.spec.shadows.flatMap((record) => {
    const { topic, state } = record;
    if (record.link !== link || state.kind !== 'ours') return [];
    return [
      {
        ...{ site, record: { ...record, state }, sourceSeen: source !== undefined },
        source: source?.metadata.topics.get(topic),
        copy: target.metadata.topics.get(topic),
        sourceConfigs: source?.configs.get(topic),
        copyConfigs: target.configs.get(topic),
      },
    ];
  });
}
