import { describe, expect, test } from 'vitest';
import { judgeRegistries, type SiteRegistries } from '../../src/schema-primary/judge-registries.ts';
import { type RegistryAnswers } from '../../src/schema-primary/registry-sight.ts';
import { registrySettings } from '../../src/schema-primary/registry-settings.ts';

const answers = (more: Partial<RegistryAnswers> = {}): RegistryAnswers => ({
  kind: 'answers',
  url: 'http://r',
  product: 'karapace',
  version: '6.2.0',
  kafkaClusterId: undefined,
  eligible: true,
  leads: true,
  mode: 'READWRITE',
  compatibility: 'BACKWARD',
  versions: [],
  ...more,
});
const site = (more: Partial<SiteRegistries> = {}): SiteRegistries => ({
  http: undefined,
  group: undefined,
  clusterId: undefined,
  logged: [],
  ...more,
});
/** Site a is the primary and in order. */
const findings = (b: Partial<SiteRegistries>, a: Partial<SiteRegistries> = {}): string[] =>
  judgeRegistries('a', { a: site(a), b: site(b) }).map(({ level, site: at, message }) => `${level} ${at} ${message}`);

describe('the registries of a pair', () => {
  test('that keep to their roles are in order', () => {
    expect(findings({ http: answers({ eligible: false, leads: false }) }, { http: answers() })).toEqual([
      'ok a Karapace 6.2.0 at http://r keeps to its role: primary',
      'ok b Karapace 6.2.0 at http://r keeps to its role: standby',
    ]);
  });

  test('one that may write at the standby is an error, whether HTTP or the group tells', () => {
    expect(findings({ http: answers({ leads: false }) })).toEqual([
      'error b the registry http://r may be elected to write at the standby',
    ]);
    const members = [
      { address: 'r:1', eligible: false, leads: false },
      { address: 'r:2', eligible: true, leads: true },
    ];
    const [finding] = judgeRegistries('a', { a: site(), b: site({ group: { kind: 'members', group: 'g', members } }) });
    expect(finding).toMatchObject({
      level: 'error',
      message: 'the registry r:2 is elected to write at the standby',
      remedy: 'Set leader.eligibility=false (Karapace: master_eligibility=false) at r:2 and restart it.',
    });
  });

  test('Confluent that nobody says may write is doubtful, unless its group says that it may not', () => {
    const http = answers({ product: 'confluent', eligible: undefined, leads: undefined });
    expect(findings({ http })[0]).toMatch(/^warn b .* does not say whether it may write/);
    const members = [{ address: 'r:1', eligible: false, leads: false }];
    expect(findings({ http, group: { kind: 'members', group: 'g', members } })[0]).toMatch(/^ok b/);
  });

  test('a primary at which none may write, or that is read-only, registers nothing', () => {
    const members = [{ address: 'r:1', eligible: false, leads: false }];
    expect(findings({}, { group: { kind: 'members', group: 'g', members } })).toEqual([
      'error a no registry here may write (r:1): nobody can register schemas',
    ]);
    expect(findings({}, { http: answers({ mode: 'READONLY' }) })[0]).toMatch(/^warn a .* is in mode READONLY/);
  });

  test('one that keeps its log elsewhere is named', () => {
    const http = answers({ product: 'confluent', eligible: false, kafkaClusterId: 'A' });
    expect(findings({ http, clusterId: 'B' }, { clusterId: 'A' })).toEqual([
      'warn b the registry http://r keeps its log at the other site and goes when that goes',
    ]);
    expect(findings({ http, clusterId: 'B' }, { clusterId: 'C' })[0]).toMatch(/^error b .* in a third cluster \(A\)/);
  });

  test('ids that are not those of the log are an error; versions it does not know yet are not', () => {
    const logged = [
      { subject: 's', version: 1, id: 1 },
      { subject: 's', version: 2, id: 2 },
    ];
    const versions = [
      { subject: 's', version: 1, id: 5 },
      { subject: 's', version: 2, id: undefined },
    ];
    expect(findings({ http: answers({ eligible: false, versions }), logged })).toEqual([
      'error b the registry http://r answers other ids than the log of site b: "s" version 1 is 5, in the log 1',
    ]);
  });

  test('one that cannot be asked, asks for a password, or keeps no _schemas is a warning with a remedy', () => {
    const seen = [
      { kind: 'unreachable', url: 'http://r', why: 'no answer' } as const,
      { kind: 'refused', url: 'http://r', status: 401 } as const,
      answers({ product: 'apicurio' }),
    ];
    for (const http of seen) {
      const [finding] = judgeRegistries('a', { a: site(), b: site({ http }) });
      expect(finding).toMatchObject({ level: 'warn', site: 'b', remedy: expect.any(String) as string });
    }
  });
});

test('a registry at the standby is told not to write, at the primary to write', () => {
  const eligibility = (role: 'primary' | 'standby'): unknown[] =>
    registrySettings(role).map(({ settings }) => settings[0] && [settings[0].name, settings[0].value]);
  expect(eligibility('primary')).toEqual([['leader.eligibility', 'true'], ['master_eligibility', 'true'], undefined]);
  expect(eligibility('standby')).toEqual([['leader.eligibility', 'false'], ['master_eligibility', 'false'], undefined]);
});
