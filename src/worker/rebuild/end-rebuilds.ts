import type { SiteState } from '../state/state.ts';

/**
 * Closes what the journal holds of a link that was deleted since: declared again, it must not go on with what was
 * confirmed for its former life. Of the journal of rebuilds, or of that of reconciliations. Resolves when that is in it.
 */
export async function endRebuilds(
  state: Pick<SiteState, 'rebuilds' | 'putRebuild'>,
  { link, at }: { readonly link: string; readonly at: Date },
  signal: AbortSignal,
): Promise<void> {
  for (const record of state.rebuilds()) {
    const { kind } = record.step;
    if (record.link !== link || kind === 'done' || kind === 'stopped') continue;
    const further = { quarantined: kind !== 'quarantining', deletionSent: kind !== 'quarantining' };
    const reason = 'the link was deleted before it was through';
    await state.putRebuild({ ...record, step: { kind: 'stopped', at: at.toISOString(), reason, ...further } }, signal);
  }
}
