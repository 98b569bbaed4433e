import { otherSite } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import { preflight } from '../../sync/acls/preflight.ts';
import { nothingMoved } from '../../prefix-policy/moved-names.ts';
import { type LinkRights, linkScope, ownPrincipals, promotedNames } from '../control/link-acls.ts';
import type { Finding } from '../finding.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { PairSight, SiteSight } from './site-sight.ts';

/** Who else than the link may write its copies at this site, one finding each. Pure; silent where ACLs were not read. */
export function checkLeaks(sight: SiteSight, pair: PairSight, rights: LinkRights): readonly Finding[] {
  const { site, state, acls } = sight;
  const id = linkId({ from: otherSite(site), to: site });
  const link = state.kind === 'read' ? state.spec.links.find((known) => linkId(known) === id) : undefined;
  if (link === undefined || pair.policy === undefined) return [];
  const own = ownPrincipals(rights);
  if (own.kind === 'unknown') {
    const message = `${own.why}; ACLs are not synced`;
    return [found('PRINCIPAL_UNKNOWN', { site, message, remedy: own.remedy })];
  }
  if (acls === undefined) return [];
  const { superUsers, allowsWithoutAcl } = rights.target;
  const moved = (state.kind === 'read' ? state.spec.moved : undefined) ?? nothingMoved;
  const fence = preflight({
    target: { kind: 'seen', acls },
    scope: linkScope(link, pair.policy, pair.schemaPrimary, moved),
    ...{ ...promotedNames(link, pair.policy, moved), own: own.names, superUsers, allowsWithoutAcl },
  });
  if (fence.kind !== 'leaking')
    return [inOrder(site, 'acls', `only the link ${id} may write its copies, by the ACLs here`)];
  const code = link.acls?.leaks === 'refuse' ? 'ACL_LEAK_REFUSED' : 'ACL_LEAK';
  return fence.leaks.map(({ message, remedy }) => found(code, { site, message, remedy }));
}
