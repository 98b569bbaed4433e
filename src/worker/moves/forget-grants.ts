import type { Acl } from '../../kafka/acl-words.ts';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import { Grants, type GrantsState } from '../../sync/acls/grants.ts';
import type { SiteState } from '../state/state.ts';
import type { SiteFence } from './site-fence.ts';

export interface ForgetGrantsPorts {
  /** Of the site that was primary. */
  readonly target: Cluster;
  readonly state: Pick<SiteState, 'acls'> & { readonly moves: Pick<SiteState['moves'], 'cut'> };
  readonly fence: Pick<SiteFence, 'forget'>;
  readonly mayAct: () => boolean;
}

/**
 * What the newest promotion of these topics granted here was for the time that is over, and nobody else's: the fence, which
 * withdrew it with all the rest, must not give it back when it is lowered. Whoever may write then is asked anew of the site
 * that is primary until then. Idempotent; throws what a cluster that does not answer throws.
 */
export async function forgetGrants(
  { target, state, fence: from, mayAct }: ForgetGrantsPorts,
  { fence, topics }: { readonly fence: string; readonly topics: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const names = new Set(topics);
  const grants = new Grants({ cluster: target, mayAct, memory: (id) => state.acls(id) });
  const operations = new Set(topics.flatMap((topic) => state.moves.cut(topic)?.operation ?? []));
  for (const operation of operations) {
    const id = grantsId(operation);
    const over = aclsOnTopics(grants.made(id), names);
    if (over.length === 0) continue;
    demandTaken(operation, await grants.takeBackFenced({ id, acls: over }, { from, fence }, signal));
  }
}

/**
 * The same of a topic on which no fence stands here, and which is to be deleted: rights outlive topics, and would be those of
 * whoever makes one of that name. Idempotent; throws what a cluster that does not answer throws.
 */
export async function takeBackGrants(
  { target, state, mayAct }: Omit<ForgetGrantsPorts, 'fence'>,
  topic: string,
  signal: AbortSignal,
): Promise<void> {
  const operation = state.moves.cut(topic)?.operation;
  if (operation === undefined) return;
  const grants = new Grants({ cluster: target, mayAct, memory: (id) => state.acls(id) });
  const id = grantsId(operation);
  const over = aclsOnTopics(grants.made(id), new Set([topic]));
  demandTaken(operation, await grants.takeBack({ id, acls: over }, signal));
}

function demandTaken(operation: string, taken: GrantsState): void {
  if (taken.kind === 'refused')
    throw new ConnectionError(`what ${operation} had granted cannot be taken back: ${taken.reasons[0] ?? ''}`);
  if (taken.kind === 'unproven')
    throw new ConnectionError(`the brokers ${taken.behind.join(', ')} still show what ${operation} had granted`);
}

/** Under which the grants of a promotion are remembered. */
export function grantsId(operation: string): string {
  return `grants/${operation}`;
}

/** Of these ALLOWs those that are about one of the topics and no other. */
function aclsOnTopics(acls: readonly Acl[], topics: ReadonlySet<string>): readonly Acl[] {
  return acls.filter(
    ({ resourceType, patternType, resourceName }) =>
      resourceType === 'TOPIC' && patternType === 'LITERAL' && topics.has(resourceName),
  );
}
