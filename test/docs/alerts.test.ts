import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verbs } from '../../src/cli/program.ts';
import { alertsFile } from '../fixtures/observability.ts';

const root = new URL('../../', import.meta.url);
const rules = readFileSync(alertsFile, 'utf8');
const folder = new URL('docs/runbooks/', root);
const pages = readdirSync(folder).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));

test('every rule about drills has a runbook, which begins with the name of its alert', () => {
  const [, group = ''] = rules.split('- name: umbra-drills');
  const [, ...each] = group.split('- alert: ');
  expect(each.length).toBe(4);
  for (const rule of each) {
    const [alert = ''] = rule.split('\n');
    const path = /runbook: (\S+)$/m.exec(rule)?.[1] ?? 'none';
    expect(existsSync(new URL(path, root)), `${alert}: ${path}`).toBe(true);
    expect(readFileSync(new URL(path, root), 'utf8')).toContain(`**You see** the alert \`${alert}\``);
  }
});

test('every alert that a runbook names is a rule, and every command has its verb', () => {
  const alerts = new Set([...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name));
  const named = pages.flatMap(({ text }) => [...text.matchAll(/`(Umbra\w+)`/g)].map(([, name]) => name));
  expect(named.filter((name) => !alerts.has(name))).toEqual([]);
  const commands = pages.flatMap(({ text }) => [...text.matchAll(/npx umbra ([a-z]+)/g)].map(([, verb]) => verb));
  expect(commands.length).toBeGreaterThan(20);
  expect(verbs.map(({ name }) => name)).toEqual(expect.arrayContaining([...new Set(commands)]));
});

test('every page that a runbook links to exists', () => {
  for (const { name, text } of pages)
    for (const [, path = ''] of text.matchAll(/\]\(([^)#]+\.md)/g))
      expect(existsSync(new URL(path, folder)), `${name}: ${path}`).toBe(true);
});
