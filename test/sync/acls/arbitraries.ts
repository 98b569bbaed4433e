import fc from 'fast-check';
import { type Acl, type KnownOperation } from '../../../src/kafka/acl-words.ts';
import { syncScope } from '../../../src/sync/acls/sync-scope.ts';

/** The link's names in these tests. Few letters, so that patterns often contain each other and the prefix. */
export const prefix = 'a_';
const letters = ['a', '_', 'x'] as const;

/** Every name of up to four letters: whatever two patterns of these tests say differently, they say of one of them. */
export const universe: readonly string[] = [1, 2, 3, 4].flatMap(words);

function words(length: number): readonly string[] {
  return length === 0 ? [''] : words(length - 1).flatMap((word) => letters.map((letter) => word + letter));
}

export const ofLink: readonly string[] = universe.filter((name) => name.startsWith(prefix));

/** `stranger` and `elsewhere` stand for all that no ACL names. */
export const principals = ['User:x', 'User:y', 'User:stranger'] as const;
export const hosts = ['10.0.0.1', '10.0.0.2', 'elsewhere'] as const;
export const umbra = 'User:umbra';

export const scope = syncScope({ prefixes: { TOPIC: prefix, GROUP: prefix, TRANSACTIONAL_ID: prefix } });

export const topicOperations = [
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
] as const satisfies readonly KnownOperation[];

export const readOperations = ['READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'] as const;

const pattern = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...universe.filter((name) => name.length < 4 && 'a_x'.includes(name[0]!))) },
  { weight: 4, arbitrary: fc.constantFrom('a', 'a_', 'a_x', 'a_a', 'a__') },
  { weight: 2, arbitrary: fc.constant('*') },
);

/** `User:x` may read all of the link's topics, but for what is said otherwise. */
export function anAcl(change: Partial<Acl> = {}): Acl {
  return {
    ...{ resourceType: 'TOPIC', resourceName: prefix, patternType: 'PREFIXED', principal: 'User:x', host: '*' },
    ...{ operation: 'READ', permission: 'ALLOW' },
    ...change,
  };
}

export interface AclChoice {
  readonly types?: readonly Acl['resourceType'][];
  readonly operations?: readonly KnownOperation[];
  readonly principals?: readonly string[];
}

export function anyAcl(choice: AclChoice = {}): fc.Arbitrary<Acl> {
  const { types = ['TOPIC'], operations = [...topicOperations, 'ALL'] } = choice;
  const { principals: among = ['User:x', 'User:x', 'User:y', 'User:*', umbra] } = choice;
  return fc.record({
    resourceType: fc.constantFrom(...types),
    resourceName: pattern,
    patternType: fc.constantFrom('LITERAL' as const, 'PREFIXED' as const),
    principal: fc.constantFrom(...among),
    host: fc.constantFrom('*', '*', '10.0.0.1', '10.0.0.2'),
    operation: fc.constantFrom(...operations),
    permission: fc.constantFrom('ALLOW' as const, 'ALLOW' as const, 'DENY' as const),
  });
}

export function anyAcls(choice: AclChoice = {}, maxLength = 7): fc.Arbitrary<readonly Acl[]> {
  return fc.uniqueArray(anyAcl(choice), { maxLength, selector: (acl) => JSON.stringify(acl) });
}
