import policy, { type ResourceValidationPolicy, type StackValidationPolicy } from '@pulumi/policy';
import type { ResourceRule, Rule, StackRule } from './rule.ts';
import { rules } from './rules.ts';
import { type PolicyResource, seen } from './seen.ts';

/** The rules as the engine takes them. */
export function policies(of: readonly Rule[] = rules): (ResourceValidationPolicy | StackValidationPolicy)[] {
  return of.map((rule) => (rule.of === 'resource' ? resourcePolicy(rule) : stackPolicy(rule)));
}

/** Serves them to the engine that started this process. Once. */
export function servePolicies(): void {
  // It takes its version from the package.json of the working directory.
  process.chdir(`${import.meta.dirname}/../..`);
  new policy.PolicyPack('umbra', { policies: policies(), enforcementLevel: 'mandatory' });
}

function resourcePolicy(rule: ResourceRule): ResourceValidationPolicy {
  return {
    ...described(rule),
    validateResource: (args, reportViolation) => {
      if (!rule.types.includes(args.type)) return;
      for (const what of rule.judge(seen(args))) reportViolation(sentence(args.name, what, rule));
    },
  };
}

function stackPolicy(rule: StackRule): StackValidationPolicy {
  return {
    ...described(rule),
    validateStack: ({ resources }, reportViolation) => {
      const all = resources.map((resource) => seen(resource as PolicyResource));
      for (const { urn, what } of rule.judge(all)) {
        reportViolation(sentence(urn.split('::').at(-1) ?? urn, what, rule), urn);
      }
    },
  };
}

function described({ name, holds, remedy, level }: Rule): {
  name: string;
  description: string;
  enforcementLevel: 'mandatory' | 'advisory';
  remediationSteps: string;
} {
  return { name, description: holds, enforcementLevel: level, remediationSteps: remedy };
}

function sentence(name: string, what: string, { remedy }: Rule): string {
  return `${name} ${what}; ${remedy}`;
}
