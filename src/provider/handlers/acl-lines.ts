import type { AclBinding } from '../../prefix-policy/acls.ts';

/** What a preview says of ACLs that would change: one line for each. `at` is empty, or ` at site a`. */
export function aclLines(old: readonly AclBinding[], next: readonly AclBinding[], at = ''): readonly string[] {
  const [before, after] = [new Set(old.map(renderAcl)), new Set(next.map(renderAcl))];
  return [
    ...[...after].filter((acl) => !before.has(acl)).map((acl) => `would add the ACL ${acl}${at}`),
    ...[...before].filter((acl) => !after.has(acl)).map((acl) => `would remove the ACL ${acl}${at}`),
  ];
}

/** `ALLOW User:app READ TOPIC a_*`: a trailing star stands for a prefixed pattern; a host is named where it is one. */
function renderAcl({
  permission,
  principal,
  host,
  operation,
  resourceType,
  resourceName,
  patternType,
}: AclBinding): string {
  const name = patternType === 'PREFIXED' ? `${resourceName}*` : resourceName;
  return `${permission} ${principal} ${operation} ${resourceType} ${name}${host === '*' ? '' : ` from ${host}`}`;
}
