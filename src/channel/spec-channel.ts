import type { Logger } from 'pino';
import { AwsProblem } from '../aws/aws-problem.ts';
import type { Documents, ReadDocument } from '../aws/s3-documents.ts';
import type { SiteId } from '../pair/site.ts';
import { hasAborted, Wakeup } from '../replication/waiting/wakeup.ts';
import type { WorkerService } from '../worker/service.ts';
import type { SiteDeclared } from '../worker/spec-desk.ts';
import type { ChannelView, JudgedSpec } from '../worker/spec-channel-view.ts';
import { judgeSpec, standingOf } from './judge-spec.ts';
import { documentNames, parseSpecDocument, type SiteSpec, type SpecDocument } from './spec-document.ts';
import { differs, parseStatusDocument, type StatusDocument, statusEveryMs } from './status-document.ts';

export interface SpecChannelPorts {
  readonly pair: string;
  readonly site: SiteId;
  readonly service: WorkerService;
  readonly documents: Documents;
  readonly lookIntervalMs: number;
  readonly clock: { monotonicMs(): number; now(): Date };
  readonly logger: Logger;
}

/** A document that cannot be applied is tried again after growing pauses, and people want to know at last. */
const pendingPauseMsMax = 60_000;
const stuckMs = 600_000;

interface Pending {
  readonly revision: number;
  readonly reason: string;
  readonly attempts: number;
  readonly sinceMs: number;
  readonly againMs: number;
}

interface WrittenStatus {
  readonly etag: string | undefined;
  readonly written: StatusDocument;
  /** When it is to be said again, by the monotonic clock. */
  readonly dueMs: number;
}

/** What one look at the document came to. */
type Sight = Pick<ChannelView, 'state' | 'reason'>;

/**
 * How a site is told its spec where nobody outside reaches its workers: as a document that is watched, applied once per
 * revision and answered by another one. Only the worker that leads the site does anything here. Whatever becomes of the
 * document, what it declared last stays in force: it is in `_umbra`, like a spec that came over the API.
 */
export class SpecChannel {
  readonly #ports: SpecChannelPorts;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  /** What was there at the newest look, so that an unchanged document costs a request and no more. */
  #spec: { readonly etag: string; readonly document: SpecDocument | undefined; readonly reason: string } | undefined;
  #status: WrittenStatus | undefined;
  #pending: Pending | undefined;

