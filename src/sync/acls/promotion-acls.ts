import { type Acl, aclKey } from '../../kafka/acl-words.ts';
import { covers, patternOf, resourceOf } from './name-pattern.ts';

/**
 * Pure: the withheld ALLOWs that a promotion grants. For `all` names of the link they are granted as they were
 * withheld. For single topics each is cut down to the topic's name: a prefix cannot be allowed to one topic only, and the
 * others are still copies. DENYs are at the standby already, so that afterwards everybody may do with these
 * topics what they may do at the source.
 */
export function promotionAcls(withheld: readonly Acl[], topics: 'all' | Iterable<string>): readonly Acl[] {
  if (topics === 'all') return withheld;
  const granted = new Map<string, Acl>();
  for (const name of topics) {
    for (const acl of withheld) {
      const pattern = patternOf(acl);
      if (pattern === undefined || !covers(pattern, name)) continue;
      const literal = { ...acl, ...resourceOf({ kind: 'literal', name }) };
      granted.set(aclKey(literal), literal);
    }
  }
  return [...granted.values()];
}
