import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { awsConfig, siteWith } from '../infra/aws/settings.ts';
import { placeFakeAws } from '../infra/fake-aws/place.ts';
import { type CliRun, openStack, type TestStack } from '../infra/real-engine.ts';

// The guard rails under the real engine, on previews of the whole program for AWS. What is not real: the AWS provider.

const testMs = 120_000;
/** Absolute: the engine starts it in the folder of the program. */
const guardRails = join(import.meta.dirname, '../../infra/policy/guard-rails');

let stack: TestStack;

beforeAll(async () => {
  stack = await openStack({ prepare: placeFakeAws });
}, testMs);

function preview(changes: object = {}): Promise<CliRun> {
  const settings = Object.entries(awsConfig(changes)).map(([key, text]) => [
    key,
    /^[[{]/.test(text) ? (JSON.parse(text) as unknown) : text,
  ]);
  const values = Object.fromEntries(settings) as Readonly<Record<string, unknown>>;
  return stack.configured(values, () => stack.pulumi('preview', '--policy-pack', guardRails));
}

/** `[level]  rule  (type: name)`, as the engine lists what a pack found. */
function found({ text }: CliRun): readonly string[] {
  const lines = text.matchAll(/^\s*- \[(mandatory|advisory)\]\s+(\S+)\s+\((\S+): (\S+)\)$/gm);
  return [...new Set([...lines].map(([, level, rule, , name]) => [level, rule, name].join(' ')))];
}

describe('pulumi preview with the guard rails', { timeout: testMs }, () => {
  test('lets the pair on AWS pass as it is', async () => {
    const run = await preview();
    expect(found(run)).toEqual([]);
    expect(run.text).toContain('umbra@v0.1.0');
    expect(run.code, run.text).toBe(0);
  });

  test('warns of a pair above its budget, and goes on', async () => {
    const run = await preview({ budgetUsdPerMonth: 100 });
    expect(found(run)).toEqual(['advisory cost-within-budget pair']);
    expect(run.text).toMatch(/pair is estimated at \$\d+ a month, its budget is \$100; choose smaller brokers/);
    expect(run.code, run.text).toBe(0);
  });

  test('stops sites that are not alike, by looking at the stack as a whole', async () => {
    const run = await preview(
      siteWith('b', { brokers: { instanceType: 'kafka.m7g.xlarge', count: 6, storageGib: 500 } }),
    );
    expect(found(run)).toEqual(['mandatory sites-symmetrical pair-b-cluster']);
    expect(run.text).toContain('pair-b-cluster has another number of brokers than pair-a-cluster: 6, not 3; make them');
    expect(run.text).toContain('has another instance type than pair-a-cluster: kafka.m7g.xlarge, not kafka.m7g.large');
    expect(run.code).not.toBe(0);
  });

  test('stops what somebody adds to the program beside the pair', async () => {
    const added = `
      const { Provider, iam } = await import('@pulumi/aws');
      const provider = new Provider('added-provider', { region: 'eu-west-1' });
      const Statement = [{ Sid: 'Everything', Effect: 'Allow', Action: '*', Resource: '*' }];
      new iam.Policy('added', { policy: JSON.stringify({ Version: '2012-10-17', Statement }) }, { provider });
    `;
    const run = await stack.programmed(
      (program) => `${program}\n${added}`,
      () => preview(),
    );
    expect(found(run), run.text).toEqual(['mandatory no-wildcard-actions added']);
    expect(run.text).toContain('added allows * in the statement Everything; list the actions that are needed');
    expect(run.code).not.toBe(0);
  });
});
