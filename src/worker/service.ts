import type { LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { TailDecision } from '../quarantine/manifest.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import type { AclsView } from './acl-view.ts';
import type { BootstrapAnswer } from './bootstrap/bootstrap-view.ts';
import type { BootstrapQuery } from './bootstrap/primaries.ts';
import type { WorkerReport } from './copying/worker-report.ts';
import type { DrillService } from './drill/drill-service.ts';
import type { ChangeInHand, ChangeIntent, EventsQuery, EventsView } from './events/event.ts';
import type { FaultNotice } from './group/fault-notice.ts';
import type { MovedRoleView, MovePlan, MoveRequest, OperationView, PartView } from './moves/operation-view.ts';
import type { RebuildView } from './rebuild/rebuild-view.ts';
import type { SpecDesk } from './spec-desk.ts';
import type { LinkConfigsView, LinkGroupsView, LinkSchemasView } from './sync-views.ts';
import type { LinkView, PairView, TopicDetailView, TopicView } from './views.ts';

/** `detach` leaves copies as they are and forgets the link; `refuse` deletes only a link that nothing follows. */
export type LinkDeletion = 'refuse' | 'detach';

/** The worker that leads the site, as this one knows it. */
export type Controller =
  | { readonly kind: 'here' }
  | { readonly kind: 'elsewhere'; readonly url: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * What a worker offers to its edges (API, CLI, provider). Every method rejects with a `Problem` (problems.ts) whose
 * code, HTTP status and remedy come from one table; nothing is changed when it rejects.
 */
export interface WorkerService {
  /** Who answers for the site: what is not about this process is asked there, in the methods of its service. */
  controller(): Controller;
  pairView(signal: AbortSignal): Promise<PairView>;
  linkViews(signal: AbortSignal): Promise<readonly LinkView[]>;
  topicViews(signal: AbortSignal): Promise<readonly TopicView[]>;
  topicView(name: string, signal: AbortSignal): Promise<TopicDetailView>;
  /** What goes with the records of each link, as of the newest rounds. */
  configViews(): readonly LinkConfigsView[];
  groupViews(): readonly LinkGroupsView[];
  aclsView(): AclsView;
  schemaViews(): readonly LinkSchemasView[];
  /** Who is primary, as this worker has seen last; every worker answers for itself. */
  bootstrapView(query: BootstrapQuery): BootstrapAnswer;
  /** What happened at this site. */
  events(query: EventsQuery): EventsView;
  /** To be called before anything is changed: what cannot be written down must not be done. */
  beginChange(intent: Omit<ChangeIntent, 'begunAt'>): Promise<ChangeInHand>;
  /** What this worker sees of the partitions it copies itself. */
  workerReport(): WorkerReport;
  /** A worker of the site has stopped a partition for good. */
  takeNotice(notice: FaultNotice): Promise<void>;
  /** The process answers. */
  healthy(): boolean;
  /** The group of the site's workers has given it its part, and it has taken it up. The text says what is missing. */
  readiness(): { readonly ready: boolean; readonly reason: string };
  /** Prometheus text exposition. */
  metrics(): Promise<string>;
  /** For whoever brings declarations as documents. */
  readonly specs: SpecDesk;
  /** As it is declared at this site. */
  prefixPolicy(): DeclaredPolicy;
  putPrefixPolicy(policy: DeclaredPolicy, signal: AbortSignal): Promise<void>;
  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<void>;
  putLink(link: LinkSpec, signal: AbortSignal): Promise<LinkView>;
  deleteLink(id: string, mode: LinkDeletion, signal: AbortSignal): Promise<void>;
  /** When it resolves nobody appends to the copy any more, and that outlives the workers. Idempotent, as is the next. */
  pauseTopic(topic: string, signal: AbortSignal): Promise<TopicDetailView>;
  /** Copying goes on exactly where it stopped, unless the whole link is paused. */
  resumeTopic(topic: string, signal: AbortSignal): Promise<TopicDetailView>;
  /** The same of every copy of a link. Topics that were paused by themselves stay so when it is resumed. */
  pauseLink(id: string, signal: AbortSignal): Promise<LinkView>;
  resumeLink(id: string, signal: AbortSignal): Promise<LinkView>;
  /** What an operation that makes copies of this site primary would do. Changes nothing. */
  planMove(request: MoveRequest, signal: AbortSignal): Promise<MovePlan>;
  /** Begins the operation of the plan with this hash; resolves when that outlives all workers, before it is done. */
  beginMove(request: MoveRequest, hash: string, signal: AbortSignal): Promise<OperationView>;
  /** What is drilled at this site. */
  drills(): DrillService;
  /** Of this site, newest first. */
  operations(): readonly OperationView[];
  operation(id: string): OperationView;
  /** Has it given up, where that is still possible: `operation` shows what became of it. */
  abortOperation(id: string): OperationView;
  parts(): readonly PartView[];
  /** Gives the rights back that it withdrew for an operation of the other site, which is gone. */
  releaseOperation(id: string): PartView;
  /** Topics that are primary here and not at home. */
  roles(): readonly MovedRoleView[];
  /** The plan or reconciliation of a topic that the other site took over, at the site that lost it. */
  reconciliationView(topic: string): RebuildView;
  /** Begins to make a plan; without a decision it shows what there is to be decided. */
  planReconciliation(topic: string, decision: TailDecision | undefined): Promise<RebuildView>;
  executeReconciliation(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView>;
  /** The plan or rebuild of a copy as it is now. */
  rebuildView(topic: string, signal: AbortSignal): Promise<RebuildView>;
  /** Begins to make a plan for rebuilding a faulted copy; {@link rebuildView} shows it when it is made. */
  planRebuild(topic: string, signal: AbortSignal): Promise<RebuildView>;
  /** Carries out the plan with this hash; resolves when that is certain, long before it is done. */
  executeRebuild(topic: string, hash: string, signal: AbortSignal): Promise<RebuildView>;
}
