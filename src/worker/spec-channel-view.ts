import { z } from 'zod';
import { schemaPrimarySchema } from '../schema-primary/schema-primary.ts';
import type { SiteState } from './state/state.ts';

export const refusalsKept = 20;

/** What became of a declaration that came as a document, once and for all. */
export const judgedSpecSchema = z.strictObject({
  revision: z.int().min(1),
  hash: z.string(),
  at: z.iso.datetime(),
  /** Refused: at the section of the newest refusal; those before it are in force. */
  outcome: z.enum(['applied', 'refused']),
  /** The newest last. Whoever declared something is told, though others have declared since. */
  refusals: z
    .array(z.strictObject({ revision: z.int().min(1), section: z.string(), code: z.string(), message: z.string() }))
    .max(refusalsKept),
  /** As the newest document declared it that was taken. What is in force is a role: it may have moved since. */
  schemaPrimary: schemaPrimarySchema.optional(),
});

export type JudgedSpec = z.output<typeof judgedSpecSchema>;

/** The one table of states of the channel by which a site is told its spec. */
export const channelStates = {
  none: { well: true, meaning: 'no document has ever been there' },
  following: { well: true, meaning: 'the newest document is in force' },
  pending: { well: true, meaning: 'a document cannot be applied yet; the reason says what is waited for' },
  stuck: { well: false, meaning: 'the same for ten minutes' },
  refused: { well: false, meaning: 'the newest document was refused; what was in force is in force' },
  lost: { well: false, meaning: 'the document is gone; what it declared last is in force' },
  stale: { well: false, meaning: 'an older revision than the one in force was put in its place; it is not taken' },
  invalid: { well: false, meaning: 'what is there cannot be read as a document of this site; it is not taken' },
  unreachable: { well: false, meaning: 'the document cannot be asked for; what it declared last is in force' },
} as const satisfies Record<string, { well: boolean; meaning: string }>;

export type ChannelState = keyof typeof channelStates;

const stateNames = Object.keys(channelStates) as [ChannelState, ...ChannelState[]];

export const channelViewSchema = z.strictObject({
  state: z.enum(stateNames),
  /** Where the document stands. */
  document: z.string(),
  /** The newest that was judged here; absent before the first. */
  revision: z.int().min(1).optional(),
  reason: z.string().optional(),
});

export type ChannelView = z.output<typeof channelViewSchema>;

const prefix = 'channel/';

/** In `_umbra`, so that no revision is judged twice, whoever leads. */
export function judgedSpecOf(state: Pick<SiteState, 'section'>): JudgedSpec | undefined {
  return state.section(prefix, judgedSpecSchema).all()[0];
}

export function putJudgedSpec(
  state: Pick<SiteState, 'section'>,
  judged: JudgedSpec,
  signal: AbortSignal,
): Promise<void> {
  return state.section(prefix, judgedSpecSchema).write([['judged', judged]], signal);
}
