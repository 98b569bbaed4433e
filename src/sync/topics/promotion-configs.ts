import type { ConfigChange, ConfigValue, TopicConfigs } from '../../kafka/config-admin.ts';
import { configRules, ruleOf } from '../../pair/config-rules.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import type { ConfigWish } from './config-record.ts';

export interface CopyNow {
  /** Asked with fallbacks: what holds at this cluster without the topic's own value. */
  readonly configs: TopicConfigs;
  /** Of the partition that has the fewest. */
  readonly replicas: number;
}

/** A config that the source topic set and that the promoted one does not get. */
export interface UnfulfilledWish {
  readonly name: string;
  readonly value: string;
  /** One line: why, and what can be done. */
  readonly why: string;
}

export interface PromotionConfigs {
  /** To be made together, before the first write is let in. */
  readonly changes: readonly ConfigChange[];
  readonly unfulfilled: readonly UnfulfilledWish[];
}

/**
 * What makes a copy a topic of its own: what only a copy needs goes, and what the source wished is in force. What the
 * source topic set itself is set; what came from its cluster is set only where this cluster would do otherwise. Configs
 * that the source did not set and a copy does not need stay as they are here. Pure.
 */
export function promotionConfigs(
  wish: ConfigWish,
  { configs, replicas }: CopyNow,
  { configs: choice }: Pick<TopicPolicy, 'configs'>,
): PromotionConfigs {
  const changes: ConfigChange[] = [];
  const unfulfilled: UnfulfilledWish[] = [];
  for (const [name, { value, from }] of Object.entries(wish)) {
    const now = configs.get(name);
    const why = choice.exclude.includes(name) ? 'the link excludes it' : whyNot(name, value, replicas, now);
    if (why === undefined) {
      const standsAnyway = from === 'cluster' && now?.fallback === value;
      changes.push(...change(name, standsAnyway ? undefined : value, now));
    } else if (from === 'topic') {
      unfulfilled.push({ name, value, why });
    }
  }
  for (const { name, sync } of configRules) {
    if (sync.kind === 'override' && wish[name] === undefined)
      changes.push(...change(name, undefined, configs.get(name)));
  }
  return { changes, unfulfilled };
}

/** Nothing, when it is so already. */
function change(name: string, to: string | undefined, now: ConfigValue | undefined): readonly ConfigChange[] {
  const own = now?.own === true ? now.value : undefined;
  return own === to ? [] : [{ name, to }];
}

function whyNot(name: string, value: string, replicas: number, now: ConfigValue | undefined): string | undefined {
  const { promotion, reason } = ruleOf(name);
  if (promotion === 'left') return reason;
  if (now === undefined) return 'the brokers here do not know this config: they are of another release';
  if (now.readOnly) return 'it is read-only here';
  if (name === 'min.insync.replicas' && Number(value) > replicas) {
    return `the copy has ${replicas} replica(s), fewer than that; add replicas, then set it`;
  }
  return undefined;
}
