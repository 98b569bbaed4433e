import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { schemasTopic } from '../schema-primary/schema-primary.ts';
import type { RoleRecord, RoleViews } from './ownership.ts';
import { type SiteId, sites } from './site.ts';

/**
 * The site where `_schemas` is at home: where it was declared to be when its role first moved, and as it is declared now as
 * long as it never did. A role is read, never declared: whatever is declared later moves nothing.
 */
export function schemasHome(declared: SchemaPrimary | undefined, views: RoleViews): SiteId | undefined {
  return newestRole(recorded(views))?.home ?? declared?.site;
}

/**
 * Who registers schemas now, by the highest term that is known: to be shown and to be compared by. What may flow and be
 * granted is for `directionOf` and `mayWrite` to say: they take a view that was not read for what it is.
 */
export function schemaPrimaryNow(declared: SchemaPrimary | undefined, views: RoleViews): SiteId | undefined {
  return newestRole(recorded(views))?.primary ?? declared?.site;
}

function recorded(views: RoleViews): readonly RoleRecord[] {
  return sites.flatMap((site) => {
    const view = views[site];
    return view.kind === 'read' ? (view.records.get(schemasTopic) ?? []) : [];
  });
}

/** Of what is said of one topic: that of the highest term, of two the first. */
export function newestRole(roles: readonly RoleRecord[]): RoleRecord | undefined {
  return roles.reduce<RoleRecord | undefined>(
    (newest, role) => (newest === undefined || role.term > newest.term ? role : newest),
    undefined,
  );
}
