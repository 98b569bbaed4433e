import type { SiteId } from '../../pair/site.ts';
import type { GroupState, GroupSyncView } from '../../sync/groups/group-view.ts';
import type { SchemaSyncView } from '../../sync/schemas/schema-view.ts';
import type { StandbyView } from '../views.ts';

const synced: ReadonlySet<GroupState> = new Set(['level', 'behind', 'removing']);

/** What goes with the records of the link from site `from`, in the few figures that its headline names. Pure. */
export function viewStandby(from: SiteId, groups: GroupSyncView, schemas: SchemaSyncView): StandbyView {
  return { groups: viewGroups(groups), schemas: verdictOf(from, schemas) };
}

function viewGroups({ groups, readAt }: GroupSyncView): StandbyView['groups'] {
  const ages = groups.filter(({ state }) => synced.has(state)).map(({ stalenessSeconds }) => stalenessSeconds);
  const known = ages.filter((age) => age !== undefined);
  // One that was never synced may be as old as anything.
  const certain = readAt !== undefined && known.length === ages.length;
  return {
    synced: ages.length,
    notSynced: groups.length - ages.length,
    ...(certain ? { stalenessSeconds: Math.max(0, ...known) } : {}),
  };
}

function verdictOf(from: SiteId, schemas: SchemaSyncView): StandbyView['schemas'] {
  if (schemas.kind === 'undeclared') return 'undeclared';
  return schemas.primarySite === from ? schemas.comparison.verdict : 'elsewhere';
}
