import type { SiteId } from '../../pair/site.ts';
import type { RoleViews } from '../../pair/ownership.ts';
import type { PrefixPolicy } from '../../prefix-policy/declared-policy.ts';
import { homeOfTopic } from '../../prefix-policy/topic-home.ts';
import { type SchemaPrimary, schemasTopic } from '../../schema-primary/schema-primary.ts';
import type { ReversePorts } from '../moves/reverse-topics.ts';

export interface HomeNamesKnown {
  readonly policy: PrefixPolicy;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly roles: RoleViews;
}

/** The names that are home at a site, the schemas among them where they are, and its groups. Pure. */
export function homeNames(
  site: SiteId,
  { policy, schemaPrimary, roles }: HomeNamesKnown,
): ReturnType<ReversePorts['home']> {
  const { owners, groups } = policy;
  const schemas = homeOfTopic(schemasTopic, { owners, schemaPrimary, roles }) === site;
  return {
    topics: [
      { kind: 'prefix', prefix: owners[site] },
      ...(schemas ? [{ kind: 'literal', name: schemasTopic } as const] : []),
    ],
    groups: { kind: 'prefix', prefix: groups[site] },
  };
}
