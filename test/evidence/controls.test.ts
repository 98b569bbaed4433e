import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drillLevels, drillVerdicts } from '../../src/drill/level.ts';
import { controls, controlsFor, renderControls } from '../../src/evidence/controls.ts';
import { evidenceContentSchema } from '../../src/evidence/document.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'evidence.md'), 'utf8');

test('the table of controls in the docs is the data', () => {
  const section = /<!-- controls:begin -->\n([\s\S]*?)\n<!-- controls:end -->/.exec(page)?.[1] ?? '';
  const rows = section.trim().replaceAll(/ +\|/g, ' |').split('\n').slice(2);
  expect(rows).toEqual(renderControls());
});

test('a control names fields that documents have', () => {
  for (const { fields } of controls)
    for (const field of fields) expect(evidenceContentSchema.shape).toHaveProperty(field);
});

test('only what really ran serves a control, and what moves nothing serves none', () => {
  for (const level of drillLevels) {
    for (const verdict of drillVerdicts) {
      const served = controlsFor(level, verdict);
      const ran = verdict === 'PASSED' || verdict === 'FAILED';
      expect(served.length > 0, `${level} ${verdict}`).toBe(ran && level !== 'L0' && level !== 'L1');
    }
  }
});

test('switchovers of real topics serve what asks for them; canaries do not', () => {
  const frameworks = (level: 'L2' | 'L4'): readonly string[] =>
    controlsFor(level, 'PASSED').map(({ framework }) => framework);
  expect(frameworks('L4')).toEqual(['DORA', 'SOC 2', 'ISO 22301', 'HIPAA', 'PCI DSS', 'FFIEC']);
  expect(frameworks('L2')).toEqual(['SOC 2', 'ISO 22301', 'HIPAA', 'PCI DSS']);
  expect(controlsFor('L4', 'FAILED')[0]?.text).toContain('not every objective was met');
});
