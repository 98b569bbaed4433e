import { isDeepStrictEqual } from 'node:util';
import { AwsProblem } from '../aws/aws-problem.ts';
import type { Documents } from '../aws/s3-documents.ts';
import type { DrillSpec } from '../drill/drill-spec.ts';
import type { SiteId } from '../pair/site.ts';
import { linkId, type LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { Problem, type ProblemCode, problems } from '../worker/problems.ts';
import {
  covers,
  drillSection,
  linkSection,
  policySection,
  primarySection,
  type Section,
  withoutRefused,
} from './spec-sections.ts';
import { documentNames, parseSpecDocument, renderSpecDocument, type SiteSpec } from './spec-document.ts';
import { parseStatusDocument, type StatusDocument, statusEveryMs } from './status-document.ts';

export interface DeclaredSitePorts {
  readonly pair: string;
  readonly site: SiteId;
  readonly documents: Documents;
  readonly clock: { nowMs(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** Told what is waited for, a line each. */
  readonly progress: (line: string) => void;
  /** How long an answer is waited for. */
  readonly patienceMs: number;
  /** Default 1 s. */
  readonly lookAgainMs?: number;
}

/** One change on its way, over all of its writes. */
interface Attempt<T> {
  readonly wanted: T | undefined;
  /** Nothing is written unless the section is declared so. */
  readonly only?: { readonly value: T | undefined };
  /** How it was declared before, and what was in force of it: the same, but for what was refused. */
  known: readonly [declared: T | undefined, inForce: T | undefined] | undefined;
  /** Something of it may stand in the document. */
  sent: boolean;
  writes: number;
  firstRevision: number;
  revision: number;
}

function newAttempt<T>(wanted: T | undefined): Attempt<T> {
  return { wanted, known: undefined, sent: false, writes: 0, firstRevision: 0, revision: 0 };
}

interface Base {
  /** As it stands there. */
  readonly declared: SiteSpec;
  readonly spec: SiteSpec;
  readonly revision: number;
  readonly etag: string | undefined;
  /** As the site said last; undefined before its first word. */
  readonly inForceNow: SiteSpec | undefined;
  /** Whether the document says what is in force, or is on its way there. */
  readonly inForce: boolean;
}

const lookAgainMs = 1_000;
/** A link that is detached is not waited for long: it is said all the same. */
const detachMs = 30_000;
const takeBackMs = 30_000;
/** Two resources of one program write at once, seldom more. */
const conflictsMax = 20;
/** A section that others keep in the way is written again; one that never comes into force is no other's fault. */
const writesMax = 10;
/** A status that is older was written by a worker that does not lead any more, or runs no more. */
const statusAgeMaxMs = 3 * statusEveryMs;

/**
 * A site as it is declared by documents, from where it is declared. A change replaces the document by one of the next
 * revision, only if nobody else did, and waits until the site says what became of it. What the site refuses is taken back,
 * so that the document never declares what is not in force and would come true some day. Rejects with a `Problem`.
 */
export class DeclaredSite {
  readonly #ports: DeclaredSitePorts;

  constructor(ports: DeclaredSitePorts) {
    this.#ports = ports;
  }

  /** As the worker that leads the site told it last. Rejects with `NOT_READY` before the first word, `UNREACHABLE` when it is old. */
  async status(signal: AbortSignal): Promise<StatusDocument> {
    const { site, documents, clock } = this.#ports;
    const read = await this.#asked(() => documents.read(documentNames.status, { etag: undefined }, signal));
    const where = documents.where(documentNames.status);
    if (read.kind !== 'found') {
      throw new Problem('NOT_READY', `no worker of site ${site} has told anything yet (there is no ${where})`);
    }
    const status = this.#ownStatus(read.text);
    const ageMs = clock.nowMs() - read.modifiedAt.getTime();
    if (ageMs > statusAgeMaxMs) {
      const since = read.modifiedAt.toISOString();
      throw new Problem('UNREACHABLE', `no worker of site ${site} has told anything since ${since} (${where})`);
    }
    return status;
  }

  putPrefixPolicy(policy: DeclaredPolicy, signal: AbortSignal): Promise<StatusDocument> {
    return this.#declare(policySection, policy, signal);
  }

  putSchemaPrimary(primary: SchemaPrimary, signal: AbortSignal): Promise<StatusDocument> {
    return this.#declare(primarySection, primary, signal);
  }

  putLink(link: LinkSpec, signal: AbortSignal): Promise<StatusDocument> {
    return this.#declare(linkSection(linkId(link), false), link, signal);
  }

  async deleteLink(id: string, mode: 'refuse' | 'detach', signal: AbortSignal): Promise<void> {
    const section = linkSection(id, mode === 'detach');
    if (mode === 'detach') {
      // The copies stay as they are, whenever the site hears of it: it is not taken back.
      const attempt = newAttempt<LinkSpec>(undefined);
      await this.#settled(section, attempt, signal, Math.min(detachMs, this.#ports.patienceMs));
      return;
    }
    const { spec } = await this.status(signal);
    if (section.read(spec) === undefined) throw new Problem('NOT_FOUND', `site ${this.#ports.site} has no link ${id}`);
    await this.#declare(section, undefined, signal);
  }

  putDrill(drill: DrillSpec, signal: AbortSignal): Promise<StatusDocument> {
    return this.#declare(drillSection(drill.name), drill, signal);
  }

  async deleteDrill(name: string, signal: AbortSignal): Promise<void> {
    const section = drillSection(name);
    const { spec } = await this.status(signal);
    if (section.read(spec) === undefined)
      throw new Problem('NOT_FOUND', `site ${this.#ports.site} has no drill named ${name}`);
    await this.#declare(section, undefined, signal);
  }

  /** What does not come into force, for whatever reason, is taken back. */
  async #declare<T>(section: Section<T>, value: T | undefined, signal: AbortSignal): Promise<StatusDocument> {
    const attempt = newAttempt(asStored(value));
    try {
      return await this.#settled(section, attempt, signal, this.#ports.patienceMs);
    } catch (error) {
      throw await this.#takenBack(section, attempt, error);
    }
  }

  /** Writes it and waits for the site's answer. Rejects with its refusal, and with `UNREACHABLE` when none came in time. */
  async #settled<T>(
    section: Section<T>,
    attempt: Attempt<T>,
    signal: AbortSignal,
    patienceMs: number,
  ): Promise<StatusDocument> {
    const endMs = this.#ports.clock.nowMs() + patienceMs;
    await this.#write(section, attempt, signal);
    for (;;) {
      const seen = await this.#statusOf(signal);
      if (seen.kind === 'told') {
        const { status } = seen;
        const { judged, channel } = status;
        const heard = judged !== undefined && judged.revision >= attempt.revision;
        if (heard && isDeepStrictEqual(section.read(status.spec), attempt.wanted)) return status;
        const refusal = judged?.refusals.findLast(
          (each) => each.section === section.name && each.revision >= attempt.firstRevision,
        );
        if (refusal !== undefined) throw problemOf(refusal);
        // Another section stood in its way, or an older document was put in the place of this one.
        if (heard || channel.state === 'stale') await this.#write(section, attempt, signal);
      }
      await this.#pause(section.name, attempt, { seen, endMs }, signal);
    }
  }

  async #pause(
    section: string,
    { revision }: Attempt<unknown>,
    { seen, endMs }: { readonly seen: Seen; readonly endMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { site, clock, progress } = this.#ports;
    const why = seen.kind === 'told' ? heardOf(seen.status) : seen.reason;
    const line = `${section} is written for site ${site} as revision ${revision}; ${why}`;
    if (clock.nowMs() >= endMs) throw new Problem('UNREACHABLE', line);
    progress(line);
    await clock.sleep(this.#ports.lookAgainMs ?? lookAgainMs, signal);
  }

  /** The error to tell. Only what this attempt wrote is taken back: somebody may have declared another thing since. */
  async #takenBack<T>(section: Section<T>, attempt: Attempt<T>, error: unknown): Promise<unknown> {
    if (!attempt.sent) return error;
    const back: Attempt<T> = { ...newAttempt(attempt.known?.[1]), only: { value: attempt.wanted } };
    try {
      await this.#write(section, back, AbortSignal.timeout(takeBackMs));
      return error;
    } catch (failure) {
      const [why, whyNot] = [textOf(error), textOf(failure)];
      const { site, documents } = this.#ports;
      const where = documents.where(documentNames.spec);
      const left = `${section.name} stays declared for site ${site} in ${where}, and may come into force: run "pulumi up" again`;
      return new Problem('UNREACHABLE', `${why}. It could not be taken back (${whyNot}): ${left}`, { cause: error });
    }
  }

  /**
   * Replaces the document by one of the next revision that declares what is wanted. One that does so already, and is not
   * behind, is left as it is.
   */
  async #write<T>(section: Section<T>, attempt: Attempt<T>, signal: AbortSignal): Promise<void> {
    const { pair, site, documents, clock } = this.#ports;
    if (attempt.writes >= writesMax)
      throw new Problem('INTERNAL', `${section.name} was written ${writesMax} times, and never came into force`);
    attempt.writes += 1;
    for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
      const base = await this.#base(signal);
      const there = section.read(base.declared);
      if (attempt.only !== undefined && !isDeepStrictEqual(there, attempt.only.value)) return;
      attempt.known ??= [there, section.read(base.inForceNow ?? base.spec)];
      if (![...attempt.known, attempt.wanted].some((each) => isDeepStrictEqual(there, each))) {
        const what = `somebody else has just declared ${section.name} of site ${site} otherwise (revision ${base.revision})`;
        throw new Problem('PLAN_CHANGED', `${what}; nothing was written. Look at it, then run "pulumi up" again`);
      }
      const spec = section.write(base.spec, attempt.wanted);
      const revision = base.inForce && isDeepStrictEqual(spec, base.spec) ? base.revision : base.revision + 1;
      attempt.revision = revision;
      if (attempt.firstRevision === 0) attempt.firstRevision = revision;
      if (revision === base.revision) {
        // It may be our own, written by a request whose answer was lost.
        attempt.sent ||= !attempt.known.some((each) => isDeepStrictEqual(each, attempt.wanted));
        return;
      }
      const writtenAt = new Date(clock.nowMs()).toISOString();
      const text = renderSpecDocument({ site, revision, writtenAt, spec: { ...spec, name: pair } });
      const condition = { replaces: base.etag };
      // Whether it is there is not known when its answer is lost.
      attempt.sent = true;
      const answer = await this.#asked(() => documents.write(documentNames.spec, text, condition, signal));
      if (answer.kind === 'written') return;
      attempt.sent = attempt.writes > 1;
      await clock.sleep(Math.min(50 * (conflicts + 1), lookAgainMs), signal);
    }
    const where = documents.where(documentNames.spec);
    throw new Problem(
      'UNREACHABLE',
      `${where} was written by others ${conflictsMax} times in a row; nothing was written`,
    );
  }

  /**
   * What the next revision is made of: what is declared and in force, or on its way there. Where the document is lost, damaged,
   * or an older one, that is what the site said last, however long ago; and what it refused is left out, whoever declared it.
   */
  async #base(signal: AbortSignal): Promise<Base> {
    const { documents, pair } = this.#ports;
    const read = await this.#asked(() => documents.read(documentNames.spec, { etag: undefined }, signal));
    const status = await this.#lastWord(signal);
    const judged = status?.judged;
    const common = { etag: read.kind === 'found' ? read.etag : undefined, inForceNow: status?.spec };
    const parsed = read.kind === 'found' ? parseSpecDocument(read.text, this.#ports) : undefined;
    if (parsed?.kind === 'accepted') {
      const { revision, hash, spec } = parsed.document;
      if (status === undefined || judged === undefined || revision > judged.revision)
        return { declared: spec, spec, revision, ...common, inForce: true };
      if (revision === judged.revision && hash === judged.hash) {
        if (judged.outcome === 'refused')
          return { declared: spec, spec: withoutRefused(spec, status), revision, ...common, inForce: false };
        // What is in force may be another thing than what was declared: somebody used the API.
        return { declared: spec, spec, revision, ...common, inForce: covers(status.spec, spec) };
      }
    } else if (parsed !== undefined && status === undefined) {
      const where = documents.where(documentNames.spec);
      throw new Problem('BAD_ANSWER', `${where} ${parsed.reason}; nothing was written`);
    }
    const spec = status?.spec ?? { name: pair, links: [], detach: [] };
    return { declared: spec, spec, revision: judged?.revision ?? 0, ...common, inForce: false };
  }

  /** However old it is; undefined before the first. */
  async #lastWord(signal: AbortSignal): Promise<StatusDocument | undefined> {
    const { documents } = this.#ports;
    const read = await this.#asked(() => documents.read(documentNames.status, { etag: undefined }, signal));
    return read.kind === 'found' ? this.#ownStatus(read.text) : undefined;
  }

  #ownStatus(text: string): StatusDocument {
    const { pair, site, documents } = this.#ports;
    const status = parseStatusDocument(text);
    if (status?.pair === pair && status.site === site) return status;
    const where = documents.where(documentNames.status);
    throw new Problem('BAD_ANSWER', `${where} is no status of site ${site} of the pair "${pair}"`);
  }

  async #statusOf(signal: AbortSignal): Promise<Seen> {
    try {
      return { kind: 'told', status: await this.status(signal) };
    } catch (error) {
      if (error instanceof Problem && (error.code === 'NOT_READY' || error.code === 'UNREACHABLE'))
        return { kind: 'silent', reason: error.message };
      throw error;
    }
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AwsProblem)) throw error;
      throw new Problem(error.kind === 'refused' ? 'FORBIDDEN' : 'UNREACHABLE', error.message, { cause: error });
    }
  }
}

type Seen =
  { readonly kind: 'told'; readonly status: StatusDocument } | { readonly kind: 'silent'; readonly reason: string };

function problemOf({ code, message }: { readonly code: string; readonly message: string }): Problem {
  return new Problem(code in problems ? (code as ProblemCode) : 'INVALID_INPUT', message); // as: it is in the table
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function heardOf({ judged, channel }: StatusDocument): string {
  const known = judged === undefined ? 'has taken none yet' : `has taken revision ${judged.revision}`;
  const why = channel.reason === undefined ? '' : ` (${channel.state}: ${channel.reason})`;
  return `its worker ${known}${why}`;
}

/** Fields that are undefined are not there in what is read back. */
function asStored<T>(value: T | undefined): T | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as T); // as: what is declared is JSON
}
