import { expect, test } from 'vitest';
import { Secret } from '../../src/kafka/secret.ts';
import { type BrokerConfigInput, renderBrokerConfig } from '../../src/local/broker-config.ts';

const input: BrokerConfigInput = {
  nodeId: 2,
  clientBindHost: '127.0.0.1',
  ports: { client: 20_001, broker: 20_002, controller: 20_003 },
  voters: [{ nodeId: 2, controllerPort: 20_003 }],
  security: 'scram',
  brokerPassword: new Secret('broker-password'),
  dataDir: '/home/someone/.umbra/clusters/a/broker-2/data',
};

function properties(changes: Partial<BrokerConfigInput> = {}): Map<string, string> {
  const lines = renderBrokerConfig({ ...input, ...changes })
    .trimEnd()
    .split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

test('no setting is given twice', () => {
  const lines = renderBrokerConfig(input).trimEnd().split('\n');
  expect(properties().size).toBe(lines.length);
});

test('with scram nothing is allowed by default and only admin and the brokers are super users', () => {
  const config = properties();
  expect(config.get('allow.everyone.if.no.acl.found')).toBe('false');
  expect(config.get('super.users')).toBe('User:admin;User:broker');
  expect(config.get('listener.security.protocol.map')).not.toContain(':PLAINTEXT');
});

test('clients log in with SCRAM only, brokers among themselves with PLAIN', () => {
  const config = properties();
  expect(config.get('listener.name.client.sasl.enabled.mechanisms')).toBe('SCRAM-SHA-256,SCRAM-SHA-512');
  expect([...config.keys()].filter((key) => key.startsWith('listener.name.client.plain'))).toEqual([]);
  expect(config.get('listener.name.controller.plain.sasl.jaas.config')).toContain('user_broker="broker-password"');
});

test('only the listener for clients is ever bound to more than loopback', () => {
  const listeners = properties({ clientBindHost: '0.0.0.0' }).get('listeners');
  expect(listeners).toBe('CLIENT://0.0.0.0:20001,BROKER://127.0.0.1:20002,CONTROLLER://127.0.0.1:20003');
  expect(properties({ clientBindHost: '0.0.0.0' }).get('advertised.listeners')).toContain('CLIENT://127.0.0.1:20001');
});

test('the controller is not advertised to clients: Kafka before 3.9 refuses to start with it', () => {
  expect(properties().get('advertised.listeners')).not.toContain('CONTROLLER');
});

test('without security there is no authorizer and no password', () => {
  const text = renderBrokerConfig({ ...input, security: 'none' });
  expect(text).not.toMatch(/authorizer|sasl|broker-password/i);
});

test('three brokers keep Kafka’s own topics on all of them and survive the loss of one', () => {
  const voters = [1, 2, 3].map((nodeId) => ({ nodeId, controllerPort: 21_000 + nodeId }));
  const config = properties({ voters });
  expect(config.get('controller.quorum.voters')).toBe('1@127.0.0.1:21001,2@127.0.0.1:21002,3@127.0.0.1:21003');
  expect(config.get('offsets.topic.replication.factor')).toBe('3');
  expect(config.get('transaction.state.log.min.isr')).toBe('2');
});

test('a folder with other than ASCII letters is written as Java reads it', () => {
  expect(properties({ dataDir: '/home/zoë/☃/d' }).get('log.dirs')).toBe('/home/zo\\u00eb/\\u2603/d');
});
