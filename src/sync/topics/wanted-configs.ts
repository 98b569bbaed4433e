import type { ConfigValue, TopicConfigs } from '../../kafka/config-admin.ts';
import { configRules, ruleOf } from '../../pair/config-rules.ts';
import { isSynced, type TopicPolicy } from '../../pair/topic-policy.ts';

/** What a config of the copy has to be. */
export type Wanted =
  /** Set on the copy itself, so that a change of the target's defaults does not reach it. */
  | { readonly kind: 'own'; readonly value: string }
  /** In force at the copy, wherever it comes from. */
  | { readonly kind: 'effect'; readonly value: string }
  /** Not set on the copy, as it is not set on the source topic. */
  | { readonly kind: 'unset' };

export interface WantedConfigs {
  /** By name, of configs that the target knows. */
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** Set on the source topic, to be synced, and not known to the target: it is of another release. */
  readonly unknown: readonly string[];
}

/**
 * What the copy's configs have to be, by the rules of config-rules.ts and the policy of the link. Pure.
 *
 * @param known names of the configs that the target knows, as a topic of its own shows them
 */
export function wantedConfigs(
  source: TopicConfigs,
  known: ReadonlySet<string>,
  policy: Pick<TopicPolicy, 'configs'>,
): WantedConfigs {
  const wanted = new Map<string, Wanted>();
  const unknown: string[] = [];
  for (const name of namesOf(source)) {
    if (!isSynced(name, policy)) continue;
    const want = wantedOf(name, source.get(name));
    if (want === undefined) continue;
    if (known.has(name)) wanted.set(name, want);
    else if (source.get(name)?.own === true) unknown.push(name);
  }
  return { wanted, unknown };
}

const tableNames = configRules.map(({ name }) => name);
const inTable: ReadonlySet<string> = new Set(tableNames);

/** Those of the table, and those that only the source's release knows. */
function* namesOf(source: TopicConfigs): Generator<string> {
  yield* tableNames;
  for (const name of source.keys()) if (!inTable.has(name)) yield name;
}

/** Undefined when there is nothing to be wanted: the source's release has no such config, or keeps its value secret. */
function wantedOf(name: string, source: ConfigValue | undefined): Wanted | undefined {
  const { sync, measure } = ruleOf(name);
  if (sync.kind === 'override') return { kind: 'own', value: sync.value };
  if (source?.sensitive === true) return undefined;
  const value = source?.value;
  if (sync.kind === 'always') return value === undefined ? undefined : { kind: 'own', value: roomFor(value) };
  if (measure === 'effect') return value === undefined ? undefined : { kind: 'effect', value };
  if (source?.own !== true) return { kind: 'unset' };
  return value === undefined ? undefined : { kind: 'own', value };
}

const intMax = 2 ** 31 - 1;

/** A tenth above the source's `max.message.bytes`: a batch that is taken apart and compressed anew may grow a little. */
export function roomFor(bytes: string): string {
  return String(Math.min(intMax, Math.ceil(Number(bytes) * 1.1) + 1024));
}
