import type { LinkControl } from '../control/link-control.ts';

/** Who else than the link may write its copies, by its newest look at their ACLs, in words; undefined where nobody is known to. */
export function leakOf(link: LinkControl | undefined): string | undefined {
  if (link?.fence !== 'leaking') return undefined;
  const { fence } = link.syncs.acls.view();
  const first = fence.kind === 'leaking' ? fence.leaks[0]?.message : undefined;
  return `link ${link.id} leaks: ${first ?? 'somebody else may write its copies'}`.slice(0, 1_000);
}
