import { isDeepStrictEqual } from 'node:util';
import { AwsProblem } from '../aws/aws-problem.ts';
import type { Documents } from '../aws/s3-documents.ts';
import type { SiteId } from '../pair/site.ts';
import { linkId, type LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { Problem, type ProblemCode, problems } from '../worker/problems.ts';
import { sectionNames } from './site-orders.ts';
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

/** One section of the spec: what two writers must not change at once. */
interface Section<T> {
  readonly name: string;
  read(spec: SiteSpec): T | undefined;
  /** Undefined takes it out. */
  write(spec: SiteSpec, value: T | undefined): SiteSpec;
}

type Outcome =
  | { readonly kind: 'applied'; readonly status: StatusDocument }
  | { readonly kind: 'refused'; readonly problem: Problem };

interface Written {
  readonly revision: number;
}

const lookAgainMs = 1_000;
/** A link that is detached is not waited for long: it is said all the same. */
const detachMs = 30_000;
const takeBackMs = 30_000;
/** Two resources of one program write at once, seldom more. */
const conflictsMax = 20;
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
    const status = parseStatusDocument(read.text);
    if (status === undefined || status.pair !== this.#ports.pair || status.site !== site) {
      throw new Problem('BAD_ANSWER', `${where} is no status of site ${site} of the pair "${this.#ports.pair}"`);
    }
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
    if (mode === 'detach') {
      // The copies stay as they are, whenever the site hears of it.
      await this.#declare(linkSection(id, true), undefined, signal, Math.min(detachMs, this.#ports.patienceMs));
      return;
    }
    const section = linkSection(id, false);
    const { spec } = await this.status(signal);
    const before = section.read(spec);
    if (before === undefined) throw new Problem('NOT_FOUND', `site ${this.#ports.site} has no link ${id}`);
    let outcome: Outcome;
    try {
      outcome = await this.#declared(section, undefined, signal, this.#ports.patienceMs);
    } catch (error) {
      // Nobody may delete it some day when everybody believes that it is there.
      await this.#write(section, before, AbortSignal.timeout(takeBackMs));
      throw error;
    }
    if (outcome.kind === 'refused') throw outcome.problem;
  }

  async #declare<T>(
    section: Section<T>,
    value: T | undefined,
    signal: AbortSignal,
    patienceMs = this.#ports.patienceMs,
  ): Promise<StatusDocument> {
    const outcome = await this.#declared(section, value, signal, patienceMs);
    if (outcome.kind === 'refused') throw outcome.problem;
    return outcome.status;
  }

  /** Writes it and waits for the site's answer. Rejects with `UNREACHABLE` when none came in time: then it may still come. */
  async #declared<T>(
    section: Section<T>,
    value: T | undefined,
    signal: AbortSignal,
    patienceMs: number,
  ): Promise<Outcome> {
    const endMs = this.#ports.clock.nowMs() + patienceMs;
    const wanted = asStored(value);
    let written = await this.#write(section, wanted, signal);
    for (;;) {
      const seen = await this.#statusOf(signal);
      if (seen.kind === 'told') {
        const { status } = seen;
        const { judged, channel } = status;
        if (judged !== undefined && judged.revision >= written.revision) {
          if (isDeepStrictEqual(section.read(status.spec), wanted)) return { kind: 'applied', status };
          if (judged.refusal?.section === section.name) return await this.#takeBack(section, status, signal);
        }
        // The site has taken a higher revision that is not there any more: a bucket that was put back.
        if (channel.state === 'stale') written = await this.#write(section, wanted, signal);
      }
      await this.#pause({ ...written, section: section.name, seen, endMs }, signal);
    }
  }

  async #pause(
    waiting: Written & { readonly section: string; readonly seen: Seen; readonly endMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { revision, section, seen, endMs } = waiting;
    const { site, clock, progress } = this.#ports;
    const why = seen.kind === 'told' ? heardOf(seen.status) : seen.reason;
    const line = `${section} is written for site ${site} as revision ${revision}; ${why}`;
    if (clock.nowMs() >= endMs) throw new Problem('UNREACHABLE', line);
    progress(line);
    await clock.sleep(this.#ports.lookAgainMs ?? lookAgainMs, signal);
  }

  async #takeBack<T>(section: Section<T>, status: StatusDocument, signal: AbortSignal): Promise<Outcome> {
    const { refusal } = status.judged ?? {};
    await this.#write(section, section.read(status.spec), signal);
    const code = refusal !== undefined && refusal.code in problems ? refusal.code : 'INVALID_INPUT';
    const why = refusal?.message ?? `site ${status.site} refused it`;
    return { kind: 'refused', problem: new Problem(code as ProblemCode, why) }; // as: it is in the table
  }

  /** Replaces the document by one that declares this; one that does so already, and is not behind, is left as it is. */
  async #write<T>(section: Section<T>, value: T | undefined, signal: AbortSignal): Promise<Written> {
    const { pair, site, documents, clock } = this.#ports;
    let first: { readonly value: T | undefined } | undefined;
    for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
      const base = await this.#base(signal);
      const there = section.read(base.spec);
      if (first !== undefined && !isDeepStrictEqual(there, first.value) && !isDeepStrictEqual(there, value)) {
        const what = `somebody else has just declared ${section.name} of site ${site} otherwise (revision ${base.revision})`;
        throw new Problem('PLAN_CHANGED', `${what}; nothing was written. Look at it, then run "pulumi up" again`);
      }
      first ??= { value: there };
      const spec = section.write(base.spec, value);
      if (base.inForce && isDeepStrictEqual(spec, base.spec)) return { revision: base.revision };
      const revision = base.revision + 1;
      const writtenAt = new Date(clock.nowMs()).toISOString();
      const text = renderSpecDocument({ site, revision, writtenAt, spec: { ...spec, name: pair } });
      const condition = { replaces: base.etag };
      const answer = await this.#asked(() => documents.write(documentNames.spec, text, condition, signal));
      if (answer.kind === 'written') return { revision };
      await clock.sleep(Math.min(50 * (conflicts + 1), lookAgainMs), signal);
    }
    const where = documents.where(documentNames.spec);
    throw new Problem(
      'UNREACHABLE',
      `${where} was written by others ${conflictsMax} times in a row; nothing was written`,
    );
  }

  /** What the next revision is made of: the document; where it is lost or damaged, what the site says is in force. */
  async #base(signal: AbortSignal): Promise<{
    readonly spec: SiteSpec;
    readonly revision: number;
    readonly etag: string | undefined;
    readonly inForce: boolean;
  }> {
    const { documents, pair } = this.#ports;
    const read = await this.#asked(() => documents.read(documentNames.spec, { etag: undefined }, signal));
    const seen = await this.#statusOf(signal);
    const status = seen.kind === 'told' ? seen.status : undefined;
    const judged = status?.judged?.revision ?? 0;
    const etag = read.kind === 'found' ? read.etag : undefined;
    if (read.kind === 'found') {
      const parsed = parseSpecDocument(read.text, this.#ports);
      if (parsed.kind === 'accepted') {
        const { revision, spec } = parsed.document;
        // What is in force may be another thing than what was declared: somebody used the API.
        const drifted = status !== undefined && judged === revision && !covers(status.spec, spec);
        return { spec, revision: Math.max(revision, judged), etag, inForce: revision >= judged && !drifted };
      }
      if (status === undefined) {
        const where = documents.where(documentNames.spec);
        throw new Problem('BAD_ANSWER', `${where} ${parsed.reason}; nothing was written`);
      }
    }
    const spec = status?.spec ?? { name: pair, links: [], detach: [] };
    return { spec, revision: judged, etag, inForce: false };
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

function heardOf({ judged, channel }: StatusDocument): string {
  const known = judged === undefined ? 'has taken none yet' : `has taken revision ${judged.revision}`;
  const why = channel.reason === undefined ? '' : ` (${channel.state}: ${channel.reason})`;
  return `its worker ${known}${why}`;
}

/** Fields that are undefined are not there in what is read back. */
function asStored<T>(value: T | undefined): T | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as T); // as: what is declared is JSON
}

