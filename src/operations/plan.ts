import type { SiteId } from '../pair/site.ts';
import { schemasTopic } from '../schema-primary/schema-primary.ts';
import type { TopicStateKind } from '../pair/topic-state.ts';
import type { OperationKind } from './operation.ts';
import type { CandidateTopic, GroupSeen, LossSeen, SitesSeen, SourceSeen } from './plan-sight.ts';
import { pathOf, stepText, type StepText } from './steps.ts';

export interface PlanRequest {
  readonly kind: OperationKind;
  readonly link: string;
  readonly to: SiteId;
  /** Every copy of the link, those of them that are home where it ends, or these. */
  readonly topics: 'all' | 'home' | readonly string[];
  /** The old side need not be proven to be fenced. */
  readonly unconfirmed: boolean;
  /** Copies that are faulted, or were never level, are promoted as they are. */
  readonly unready: boolean;
}

/** One line each: what, where, what to do next. */
export interface PlanFinding {
  readonly code: PlanCode;
  readonly message: string;
  readonly remedy: string;
}

export const planCodes = [
  'NO_TOPICS',
  'UNKNOWN_TOPIC',
  'TOPIC_BUSY',
  'TOPIC_UNREADY',
  'TOPIC_ORPHANED',
  'ALREADY_PRIMARY',
  'OLD_SIDE_UNCONFIRMED',
  'SOURCE_SILENT',
  'UNFENCED',
  'BYPASSED',
  'NO_WAY_BACK',
  'SUPER_USERS',
  'TRANSACTIONS',
  'LAGGING',
  'OWN_GROUPS',
  'LEAKING',
  'NOT_READY',
  'LOSS',
  'BARRIER_BEHIND',
  'SCHEMAS_MOVE',
] as const;

export type PlanCode = (typeof planCodes)[number];

export interface PlannedTopic {
  readonly name: string;
  readonly state: TopicStateKind;
  readonly partitions: number;
  /** Of the promotion that is planned. */
  readonly term: number;
  readonly copyTopicId: string;
  readonly loss: LossSeen | undefined;
}

export interface Plan {
  readonly kind: OperationKind;
  readonly link: string;
  readonly to: SiteId;
  readonly topics: readonly PlannedTopic[];
  readonly steps: readonly StepText[];
  /** Of all topics: the worst seconds, basis and age; records and bytes add up. Undefined for a switchover: none. */
  readonly loss: LossSeen | undefined;
  /** From the begin to the grant. */
  readonly seconds: number;
  /** Any of these keeps it from being carried out. */
  readonly blockers: readonly PlanFinding[];
  readonly warnings: readonly PlanFinding[];
  readonly unconfirmed: boolean;
  readonly unready: boolean;
}

/** A guess on the safe side, for people: nothing waits by it. */
const secondsOf = { base: 1, perTopic: 0.008, perPartition: 0.0005 } as const;

/** What an operation would do, and what stands against it. Pure. */
export function planOperation(request: PlanRequest, candidates: readonly CandidateTopic[], seen: SitesSeen): Plan {
  const byName = new Map(candidates.map((topic) => [topic.name, topic]));
  const wanted = namesOf(request, candidates);
  const blockers: PlanFinding[] = [];
  const warnings: PlanFinding[] = [];
  const topics: PlannedTopic[] = [];
  for (const name of wanted) {
    const topic = byName.get(name);
    const finding = topic === undefined ? unknown(name, request) : objectionTo(topic, request);
    if (finding !== undefined) blockers.push(finding);
    else if (topic?.copyTopicId !== undefined) topics.push(planned(topic, topic.copyTopicId));
  }
  if (wanted.length === 0) {
    blockers.push(
      finding(
        'NO_TOPICS',
        `link ${request.link} carries no copy that could become primary${request.topics === 'home' ? ' at home' : ''}`,
        'Look at "npx umbra topics".',
      ),
    );
  }
  for (const trouble of seen.troubles)
    blockers.push(finding('NOT_READY', trouble, 'Wait until that is over, then plan again.'));
  judgeSites(request, seen, { blockers, warnings });
  if (topics.some(({ name }) => name === schemasTopic)) warnings.push(schemasMove(request));
  const own = seen.ownGroups.filter((group) => topics.some(({ name }) => group.topics.has(name)));
  if (own.length > 0) warnings.push(ownGroups(own, request));
  const loss = request.kind === 'failover' ? sumLosses(topics) : undefined;
  const late = request.kind === 'switchover' ? topics.filter(isLate) : [];
  if (late.length > 0) warnings.push(laggingFinding(late));
  if (loss !== undefined && (loss.records > 0 || loss.basis !== 'measured')) {
    const age = loss.sampleAgeMs === undefined ? 'never heard' : `${(loss.sampleAgeMs / 1000).toFixed(1)} s old`;
    const records =
      loss.basis === 'measured'
        ? `up to ${loss.recordsAtMost}`
        : `about ${loss.records}, at most ${loss.recordsAtMost} at its fastest rate,`;
    const message = `${records} records of the last ${loss.seconds.toFixed(1)} s may be missing (${loss.basis}, ${age})`;
    warnings.push(finding('LOSS', message, 'What the old side still has stays there; nothing of it is deleted.'));
  }
  return {
    ...{ kind: request.kind, link: request.link, to: request.to, topics, loss, blockers, warnings },
    ...{ unconfirmed: request.unconfirmed, unready: request.unready },
    steps: pathOf[request.kind].map(stepText),
    seconds: estimate(topics, seen),
  };
}

