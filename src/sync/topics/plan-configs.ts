import type { ConfigChange, TopicConfigs } from '../../kafka/config-admin.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { type ConfigRecord, type ConfigWish, wishOf } from './config-record.ts';
import { type Wanted, wantedConfigs } from './wanted-configs.ts';

/**
 * Why a config of the copy is changed:
 *
 * - `new`            it was never synced: the copy is new, or the policy or umbra's rules are
 * - `source changed` the source wants something else than what the copy was level at
 * - `edited locally` the source still wants what the copy was level at, and the copy shows something else
 */
export type ChangeReason = 'new' | 'source changed' | 'edited locally';

export interface PlannedChange extends ConfigChange {
  /** What the copy shows: its own value, or the one in force where the effect counts. Undefined: none of its own. */
  readonly from: string | undefined;
  readonly reason: ChangeReason;
  /** The copy shows something that the sync did not leave there. Always so with `edited locally`. */
  readonly edited: boolean;
}

/** A difference that is left alone for now. */
export interface Withheld extends PlannedChange {
  /** `settling`: just changed, and the broker that answered has not heard of it. `held`: refused before, see the hold. */
  readonly why: 'settling' | 'held' | 'read-only';
}

export interface ConfigPlan {
  readonly topic: string;
  readonly changes: readonly PlannedChange[];
  readonly withheld: readonly Withheld[];
  /** Set on the source topic and not known to the target. */
  readonly unknown: readonly string[];
  readonly wish: ConfigWish;
  /** As in the record, of what is level now. */
  readonly level: Readonly<Record<string, string | null>>;
}

export interface CopyConfigs {
  readonly topic: string;
  readonly source: TopicConfigs;
  readonly copy: TopicConfigs;
  readonly record: ConfigRecord | undefined;
  /** Changes that are not to be tried now, by name: the value that was refused (undefined: taking it away). */
  readonly held: ReadonlyMap<string, string | undefined>;
  /** Changes made a moment ago, by name: what the copy showed before them. */
  readonly settling: ReadonlyMap<string, string | undefined>;
}

/** What has to be changed at one copy so that its configs are what they have to be. Pure. */
export function planConfigs(seen: CopyConfigs, policy: Pick<TopicPolicy, 'configs'>): ConfigPlan {
  const { topic, source, copy, record } = seen;
  const { wanted, unknown } = wantedConfigs(source, new Set(copy.keys()), policy);
  const changes: PlannedChange[] = [];
  const withheld: Withheld[] = [];
  const level: Record<string, string | null> = {};
  for (const [name, want] of wanted) {
    const to = want.kind === 'unset' ? undefined : want.value;
    if (isLevel(name, want, copy)) {
      level[name] = to ?? null;
      continue;
    }
    const was = record?.level[name];
    // What is not level now stays remembered as what it was level at, so that the reason stays the same.
    if (was !== undefined) level[name] = was;
    const from = shown(name, want, copy);
    const settling = seen.settling.has(name) && seen.settling.get(name) === from;
    const reason = was === undefined ? 'new' : was === (to ?? null) ? 'edited locally' : 'source changed';
    const edited = was !== undefined && was !== (from ?? null) && !settling;
    const change: PlannedChange = { name, to, from, reason, edited };
    const why = settling && reason === 'edited locally' ? 'settling' : whyWithheld(change, seen);
    if (why === undefined) changes.push(change);
    else withheld.push({ ...change, why });
  }
  return { topic, changes, withheld, unknown, wish: wishOf(source), level };
}

/** What is to be remembered when the named changes of the plan have been made. */
export function recordAfter({ topic, wish, level, changes }: ConfigPlan, made: ReadonlySet<string>): ConfigRecord {
  const now = { ...level };
  for (const { name, to } of changes) if (made.has(name)) now[name] = to ?? null;
  return { topic, wish, level: now };
}

function isLevel(name: string, want: Wanted, copy: TopicConfigs): boolean {
  const now = copy.get(name);
  switch (want.kind) {
    case 'own':
      // Where nobody may set it, it is enough that it holds.
      return now?.value === want.value && (now.own || now.readOnly);
    case 'effect':
      return now?.value === want.value;
    case 'unset':
      return now?.own !== true;
  }
}

function shown(name: string, want: Wanted, copy: TopicConfigs): string | undefined {
  const now = copy.get(name);
  return want.kind === 'effect' || now?.own === true ? now?.value : undefined;
}

function whyWithheld({ name, to }: PlannedChange, { copy, held }: CopyConfigs): 'read-only' | 'held' | undefined {
  if (copy.get(name)?.readOnly === true) return 'read-only';
  return held.has(name) && held.get(name) === to ? 'held' : undefined;
}
