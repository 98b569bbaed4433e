import type { Cluster } from '../../kafka/cluster.ts';
import { describeAcls } from '../../kafka/acl-admin.ts';
import { unendedText, unendedTransactions } from '../../kafka/open-transactions.ts';
import type { SourceSeen } from '../../operations/plan-sight.ts';
import type { SiteId } from '../../pair/site.ts';
import { noFence } from '../../sync/acls/fence-book.ts';
import { lookAtFence } from '../../sync/acls/fence-gaps.ts';
import type { NamePattern } from '../../sync/acls/name-pattern.ts';
import type { SiteRights } from '../site-rights.ts';
import type { PeerState } from './peer-state.ts';

export interface SourcePorts {
  readonly source: Cluster;
  readonly peer: PeerState;
  /** The site where the source is. */
  readonly from: SiteId;
  readonly rights: { readonly source: SiteRights };
}

/**
 * What a plan of a switchover must know of the site that is primary now: who would get through its fence, what transactions
 * are under way, and whether it could make copies of its topics afterwards. Throws what a cluster that does not answer throws.
 */
export async function lookAtSource(
  { source, peer, from, rights }: SourcePorts,
  topics: readonly { readonly name: string }[],
  signal: AbortSignal,
): Promise<SourceSeen> {
  const names = topics.map(({ name }) => name);
  const transactions = await unendedTransactions(source, new Set(names));
  signal.throwIfAborted();
  const seen = await describeAcls(source);
  signal.throwIfAborted();
  return {
    hasWayBack: peer.state.links().some(({ to }) => to === from),
    transactions: transactions.map((each) => unendedText(each, Date.now())),
    fence: seen.kind === 'seen' ? fenceOn(names, seen.acls, rights.source) : { kind: 'no authorizer' },
  };
}

function fenceOn(
  names: readonly string[],
  acls: Parameters<typeof lookAtFence>[0]['acls'],
  { principals, superUsers, allowsWithoutAcl }: SiteRights,
): SourceSeen['fence'] {
  if (principals.kind === 'unknown')
    return { kind: 'bypassed', by: [{ message: principals.why, remedy: principals.remedy }] };
  const policy = { own: principals.names, superUsers, allowsWithoutAcl };
  const patterns = names.map((name): NamePattern => ({ kind: 'literal', name }));
  const sight = lookAtFence({ ...policy, acls, book: noFence, names: patterns });
  const by = sight.kind === 'open' ? sight.bypasses : sight.kind === 'bypassed' ? sight.by : [];
  if (by.length > 0) return { kind: 'bypassed', by };
  return { kind: 'holds', superUsers: sight.superUsers.map(({ principal }) => principal) };
}
