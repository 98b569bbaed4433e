import { afterEach, expect, test } from 'vitest';
import { checkClusterHandler } from '../../src/provider/handlers/check-cluster.ts';
import type { CheckCluster } from '../../src/provider/ports.ts';
import { SecretProperty, unknownValue } from '../../src/provider/server/property.ts';
import { bindInvoke } from '../../src/provider/server/invoke.ts';
import { Problem } from '../../src/worker/problems.ts';
import { catalogueOf } from './fakes.ts';
import { type PluginClient, refusal, startPlugin } from './plugin-client.ts';

const token = 'umbra:index:checkCluster';
const sasl = { mechanism: 'PLAIN', username: 'umbra', password: 'hunter2' };
const cluster = { bootstrapServers: ['kafka-a:9092'], sasl };

let plugin: PluginClient;
afterEach(() => plugin.close());

async function serve(check: CheckCluster): Promise<void> {
  plugin = await startPlugin(catalogueOf(bindInvoke(checkClusterHandler(check))), 'umbra:index:None');
}

test('a usable cluster is described; the check gets the password', async () => {
  const seen: string[] = [];
  await serve(({ bootstrapServers, sasl: login }) => {
    seen.push(...bootstrapServers, login !== undefined && 'password' in login ? login.password.reveal() : 'none');
    return Promise.resolve({ clusterId: 'id', brokers: 3, authorizer: false });
  });
  const args = { cluster: { ...cluster, sasl: { ...sasl, password: new SecretProperty('hunter2') } } };
  const { result } = await plugin.invoke(token, args);
  expect(result).toEqual({ kind: 'usable', clusterId: 'id', brokers: 3, authorizer: false });
  expect(seen).toEqual(['kafka-a:9092', 'hunter2']);
});

test('a refusal is an answer in one line, without the general remedy', async () => {
  await serve(() => Promise.reject(new Problem('UNREACHABLE', 'kafka-a:9092 refused the login of umbra')));
  const { result, failures } = await plugin.invoke(token, { cluster });
  expect(failures).toEqual([]);
  expect(result).toEqual({ kind: 'refused', reason: 'kafka-a:9092 refused the login of umbra' });
});

test('wrong arguments are named by their path, never by their value', async () => {
  await serve(() => Promise.reject(new Error('must not be called')));
  const wrong = { cluster: { bootstrapServers: ['nowhere'], sasl: { ...sasl, extra: 'hunter3' } } };
  const { failures } = await plugin.invoke(token, wrong);
  expect(failures).toEqual([
    '| cluster.bootstrapServers[0]: must look like host:port',
    '| cluster.sasl.extra: is not a field here',
  ]);
  expect(JSON.stringify(failures)).not.toContain('hunter');
});

test('arguments that are not known yet are refused', async () => {
  await serve(() => Promise.reject(new Error('must not be called')));
  const call = plugin.invoke(token, { cluster: { bootstrapServers: unknownValue } });
  expect(await refusal(call)).toBe('umbra:index:checkCluster needs arguments that are known at once');
});

test('cancelling ends the check', async () => {
  const began = Promise.withResolvers<undefined>();
  await serve(
    (_cluster, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        began.resolve(undefined);
      }),
  );
  const call = refusal(plugin.invoke(token, { cluster }));
  await began.promise;
  await plugin.cancel();
  expect(await call).toBe('cancelled');
});
