import { brokerRules } from './brokers.ts';
import { bucketRules } from './buckets.ts';
import { costRules } from './cost.ts';
import { imageRules } from './images.ts';
import type { Rule } from './rule.ts';
import { secretRules } from './secrets.ts';
import { statementRules } from './statements.ts';
import { symmetryRules } from './symmetry.ts';

/** The one list of guard rails. docs/policy.md is held to it by a test. */
export const rules: readonly Rule[] = [
  ...brokerRules,
  ...symmetryRules,
  ...statementRules,
  ...bucketRules,
  ...secretRules,
  ...imageRules,
  ...costRules,
];
