import { problems, Problem } from '../worker/problems.ts';
import type { WorkerService } from '../worker/service.ts';
import { type JudgedSpec, refusalsKept } from '../worker/spec-channel-view.ts';
import { sectionNames, siteOrders } from './site-orders.ts';
import type { SpecDocument } from './spec-document.ts';

/** A document beside the newest that was judged here. Pure. */
export type Standing =
  | { readonly kind: 'new' }
  | { readonly kind: 'judged' }
  /** One line. */
  | { readonly kind: 'stale'; readonly reason: string };

export function standingOf(
  { revision, hash }: Pick<SpecDocument, 'revision' | 'hash'>,
  judged: JudgedSpec | undefined,
): Standing {
  if (judged === undefined || revision > judged.revision) return { kind: 'new' };
  if (revision === judged.revision && hash === judged.hash) return { kind: 'judged' };
  const what =
    revision === judged.revision
      ? `revision ${revision} is another one than the revision ${revision} that was taken`
      : `revision ${revision} is older than ${judged.revision}, which was taken`;
  return {
    kind: 'stale',
    reason: `${what}; write it as revision ${judged.revision + 1} if it is meant ("pulumi up --refresh" does)`,
  };
}

export type Judged =
  | { readonly kind: 'judged'; readonly judged: JudgedSpec }
  /** Nobody knows yet: tried again. */
  | { readonly kind: 'pending'; readonly reason: string };

/**
 * Carries out a document that is new here, section by section, and stops at the first that is refused. Every section is
 * idempotent, so after a crash in the middle the next leader begins at the first one again. Each that changes something is
 * in the site's events, as the change of whoever wrote the document.
 */
export async function judgeSpec(
  document: SpecDocument,
  { service, where, now }: { readonly service: WorkerService; readonly where: string; readonly now: () => Date },
  signal: AbortSignal,
): Promise<Judged> {
  const { revision, hash, spec } = document;
  const before = service.specs.judged();
  let primary = before?.schemaPrimary;
  const judged = (refusal?: Omit<JudgedSpec['refusals'][number], 'revision'>): Judged => ({
    kind: 'judged',
    judged: {
      ...{ revision, hash, at: now().toISOString(), outcome: refusal === undefined ? 'applied' : 'refused' },
      refusals: [...(before?.refusals ?? []), ...(refusal === undefined ? [] : [{ revision, ...refusal }])].slice(
        -refusalsKept,
      ),
      ...(primary === undefined ? {} : { schemaPrimary: primary }),
    },
  });
  for (const order of siteOrders(spec, service.specs.declared(), before)) {
    const intent = { who: 'spec', address: where, method: 'PUT', path: where };
    const inHand = await service.beginChange({ ...intent, subject: `${order.section}, revision ${revision}` });
    try {
      await order.run(service, signal);
      await inHand.end({ outcome: 'done' });
      if (order.section === sectionNames.schemaPrimary) primary = spec.schemaPrimary;
    } catch (error) {
      const code = error instanceof Problem ? error.code : 'INTERNAL';
      const message = error instanceof Error ? error.message : String(error);
      const { status } = problems[code];
      const refused = status < 500;
      await inHand.end({ outcome: refused ? 'refused' : 'failed', status, code });
      if (refused) return judged({ section: order.section, code, message });
      return { kind: 'pending', reason: `${order.section}: ${message}` };
    }
  }
  primary = spec.schemaPrimary ?? primary;
  return judged();
}