/** Whether everything that is declared is in force. */
function covers(inForce: SiteSpec, { prefixPolicy, schemaPrimary, links }: SiteSpec): boolean {
  return (
    (prefixPolicy === undefined || isDeepStrictEqual(prefixPolicy, inForce.prefixPolicy)) &&
    (schemaPrimary === undefined || isDeepStrictEqual(schemaPrimary, inForce.schemaPrimary)) &&
    links.every((link) => inForce.links.some((each) => isDeepStrictEqual(each, link))) &&
    inForce.links.length === links.length
  );
}

const policySection: Section<DeclaredPolicy> = {
  name: sectionNames.prefixPolicy,
  read: ({ prefixPolicy }) => prefixPolicy,
  write: ({ prefixPolicy: _before, ...spec }, value) => (value === undefined ? spec : { ...spec, prefixPolicy: value }),
};

const primarySection: Section<SchemaPrimary> = {
  name: sectionNames.schemaPrimary,
  read: ({ schemaPrimary }) => schemaPrimary,
  write: ({ schemaPrimary: _before, ...spec }, value) =>
    value === undefined ? spec : { ...spec, schemaPrimary: value },
};

function linkSection(id: string, mayFollow: boolean): Section<LinkSpec> {
  return {
    name: sectionNames.link(id),
    read: ({ links }) => links.find((link) => linkId(link) === id),
    write: ({ links, detach, ...spec }, value) => {
      const others = links.filter((link) => linkId(link) !== id);
      const kept = detach.filter((each) => each !== id);
      if (value === undefined) return { ...spec, links: others, detach: mayFollow ? [...kept, id] : kept };
      const linksNow = [...others, value].toSorted((left, right) => linkId(left).localeCompare(linkId(right)));
      return { ...spec, links: linksNow, detach: kept };
    },
  };
}
