import type { LinkSpec, PrefixOwners } from '../pair/spec.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import type { RebuildView } from './rebuild/rebuild-view.ts';
import type { LinkView, PairView, TopicDetailView, TopicView } from './views.ts';

/** `detach` leaves copies as they are and forgets the link; `refuse` deletes only a link that nothing follows. */
export type LinkDeletion = 'refuse' | 'detach';

/**
 * What a worker offers to its edges (API, CLI, provider). Every method rejects with a `Problem` (problems.ts) whose
 * code, HTTP status and remedy come from one table; nothing is changed when it rejects.
 */
export interface WorkerService {
  pairView(): PairView;
  linkViews(): readonly LinkView[];
  topicViews(): readonly TopicView[];
  topicView(name: string): TopicDetailView;
  /** The process answers. */
  healthy(): boolean;
  /** State is loaded from `_umbra` and both clusters answered at least once. The text says what is missing. */
  readiness(): { readonly ready: boolean; readonly reason: string };
  /** Prometheus text exposition. */
  metrics(): Promise<string>;
  putPrefixPolicy(owners: PrefixOwners, signal: AbortSignal): Promise<void>;
  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void>;
  putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView>;
  deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void>;
  /** The plan or rebuild of a copy as it is now. */
  rebuildView(topic: string): RebuildView;
  /** Begins to make a plan for rebuilding a faulted copy; {@link rebuildView} shows it when it is made. */
  planRebuild(topic: string): Promise<RebuildView>;
  /** Carries out the plan with this hash; resolves when that is certain, long before it is done. */
  executeRebuild(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView>;
}
