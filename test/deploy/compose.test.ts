import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const file = join(import.meta.dirname, '../../docs/deploy/compose/compose.yaml');
const compose = z
  .object({
    services: z.record(z.string(), z.record(z.string(), z.unknown())),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(readFileSync(file, 'utf8'), { merge: true }));

describe('the compose file', () => {
  test('runs one worker of each site', () => {
    expect(Object.keys(compose.services)).toEqual(['worker-a', 'worker-b']);
  });

  test.each(['worker-a', 'worker-b'])(
    '%s has no more rights than the image needs, and an image that is given',
    (name) => {
      const service = compose.services[name]!;
      expect(service).toMatchObject({
        ...{ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], tmpfs: ['/tmp'] },
        ...{ restart: 'unless-stopped', stop_grace_period: '30s', mem_limit: '1g' },
      });
      expect(service['image']).toMatch(/^\$\{UMBRA_IMAGE:\?.*digest/);
      expect(service['ports']).toEqual([expect.stringMatching(/^127\.0\.0\.1:\$\{UMBRA_PORT_[AB]:-\d+\}:8080$/)]);
      const [volume = ''] = service['volumes'] as string[];
      expect(volume).toMatch(/^[a-z-]+:\/var\/lib\/umbra$/);
      expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
    },
  );
});
