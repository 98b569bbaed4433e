import { expect, test } from 'vitest';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';

const config = {
  ...{ pair: 'prod', site: 'a', api: { port: 0 } },
  clusters: { a: { bootstrapServers: ['a:9092'] }, b: { bootstrapServers: ['b:9092'] } },
};

test('addresses of applications may be declared for either site, as host:port', () => {
  const clients = { a: { bootstrapServers: ['apps.a:9094', '[fd00::1]:9094'] } };
  expect(workerConfigSchema.parse({ ...config, clients }).clients).toEqual(clients);
  expect(workerConfigSchema.parse(config).clients).toBeUndefined();
  for (const bootstrapServers of [[], ['apps.a'], ['apps.a:0']])
    expect(workerConfigSchema.safeParse({ ...config, clients: { a: { bootstrapServers } } }).success).toBe(false);
});
