import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';

/** How urgent it is: `error` wants somebody to act, `warn` to look. */
export type EventLevel = 'info' | 'warn' | 'error';

/** The one table of what umbra tells of itself; docs/events.md is held to it. */
export const systemEvents = {
  'lead taken': { level: 'info', meaning: 'a worker began to lead the site' },
  'link declared': { level: 'info', meaning: 'a link began to run here' },
  'link state changed': { level: 'warn', meaning: 'the state or the fence of a link is another one now' },
  'copies made': { level: 'info', meaning: 'topics of the source got their copies' },
  'copies level': { level: 'info', meaning: 'copies were level with their sources for the first time' },
  'copies faulted': { level: 'error', meaning: 'copies stopped as a whole; the message says why' },
  'sources deleted': { level: 'warn', meaning: 'topics are gone at the source; their copies stay as they are' },
  'copies dropped': { level: 'warn', meaning: 'copies that were followed are known no more' },
  'fault found': { level: 'error', meaning: 'a partition stopped for good' },
  'rebuild ended': { level: 'warn', meaning: 'the rebuild of a copy came to its end, or stopped' },
  'configs synced': { level: 'info', meaning: 'a copy got the configs of its source' },
  'config edit reverted': { level: 'warn', meaning: 'somebody had changed configs of a copy; they were put back' },
  'configs refused': { level: 'warn', meaning: 'configs that the target did not take' },
  'groups removed': { level: 'info', meaning: 'positions of groups that are gone at the source were removed' },
  'acls synced': { level: 'info', meaning: 'ACLs of a link, or of applications, were created or removed here' },
  'acls refused': { level: 'warn', meaning: 'ACLs that the cluster did not take' },
  'leaks found': { level: 'warn', meaning: 'others than the link may write its copies; the message names them' },
  'copy deleted': { level: 'warn', meaning: 'a copy was deleted with its source topic, as the link’s spec says' },
  'operation begun': { level: 'warn', meaning: 'roles of topics are being moved to this site' },
  'operation step': { level: 'warn', meaning: 'an operation that moves roles came to its next step' },
  'old side returned': {
    level: 'warn',
    meaning: 'topics of this site were taken over by the other one while it was away; it holds nothing above the cut',
  },
  'split found': { level: 'error', meaning: 'the same, and both sites hold records of their own above the cut' },
  'reconciliation step': { level: 'warn', meaning: 'the log of an old primary came closer to being a copy again' },
  'tail replayed': { level: 'warn', meaning: 'the tail of an old primary was appended to a topic of this site' },
  'violation found': { level: 'warn', meaning: 'a topic here breaks the prefix policy' },
  'violation gone': { level: 'info', meaning: 'a topic that broke the prefix policy does not any more' },
  'drill begun': { level: 'info', meaning: 'a drill began at this site' },
  'drill predicted': { level: 'info', meaning: 'a drill worked out what the loss of the other site would cost now' },
  'drill aborted': {
    level: 'warn',
    meaning: 'a drill is ended before its script is; `error` where somebody has to look now',
  },
  'drill ended': { level: 'info', meaning: 'a drill is over, with its verdict; `error` where it failed' },
  'drill missed': { level: 'warn', meaning: 'times of a schedule at which no drill ran, with why' },
  'drills frozen': { level: 'info', meaning: 'no drill of the pair begins until then but those that only look' },
  'drills thawed': { level: 'info', meaning: 'a freeze of drills was taken back before its end' },
  'finding opened': { level: 'warn', meaning: 'a drill has shown something that somebody has to see to' },
  'spec channel changed': {
    level: 'warn',
    meaning: 'what the documents say by which the site is told its spec is in another state; the message says which',
  },
  'events left out': { level: 'warn', meaning: 'more happened at once than is written down; the log has it' },
} as const satisfies Record<string, { level: EventLevel; meaning: string }>;

export type SystemEventKind = keyof typeof systemEvents;

const kinds = Object.keys(systemEvents) as [SystemEventKind, ...SystemEventKind[]];
const isoTime = z.iso.datetime();
const eventId = z.int().min(1);

/** What somebody asked a worker to change, before it is done. */
export const changeIntentSchema = z.strictObject({
  begunAt: isoTime,
  /** The name of the token, or `local` where no token is asked for. */
  who: z.string(),
  /** Where the request came from. */
  address: z.string(),
  /** When a worker passed it on: for whom, as that worker says. */
  forwardedFor: z.string().optional(),
  method: z.string(),
  /** With its query. */
  path: z.string(),
  /** What it is about, in words. */
  subject: z.string(),
});

export const changeEventSchema = changeIntentSchema.extend({
  id: eventId,
  /** When it was over. */
  at: isoTime,
  type: z.literal('change'),
  /**
   * `refused`: nothing was changed. `failed`: it ended in an error, and may have been done in part. `unknown`: the
   * worker stopped in the middle, and nobody wrote down what became of it.
   */
  outcome: z.enum(['done', 'refused', 'failed', 'unknown']),
  status: z.int().optional(),
  /** Of the problem it was answered with. */
  code: z.string().optional(),
});

export const systemEventSchema = z.strictObject({
  id: eventId,
  at: isoTime,
  type: z.literal('system'),
  kind: z.enum(kinds),
  level: z.enum(['info', 'warn', 'error']),
  link: z.string().optional(),
  message: z.string(),
});

/** Ids grow by time, over both types, for one site. */
export const eventSchema = z.discriminatedUnion('type', [changeEventSchema, systemEventSchema]);

export const eventsViewSchema = z.strictObject({
  site: siteIdSchema,
  /** Oldest first. */
  events: z.array(eventSchema),
  /** Of the newest there is; 0 before the first. */
  newest: z.int().min(0),
  /** Events behind the one that was asked for may be gone already: only so many are kept. */
  missed: z.boolean(),
});

export type ChangeIntent = z.output<typeof changeIntentSchema>;
export type ChangeEvent = z.output<typeof changeEventSchema>;
export type SystemEvent = z.output<typeof systemEventSchema>;
export type UmbraEvent = z.output<typeof eventSchema>;
export type EventsView = z.output<typeof eventsViewSchema>;

/** How a change came to its end. */
export type ChangeOutcome = Pick<ChangeEvent, 'outcome' | 'status' | 'code'>;

/** What umbra did or found by itself, on its way to the journal. */
export interface Notice {
  readonly kind: SystemEventKind;
  /** Where it differs from that of the kind. */
  readonly level?: EventLevel;
  readonly link?: string;
  /** One line. */
  readonly message: string;
}

/** Takes notices; never throws, never waits. */
export interface EventSink {
  report(notice: Notice): void;
}

export interface EventsQuery {
  /** Those behind this id, the oldest of them first; without it the newest ones there are. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** A change that was written down as begun. */
export interface ChangeInHand {
  /** Never rejects: a change that is done is done. What cannot be written is in the log, and `unknown` later. */
  end(outcome: ChangeOutcome): Promise<void>;
}
