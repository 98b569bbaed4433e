import type { RoleViews } from '../pair/ownership.ts';
import { schemasHome } from '../pair/schemas-home.ts';
import type { SiteId } from '../pair/site.ts';
import type { PrefixOwners } from '../pair/spec.ts';
import { type SchemaPrimary, schemasTopic } from '../schema-primary/schema-primary.ts';
import { homeOf } from './prefix-policy.ts';

export interface HomesKnown {
  readonly owners: PrefixOwners;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly roles: RoleViews;
}

/**
 * As `homeOf`, by the roles as well: where the role of `_schemas` has ever moved, its home is what it was then, whatever is
 * declared by now.
 */
export function homeOfTopic(name: string, { owners, schemaPrimary, roles }: HomesKnown): SiteId | undefined {
  if (name !== schemasTopic) return homeOf(name, owners);
  return schemasHome(schemaPrimary, roles);
}
