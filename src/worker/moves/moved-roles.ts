import type { RoleView } from '../../pair/ownership.ts';
import { type SiteId, sites } from '../../pair/site.ts';
import { type MovedNames, nothingMoved } from '../../prefix-policy/moved-names.ts';
import type { SiteState } from '../state/state.ts';
import type { MovedRoleView } from './operation-view.ts';

/** Which names are not primary at home, by the site's own `_umbra`: the same object until that changes. */
export class MovedRoles {
  readonly #roles: () => RoleView;
  #newest: { readonly roles: RoleView; readonly text: string; readonly names: MovedNames } | undefined;

  constructor(roles: () => RoleView) {
    this.#roles = roles;
  }

  names(): MovedNames {
    const roles = this.#roles();
    if (this.#newest?.roles === roles) return this.#newest.names;
    const moved = movedFrom(roles);
    const text = sites.map((site) => moved[site].join()).join('/');
    const names = this.#newest?.text === text ? this.#newest.names : asNames(moved);
    this.#newest = { roles, text, names };
    return names;
  }
}

type Moved = Readonly<Record<SiteId, readonly string[]>>;

/** Topics that are not primary at home, as far as the site of this `_umbra` knows. */
export function movedRoleViews(state: Pick<SiteState, 'roles' | 'moves'>): readonly MovedRoleView[] {
  const roles = state.roles();
  if (roles.kind === 'unread') return [];
  return [...roles.records.values()]
    .filter(({ term, primary, home }) => term > 0 && primary !== home)
    .map(({ topic, home, primary, term }) => {
      const cut = state.moves.cut(topic);
      return {
        ...{ topic, home, primary, term },
        ...(cut?.term === term ? { since: cut.at, operation: cut.operation } : {}),
      };
    });
}

/** The same of one look. Pure. */
export function movedNamesOf(roles: RoleView): MovedNames {
  return asNames(movedFrom(roles));
}

function movedFrom(roles: RoleView): Moved {
  const of = (site: SiteId): readonly string[] =>
    roles.kind === 'unread'
      ? []
      : [...roles.records.values()]
          .flatMap(({ topic, home, primary }) => (home === site && primary !== site ? [topic] : []))
          .toSorted();
  return { a: of('a'), b: of('b') };
}

function asNames({ a, b }: Moved): MovedNames {
  if (a.length + b.length === 0) return nothingMoved;
  return { a: { kind: 'topics', topics: new Set(a) }, b: { kind: 'topics', topics: new Set(b) } };
}
