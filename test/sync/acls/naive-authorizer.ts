import { type Acl } from '../../../src/kafka/acl-words.ts';
import type { Authorizer, Question } from '../../../src/sync/acls/effective-rights.ts';

/** What Kafka's documentation says an ALLOW of an operation allows besides itself. */
const implied: Readonly<Record<string, readonly string[]>> = {
  READ: ['DESCRIBE'],
  WRITE: ['DESCRIBE'],
  DELETE: ['DESCRIBE'],
  ALTER: ['DESCRIBE'],
  ALTER_CONFIGS: ['DESCRIBE_CONFIGS'],
};

/** The rules of the authorizer spelt out one ACL at a time, without any algebra of patterns. */
export function naivelyAllowed(question: Question, { acls, superUsers, allowsWithoutAcl }: Authorizer): boolean {
  if (superUsers.includes(question.principal)) return true;
  let about = false;
  let allowed = false;
  let denied = false;
  for (const acl of acls) {
    if (!isAbout(acl, question)) continue;
    about = true;
    if (acl.principal !== 'User:*' && acl.principal !== question.principal) continue;
    if (acl.host !== '*' && acl.host !== question.host) continue;
    const said = acl.operation === 'ALL' || acl.operation === question.operation;
    const meant = said || (implied[acl.operation] ?? []).includes(question.operation);
    if (acl.permission === 'DENY' && said) denied = true;
    if (acl.permission === 'ALLOW' && meant) allowed = true;
  }
  return about ? allowed && !denied : allowsWithoutAcl;
}

function isAbout({ resourceType, patternType, resourceName }: Acl, question: Question): boolean {
  if (resourceType !== question.resourceType) return false;
  if (patternType === 'PREFIXED') return question.name.slice(0, resourceName.length) === resourceName;
  return resourceName === '*' || resourceName === question.name;
}
