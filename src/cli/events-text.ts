import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';
import { changeEventSchema, systemEventSchema } from '../worker/events/event.ts';
import type { Colours } from './colours.ts';
import { workerRowSchema } from './pair-status.ts';
import { printable } from './printable.ts';

/** An event, and whose it is. */
export const siteEventSchema = z.discriminatedUnion('type', [
  changeEventSchema.extend({ site: siteIdSchema }),
  systemEventSchema.extend({ site: siteIdSchema }),
]);

/** The shape of `umbra events --json`. */
export const eventsReportSchema = z.strictObject({
  /** Oldest first. */
  events: z.array(siteEventSchema),
  /** Workers that gave no usable answer. */
  silent: z.array(workerRowSchema),
});

export type SiteEvent = z.output<typeof siteEventSchema>;

const levelTone = { info: 'dim', warn: 'warn', error: 'bad' } as const satisfies Record<string, keyof Colours>;
const outcomeTone = { done: 'good', refused: 'warn', failed: 'bad', unknown: 'bad' } as const;

/** `2026-01-02 03:04:05Z  b  …` in one line. Pure. */
export function eventLine(event: SiteEvent, colours: Colours): string {
  const when = event.at.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
  return [colours.dim(when), event.site, whatHappened(event, colours)].join('  ');
}

function whatHappened(event: SiteEvent, colours: Colours): string {
  if (event.type === 'system') {
    const { kind, level, message } = event;
    return `${colours[levelTone[level]](kind)}: ${printable(message)}`;
  }
  const { who, address, forwardedFor, subject, outcome, code } = event;
  const from = forwardedFor === undefined ? address : `${forwardedFor} by way of ${address}`;
  const how = code === undefined ? outcome : `${outcome} (${printable(code)})`;
  return `${colours.bold(printable(subject))}: ${colours[outcomeTone[outcome]](how)}, by ${printable(who)} from ${printable(from)}`;
}

/** Of all sites in the order of their times; of what several workers of a site know, once. */
export function inOrder(events: readonly SiteEvent[]): readonly SiteEvent[] {
  const known = new Map(events.map((event) => [`${event.site} ${event.id} ${event.at}`, event]));
  return [...known.values()].sort(
    (left, right) => left.at.localeCompare(right.at) || left.site.localeCompare(right.site) || left.id - right.id,
  );
}
