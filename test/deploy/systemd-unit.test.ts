import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseUnit } from '../fixtures/unit-file.ts';

const folder = join(import.meta.dirname, '../../docs/deploy/systemd');
const unit = parseUnit(readFileSync(join(folder, 'umbra-worker@.service'), 'utf8'));
const only = (name: string): string => {
  const [value, ...others] = unit.get(name) ?? [];
  expect(others, name).toEqual([]);
  return value ?? '';
};

describe('the unit for systemd', () => {
  test('starts what is in the archive, with a configuration that nobody else reads', () => {
    const paths = /^\/opt\/umbra\/usr\/local\/bin\/node \/opt\/umbra\/umbra\/src\/cli\/umbra\.mjs worker /;
    expect(only('Service.ExecStart')).toMatch(paths);
    expect(only('Service.ExecStart')).toMatch(/ --config %d\/worker\.json$/);
    expect(only('Service.LoadCredential')).toBe('worker.json:/etc/umbra/%i.json');
  });

  test('comes back whatever ended it, and has the time that a clean stop takes', () => {
    expect(only('Service.Restart')).toBe('always');
    expect(only('Unit.StartLimitIntervalSec')).toBe('0');
    expect(Number(only('Service.TimeoutStopSec'))).toBeGreaterThan(20);
  });

  test.each([
    ['DynamicUser', 'yes'],
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['AmbientCapabilities', ''],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['PrivateDevices', 'yes'],
    ['RestrictNamespaces', 'yes'],
    ['SystemCallArchitectures', 'native'],
  ])('%s is "%s"', (name, value) => {
    expect(unit.has(`Service.${name}`)).toBe(true);
    expect(only(`Service.${name}`)).toBe(value);
  });

  test('quarantines and compiled code have their folders, and no two workers share one', () => {
    expect(only('Service.StateDirectory')).toBe('umbra/%i');
    expect(only('Service.CacheDirectory')).toBe('umbra/%i');
    expect(only('Service.Environment')).toContain('UMBRA_CACHE_DIR=%C/umbra/%i');
  });
});
