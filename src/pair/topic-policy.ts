import { z } from 'zod';
import { configRules, ruleOf } from './config-rules.ts';

const configName = z.string().regex(/^[a-zA-Z0-9._-]{1,200}$/, 'must be the name of a topic config');

/** Bounds the text of a link's spec. */
const namesMax = 100;

const configsSchema = z
  .strictObject({
    /** Names that are synced by default and are not to be. */
    exclude: z.array(configName).max(namesMax).default([]),
    /** Names that are not synced by default and are to be. */
    include: z.array(configName).max(namesMax).default([]),
  })
  .superRefine(({ exclude, include }, context) => {
    const refuse = (field: 'exclude' | 'include', index: number, message: string): void =>
      context.addIssue({ code: 'custom', path: [field, index], message });
    for (const [index, name] of exclude.entries()) {
      const message = whyNotExcluded(name);
      if (message !== undefined) refuse('exclude', index, message);
    }
    for (const [index, name] of include.entries()) {
      const message = exclude.includes(name) ? `"${name}" is excluded too; remove one of them` : whyNotIncluded(name);
      if (message !== undefined) refuse('include', index, message);
    }
  });

const wrongFactor = 'must be "target-default" or a whole number from 1 to 32767';

/**
 * What a link does with topics beside their records. Every field has a default, so that `{}` is a whole policy:
 *
 * - `configs` changes which configs are synced (config-rules.ts has the defaults and why)
 * - `replicationFactor` of copies that are created from now on: what the target does by default, or a number
 * - `deletion` what becomes of the copy when its source topic is deleted: kept, or deleted too (see deletion-follows.ts)
 */
export const topicPolicySchema = z.strictObject({
  configs: configsSchema.prefault({}),
  replicationFactor: z
    .union([z.literal('target-default'), z.int(wrongFactor).min(1, wrongFactor).max(32_767, wrongFactor)], {
      error: wrongFactor,
    })
    .default('target-default'),
  deletion: z.enum(['keep', 'follow'], { error: 'must be "keep" or "follow"' }).default('keep'),
});

export type TopicPolicy = z.output<typeof topicPolicySchema>;

/** What holds where nothing is declared. */
export const defaultTopicPolicy: TopicPolicy = topicPolicySchema.parse({});

/** Whether the copy gets the source's value of this config, or the one a copy needs. */
export function isSynced(name: string, { configs }: Pick<TopicPolicy, 'configs'>): boolean {
  const { sync } = ruleOf(name);
  switch (sync.kind) {
    case 'override':
    case 'always':
      return true;
    case 'by default':
      return !configs.exclude.includes(name);
    case 'never':
      return sync.includable && configs.include.includes(name);
  }
}

function whyNotExcluded(name: string): string | undefined {
  const { sync, reason } = ruleOf(name);
  switch (sync.kind) {
    case 'by default':
      return undefined;
    case 'never':
      return `"${name}" is not synced anyway; remove it`;
    case 'always':
    case 'override':
      return `"${name}" cannot be excluded: ${reason}`;
  }
}

function whyNotIncluded(name: string): string | undefined {
  const { sync, reason } = ruleOf(name);
  if (sync.kind !== 'never') return `"${name}" is synced anyway; remove it`;
  if (sync.includable) return undefined;
  const choices = configRules.flatMap((rule) =>
    rule.sync.kind === 'never' && rule.sync.includable ? [`"${rule.name}"`] : [],
  );
  return `"${name}" cannot be included: ${reason}; one of ${choices.join(', ')} can`;
}