/**
 * What a plan is about, as text to be hashed: who confirms the hash confirms this. Figures that move by themselves (loss,
 * lag, seconds) are not in it, what they would be worth is.
 */
export function planText({ kind, link, to, topics, unconfirmed, unready }: Plan): string {
  const about = topics.map(({ name, term, copyTopicId, partitions }) => [name, term, copyTopicId, partitions]);
  return JSON.stringify([1, kind, link, to, unconfirmed, unready, about]);
}

function namesOf({ topics, to }: PlanRequest, candidates: readonly CandidateTopic[]): readonly string[] {
  if (topics !== 'all' && topics !== 'home') return [...new Set(topics)];
  return candidates
    .filter(({ state, home }) => state !== 'promoted' && (topics === 'all' || home === to))
    .map(({ name }) => name);
}

function planned({ name, state, partitions, term, loss }: CandidateTopic, copyTopicId: string): PlannedTopic {
  return { name, state, partitions, term: term + 1, copyTopicId, loss };
}

function unknown(name: string, { link, to }: PlanRequest): PlanFinding {
  return finding(
    'UNKNOWN_TOPIC',
    `link ${link} has no copy named ${name} at site ${to}`,
    `"npx umbra topics" lists them; ask the site that is not the topic’s primary.`,
  );
}

function objectionTo(topic: CandidateTopic, request: PlanRequest): PlanFinding | undefined {
  const { name, busy, state, copyTopicId } = topic;
  if (busy !== undefined)
    return finding('TOPIC_BUSY', `${name}: ${busy}`, 'One operation per topic at a time: wait for it, or abort it.');
  if (copyTopicId === undefined && state !== 'promoted') {
    return finding('TOPIC_UNREADY', `${name} has no copy at site ${request.to} yet`, 'Wait for it, or leave it out.');
  }
  switch (state) {
    case 'following':
      return undefined;
    case 'promoted':
      return finding('ALREADY_PRIMARY', `${name} is primary at site ${request.to} already`, 'Leave it out.');
    case 'stopped':
      return finding(
        'TOPIC_UNREADY',
        `${name} is stopped: its link was detached`,
        'Declare the link again ("pulumi up").',
      );
    case 'orphaned':
      if (request.kind === 'failover' && request.unready) return undefined;
      return finding(
        'TOPIC_ORPHANED',
        `${name} is gone at its source`,
        'Say --include-unready to promote what was copied of it, or leave it out.',
      );
    case 'pending':
    case 'seeding':
    case 'paused':
    case 'faulted': {
      const may = request.kind === 'failover' && request.unready;
      if (may) return undefined;
      const remedy =
        request.kind === 'failover'
          ? 'Say --include-unready to promote it as it is, or leave it out.'
          : 'Wait until it follows, resume or rebuild it, or leave it out.';
      return finding('TOPIC_UNREADY', `${name} is ${state}: its copy may lack more than the tail`, remedy);
    }
  }
}

function judgeSites(
  { kind, unconfirmed }: PlanRequest,
  seen: SitesSeen,
  { blockers, warnings }: { readonly blockers: PlanFinding[]; readonly warnings: PlanFinding[] },
): void {
  if (!seen.sourceAnswers) {
    if (kind === 'switchover') {
      blockers.push(
        finding(
          'SOURCE_SILENT',
          'the old primary’s cluster does not answer, so nothing can be drained',
          'If it is gone for good: "npx umbra plan failover".',
        ),
      );
    } else if (!unconfirmed) {
      blockers.push(
        finding(
          'OLD_SIDE_UNCONFIRMED',
          'the old primary does not answer, so it cannot be proven that nobody writes there any more',
          'Make sure that its clients are cut off, then say --old-side-unconfirmed.',
        ),
      );
    }
  }
  if (seen.source !== undefined) judgeSource(seen.source, { blockers, warnings });
  if (seen.fencing === 'unfenced') {
    const message =
      'the new primary has no authorizer: nobody was kept from writing the copies, and nobody need be let in';
    warnings.push(finding('UNFENCED', message, 'Switch an authorizer on at both sites.'));
  }
  if (seen.fencing === 'leaking') {
    warnings.push(
      finding('LEAKING', 'others than the link may write the copies already', '"npx umbra acls" says who.'),
    );
  }
  if (seen.barrier !== undefined && seen.barrier.behind > 0) {
    const message = `the new primary’s producer ids are ${seen.barrier.behind} behind the old one’s`;
    warnings.push(
      finding('BARRIER_BEHIND', message, `They are brought past it first: about ${seen.barrier.seconds.toFixed(1)} s.`),
    );
  }
}

