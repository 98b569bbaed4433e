import { canaryTopicOf } from '../../canary/canary-topic.ts';
import { canonicalJson, sha256Of } from '../../evidence/canonical.ts';
import type { RoleView } from '../../pair/ownership.ts';
import type { LinkSpec } from '../../pair/spec.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';
import type { SiteState, StoredPolicy } from '../state/state.ts';
import type { DrillPorts } from './drill-ports.ts';

export interface Declared {
  readonly links: readonly LinkSpec[];
  readonly policy: StoredPolicy | undefined;
  readonly schemaPrimary: SchemaPrimary | undefined;
  /** Of each site that is known; undefined where its roles are not known. */
  readonly roles: readonly (RoleView | undefined)[];
}

/** What people have said of the pair, as this site knows it now. */
export function declaredNow({
  state,
  link,
}: Pick<DrillPorts, 'link'> & {
  readonly state: Pick<SiteState, 'links' | 'prefixPolicy' | 'schemaPrimary' | 'roles'>;
}): string | undefined {
  const own = { links: state.links(), policy: state.prefixPolicy, schemaPrimary: state.schemaPrimary };
  const linked = link();
  return declaredHash({ ...own, roles: [state.roles(), ...(linked === undefined ? [] : [linked.peer.roles])] });
}

/**
 * Hash of it: the links, the prefixes, the primary of schemas, and the real topics that are away from home. Undefined while a
 * site's roles are not known. Once a drill has brought its topics home it is what it was before. Pure.
 */
export function declaredHash({ links, policy, schemaPrimary, roles }: Declared): string | undefined {
  const away: string[] = [];
  for (const view of roles) {
    if (view?.kind !== 'read') return undefined;
    for (const { topic, home, primary } of view.records.values()) {
      const isCanary = policy !== undefined && canaryTopicOf(topic, policy.owners) !== undefined;
      if (primary !== home && !isCanary) away.push(topic);
    }
  }
  return sha256Of(
    canonicalJson({
      links: links.toSorted((left, right) => left.from.localeCompare(right.from)),
      policy: policy?.declared ?? null,
      schemaPrimary: schemaPrimary ?? null,
      away: [...new Set(away)].toSorted(),
    }),
  );
}
