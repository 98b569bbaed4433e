import { expect, test } from 'vitest';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';

const secret = 'hunter2-hunter2';

function login(username: string): object {
  return { bootstrapServers: ['127.0.0.1:1'], sasl: { mechanism: 'PLAIN', username, password: secret } };
}

/** Paths and messages of what the file of a worker is refused for. */
function refusals(clients: object): readonly string[] {
  const parsed = workerConfigSchema.safeParse({
    ...{ pair: 'shop', site: 'a', api: { port: 0 } },
    clusters: { a: login('umbra'), b: login('copier') },
    drills: { canary: { clients, ledgerFolder: '/ledger' } },
  });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('a canary that is umbra itself at its site is refused, at either site, and no line holds a password', () => {
  const refused = refusals({ a: login('umbra'), b: login('copier') });
  expect(refused).toEqual(
    ['a', 'b'].map(
      (site) => `drills.canary.clients.${site}.sasl.username: is who umbra is: a canary has to be an application`,
    ),
  );
  expect(refused.join()).not.toContain(secret);
});

test('an application may have the name that umbra has at the other site only, and clusters that ask nobody take any', () => {
  expect(refusals({ a: login('copier'), b: login('umbra') })).toEqual([]);
  expect(refusals({ a: login('app'), b: { bootstrapServers: ['127.0.0.1:1'] } })).toEqual([]);
});