const bypassesNamedMax = 10;

function judgeSource(
  { fence, hasWayBack, transactions }: SourceSeen,
  { blockers, warnings }: { readonly blockers: PlanFinding[]; readonly warnings: PlanFinding[] },
): void {
  if (!hasWayBack) {
    const message = 'no link ends at the old primary: nothing would protect these topics afterwards';
    blockers.push(finding('NO_WAY_BACK', message, 'Declare the link that leads back ("pulumi up").'));
  }
  switch (fence.kind) {
    case 'no authorizer': {
      const message = 'the old primary has no authorizer: its writers cannot be fenced';
      blockers.push(finding('BYPASSED', message, 'Switch an authorizer on, or stop its writers and fail over.'));
      break;
    }
    case 'bypassed':
      for (const { message, remedy } of fence.by.slice(0, bypassesNamedMax))
        blockers.push(finding('BYPASSED', `the fence would not stop everybody: ${message}`, remedy));
      break;
    case 'holds':
      if (fence.superUsers.length > 0) {
        const message = `no fence stops super users: ${fence.superUsers.join(', ')}`;
        warnings.push(finding('SUPER_USERS', message, 'Make sure that nothing writes these topics as one of them.'));
      }
  }
  const [first] = transactions;
  if (first !== undefined) {
    const more = transactions.length > 1 ? ` (and ${transactions.length - 1} more)` : '';
    const remedy = 'Writers wait until it has ended; one that stays open has the operation given up.';
    warnings.push(finding('TRANSACTIONS', `${first}${more}`, remedy));
  }
}

/** Its writers would be refused for about as long. */
const lateSecondsMin = 3;

function isLate({ loss }: PlannedTopic): boolean {
  return loss === undefined || loss.basis !== 'measured' || loss.seconds >= lateSecondsMin;
}

function laggingFinding(late: readonly PlannedTopic[]): PlanFinding {
  const names = late.slice(0, 3).map(({ name }) => name);
  const more = late.length > names.length ? ` and ${late.length - names.length} more` : '';
  const message = `${names.join(', ')}${more} lag behind by seconds, or nobody knows by how much`;
  return finding('LAGGING', message, 'Writers are refused until they are level; after 20 s it is given up.');
}

function ownGroups(groups: readonly GroupSeen[], { to }: PlanRequest): PlanFinding {
  const [first] = groups;
  const more = groups.length > 1 ? ` (and ${groups.length - 1} more)` : '';
  const message = `group ${first?.group ?? ''}${more} does not get its positions at site ${to}: ${first?.why ?? ''}`;
  return finding(
    'OWN_GROUPS',
    message,
    '"npx umbra groups" shows all of them; put it right first, or it goes on where it is.',
  );
}

function schemasMove({ kind, to }: PlanRequest): PlanFinding {
  const ids = kind === 'failover' ? '; its ids go on far above the highest one that is known' : '';
  return finding(
    'SCHEMAS_MOVE',
    `site ${to} becomes schema primary, and takes registrations then${ids}`,
    `When it is done let the registry at site ${to} be elected, and the other one not: docs/schemas.md.`,
  );
}

function sumLosses(topics: readonly PlannedTopic[]): LossSeen {
  const bases = ['measured', 'estimated', 'stale'] as const;
  let [seconds, records, recordsAtMost, bytes, sampleAgeMs, worst] = [0, 0, 0, 0, 0, 0];
  let heard = topics.length > 0;
  for (const { loss } of topics) {
    if (loss === undefined) {
      worst = bases.length - 1;
      heard = false;
      continue;
    }
    seconds = Math.max(seconds, loss.seconds);
    records += loss.records;
    recordsAtMost += loss.recordsAtMost;
    bytes += loss.bytes;
    worst = Math.max(worst, bases.indexOf(loss.basis));
    if (loss.sampleAgeMs === undefined) heard = false;
    else sampleAgeMs = Math.max(sampleAgeMs, loss.sampleAgeMs);
  }
  const basis = bases[worst] ?? 'stale';
  return { seconds, records, recordsAtMost, bytes, basis, ...(heard ? { sampleAgeMs } : {}) };
}

function estimate(topics: readonly PlannedTopic[], { barrier }: SitesSeen): number {
  const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
  const { base, perTopic, perPartition } = secondsOf;
  return base + topics.length * perTopic + partitions * perPartition + (barrier?.seconds ?? 0);
}

function finding(code: PlanCode, message: string, remedy: string): PlanFinding {
  return { code, message, remedy };
}
