import type { AppliedChanges } from './apply-configs.ts';
import type { Hold } from './config-holds.ts';
import { type ChangeView, type ConfigSyncView, listMax } from './config-sync-view.ts';
import type { ConfigPlan, PlannedChange } from './plan-configs.ts';

export interface ViewedRound {
  readonly copies: readonly {
    readonly topic: string;
    readonly partitions: { readonly source: number; readonly copy: number };
    readonly replicas: { readonly source: number; readonly copy: number };
  }[];
  readonly plans: readonly ConfigPlan[];
  readonly refused: readonly Hold[];
  readonly unseen: readonly { readonly topic: string; readonly message: string }[];
  readonly edits: number;
  readonly newestEdits: readonly ConfigSyncView['edited']['newest'][number][];
  /** Absent before the first look. */
  readonly looked?: { readonly applied: AppliedChanges; readonly nowMs: number; readonly now: Date };
}

/** The view after a round. Pure. */
export function renderView({
  copies,
  plans,
  refused,
  unseen,
  edits,
  newestEdits,
  looked,
}: ViewedRound): ConfigSyncView {
  const differing = plans.flatMap((plan) => differencesOf(plan, looked?.applied));
  const behind = new Set(differing.map(({ topic }) => topic));
  const allLevel = behind.size === 0 && unseen.length === 0;
  const lookedAt = looked?.now.toISOString();
  return {
    topics: plans.length,
    level: plans.length - behind.size,
    ...(lookedAt === undefined ? {} : { lookedAt }),
    ...(lookedAt === undefined || !allLevel ? {} : { levelAt: lookedAt }),
    differing: bounded(differing),
    refused: bounded(looked === undefined ? [] : refused.map((hold) => viewHold(hold, looked))),
    edited: { count: edits, newest: [...newestEdits] },
    unknown: unknownNames(plans),
    shape: bounded(copies.flatMap(shapeOf)),
    unseen: bounded(unseen),
  };
}

export function viewChange(topic: string, { name, from, to }: PlannedChange): ChangeView {
  return {
    ...{ topic, name },
    ...(from === undefined ? {} : { shown: from }),
    ...(to === undefined ? {} : { wanted: to }),
  };
}

type Difference = ConfigSyncView['differing']['first'][number];

function differencesOf({ topic, changes, withheld }: ConfigPlan, applied: AppliedChanges | undefined): Difference[] {
  const left = changes.filter(({ name }) => applied?.made.get(topic)?.has(name) !== true);
  const why = (name: string): Difference['why'] =>
    applied?.refused.get(topic)?.has(name) === true
      ? 'held'
      : applied?.failed.has(topic) === true
        ? 'topic not reachable'
        : 'being changed';
  return [
    ...left.map((change) => ({ ...viewChange(topic, change), why: why(change.name) })),
    ...withheld.map((change) => ({ ...viewChange(topic, change), why: change.why })),
  ];
}

function viewHold(
  { topic, name, to, message, untilMs }: Hold,
  { nowMs, now }: { readonly nowMs: number; readonly now: Date },
): ConfigSyncView['refused']['first'][number] {
  const nextTryAt = new Date(now.getTime() + Math.max(0, untilMs - nowMs)).toISOString();
  return { topic, name, ...(to === undefined ? {} : { wanted: to }), message, nextTryAt };
}

function unknownNames(plans: readonly ConfigPlan[]): ConfigSyncView['unknown'] {
  const names = new Map<string, { topics: number; example: string }>();
  for (const { topic, unknown } of plans) {
    for (const name of unknown) {
      const seen = names.get(name);
      if (seen === undefined) names.set(name, { topics: 1, example: topic });
      else seen.topics += 1;
    }
  }
  return [...names].map(([name, seen]) => ({ name, ...seen }));
}

function shapeOf({
  topic,
  partitions,
  replicas,
}: ViewedRound['copies'][number]): readonly { topic: string; message: string }[] {
  const messages: string[] = [];
  if (replicas.copy < replicas.source) {
    messages.push(`the copy has ${replicas.copy} replica(s), the source ${replicas.source}: it survives fewer brokers`);
  }
  if (partitions.copy > partitions.source) {
    messages.push(
      `the copy has ${partitions.copy} partitions, the source ${partitions.source}: somebody added some, and keys would go elsewhere after a promotion; rebuild the copy`,
    );
  }
  return messages.map((message) => ({ topic, message }));
}

function bounded<T>(items: readonly T[]): { count: number; first: T[] } {
  return { count: items.length, first: items.slice(0, listMax) };
}