  constructor(ports: SpecChannelPorts) {
    this.#ports = ports;
    this.#loop = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    let told = '';
    while (!hasAborted(signal)) {
      try {
        if (this.#ports.service.controller().kind === 'here') told = await this.#round(told, signal);
        else [this.#spec, this.#status] = [undefined, undefined];
      } catch (error) {
        if (hasAborted(signal)) return;
        // The lead moved in between, or the state of the site is not known yet: the next round shows it.
        this.#ports.logger.warn({ err: error }, 'a round of the spec channel failed; trying again');
      }
      await pause.wait(signal, this.#ports.lookIntervalMs);
    }
  }

  async #round(told: string, signal: AbortSignal): Promise<string> {
    const { service, documents, logger } = this.#ports;
    const sight = await this.#look(signal);
    const judged = service.specs.judged();
    const view: ChannelView = {
      ...sight,
      document: documents.where(documentNames.spec),
      ...(judged === undefined ? {} : { revision: judged.revision }),
    };
    service.specs.show(view);
    const line = `${view.state}${view.reason === undefined ? '' : `: ${view.reason}`}`;
    if (line !== told) logger.info({ revision: view.revision, document: view.document }, `spec channel ${line}`);
    await this.#answer(view, judged, signal);
    return line;
  }

  async #look(signal: AbortSignal): Promise<Sight> {
    const { service, documents } = this.#ports;
    const judged = service.specs.judged();
    let read: ReadDocument;
    try {
      read = await documents.read(documentNames.spec, { etag: this.#spec?.etag }, signal);
    } catch (error) {
      if (!(error instanceof AwsProblem)) throw error;
      return { state: 'unreachable', reason: error.message };
    }
    if (read.kind === 'missing') {
      this.#spec = undefined;
      if (judged === undefined) return { state: 'none' };
      const todo = 'run "pulumi up --refresh", which writes it again';
      return { state: 'lost', reason: `${documents.where(documentNames.spec)} is gone; ${todo}` };
    }
    if (read.kind === 'found') this.#take(read);
    const { document, reason } = this.#spec ?? { document: undefined, reason: 'was not read' };
    if (document === undefined) return { state: 'invalid', reason };
    return this.#judge(document, judged, signal);
  }

  #take({ text, etag }: Extract<ReadDocument, { kind: 'found' }>): void {
    const parsed = parseSpecDocument(text, this.#ports);
    this.#spec =
      parsed.kind === 'accepted'
        ? { etag, document: parsed.document, reason: '' }
        : { etag, document: undefined, reason: `${this.#ports.documents.where(documentNames.spec)} ${parsed.reason}` };
  }

  async #judge(document: SpecDocument, before: JudgedSpec | undefined, signal: AbortSignal): Promise<Sight> {
    const { service, documents, clock } = this.#ports;
    const standing = standingOf(document, before);
    if (standing.kind !== 'new') this.#pending = undefined;
    if (standing.kind === 'stale') return { state: 'stale', reason: standing.reason };
    if (standing.kind === 'judged') return sightOf(before);
    const waiting = this.#pending?.revision === document.revision ? this.#pending : undefined;
    if (waiting !== undefined && clock.monotonicMs() < waiting.againMs) return this.#sightOfPending(waiting);
    const where = documents.where(documentNames.spec);
    const result = await judgeSpec(document, { service, where, now: () => clock.now() }, signal);
    if (result.kind === 'pending') return this.#sightOfPending(this.#waitLonger(document, waiting, result.reason));
    await service.specs.record(result.judged, signal);
    this.#pending = undefined;
    return sightOf(result.judged);
  }

  /** Each attempt is in the site's events: they grow rarer. */
  #waitLonger({ revision }: SpecDocument, before: Pending | undefined, reason: string): Pending {
    const nowMs = this.#ports.clock.monotonicMs();
    const attempts = (before?.attempts ?? 0) + 1;
    const pauseMs = Math.min(this.#ports.lookIntervalMs * 2 ** Math.min(attempts - 1, 20), pendingPauseMsMax);
    const sinceMs = before?.sinceMs ?? nowMs;
    this.#pending = { revision, reason, attempts, sinceMs, againMs: nowMs + pauseMs };
    return this.#pending;
  }

  #sightOfPending({ sinceMs, reason }: Pending): Sight {
    return { state: this.#ports.clock.monotonicMs() - sinceMs > stuckMs ? 'stuck' : 'pending', reason };
  }

  /** Writes what is to be known of the site, where it is another thing than before, or the last word is old. */
  async #answer(channel: ChannelView, judged: JudgedSpec | undefined, signal: AbortSignal): Promise<void> {
    const { documents, clock, logger, service } = this.#ports;
    try {
      // Looked at before what is said is gathered: a word that is older than the one it would replace is not said.
      const there = this.#status ?? (await this.#statusThere(signal));
      const now = await this.#statusNow(channel, judged, signal);
      if (this.#status !== undefined && !differs(this.#status.written, now) && clock.monotonicMs() < this.#status.dueMs)
        return;
      const leads = service.controller().kind === 'here';
      if (!leads || (there.written !== undefined && BigInt(there.written.knownTo) > BigInt(now.knownTo))) return;
      const text = `${JSON.stringify(now)}\n`;
      const answer = await documents.write(documentNames.status, text, { replaces: there.etag }, signal);
      const dueMs = clock.monotonicMs() + statusEveryMs;
      // After a conflict the next round looks at what is there: another worker that led wrote it, or a person.
      this.#status = answer.kind === 'conflict' ? undefined : { etag: answer.etag, written: now, dueMs };
    } catch (error) {
      if (!(error instanceof AwsProblem)) throw error;
      logger.warn({ reason: error.message }, 'the status could not be written; trying again');
    }
  }

  async #statusThere(signal: AbortSignal): Promise<Pick<WrittenStatus, 'etag'> & Partial<WrittenStatus>> {
    const { pair, site, documents } = this.#ports;
    const read = await documents.read(documentNames.status, { etag: undefined }, signal);
    if (read.kind !== 'found') return { etag: undefined };
    const written = parseStatusDocument(read.text);
    if (written !== undefined && (written.pair !== pair || written.site !== site)) {
      const where = documents.where(documentNames.status);
      const whose = `site ${written.site} of the pair "${written.pair}"`;
      throw new AwsProblem('refused', `${where} is of ${whose}: are buckets mixed up?`);
    }
    return { etag: read.etag, ...(written === undefined ? {} : { written }) };
  }

  async #statusNow(channel: ChannelView, judged: JudgedSpec | undefined, signal: AbortSignal): Promise<StatusDocument> {
    const { pair, site, service, clock } = this.#ports;
    const knownTo = String(service.specs.knownTo());
    const [view, topics] = [await service.pairView(signal), await service.topicViews(signal)];
    return {
      ...{ version: 1, pair, site, writtenAt: clock.now().toISOString(), channel, knownTo, view },
      ...(judged === undefined ? {} : { judged }),
      spec: specInForce(pair, service.specs.declared(), judged),
      topics: topics.map(({ name, link, state }) => ({ name, link, state })),
      moved: service.roles().map(({ topic }) => topic),
      acls: service.aclsView(),
    };
  }
}

function sightOf(judged: JudgedSpec | undefined): Sight {
  const refusal = judged?.refusals.at(-1);
  if (judged?.outcome !== 'refused' || refusal === undefined) return { state: 'following' };
  return { state: 'refused', reason: `${refusal.section}: ${refusal.message}` };
}

function specInForce(
  name: string,
  { prefixPolicy, schemaPrimary: role, links, drills }: SiteDeclared,
  judged: JudgedSpec | undefined,
): SiteSpec {
  const schemaPrimary = judged?.schemaPrimary ?? role;
  return {
    ...{ name, links: [...links], detach: [], drills: [...drills] },
    ...(prefixPolicy === undefined ? {} : { prefixPolicy }),
    ...(schemaPrimary === undefined ? {} : { schemaPrimary }),
  };
}
