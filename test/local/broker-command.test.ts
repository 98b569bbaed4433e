import { expect, test } from 'vitest';
import { brokerArguments, renderFormatArguments } from '../../src/local/broker-command.ts';
import { brokerPaths } from '../../src/local/cluster-paths.ts';
import { formatFailure, parseClusterId } from '../../src/local/storage-format.ts';

const paths = brokerPaths('/x y/broker-1');

test('a broker is started with its heap and its configuration, and with no password', () => {
  const args = brokerArguments({ libsDir: '/libs', kafkaVersion: '4.3.1', heapMb: 400, paths });
  expect(args).toContain('-Xmx400m');
  expect(args.slice(-2)).toEqual(['kafka.Kafka', '/x y/broker-1/server.properties']);
  expect(args.join(' ')).not.toMatch(/password/i);
});

test('Kafka 3 gets the log settings of log4j 1, Kafka 4 those of log4j 2', () => {
  const flags = (kafkaVersion: string): string =>
    brokerArguments({ libsDir: '/libs', kafkaVersion, heapMb: 400, paths }).join('\n');
  expect(flags('3.9.2')).toContain('-Dlog4j.configuration=file:');
  expect(flags('4.3.1')).toContain('-Dlog4j2.configurationFile=');
});

test('every user is created for both SCRAM mechanisms, each argument quoted', () => {
  const text = renderFormatArguments({
    libsDir: '/a\\b "c"',
    kafkaVersion: '4.3.1',
    logging: paths.logging,
    clusterId: 'ID',
    formatConfig: paths.formatConfig,
    users: [{ name: 'app', password: 'p_-1' }],
  });
  expect(text).toContain('"SCRAM-SHA-256=[name=app,password=p_-1]"\n');
  expect(text).toContain('"SCRAM-SHA-512=[name=app,password=p_-1]"\n');
  expect(text).toContain('"/a\\\\b \\"c\\"/*"\n');
  expect(text.split('\n').filter((line) => line !== '' && !/^".*"$/.test(line))).toEqual([]);
});

test('what a failed format says leaves out stored keys and passwords', () => {
  const shown = formatFailure(
    'Bootstrap metadata: BootstrapMetadata(storedKey=[1])\nname=app,password=x\nno space left',
  );
  expect(shown).toBe('no space left');
});

test('the cluster id is read from meta.properties, and only from a line of its own', () => {
  expect(parseClusterId('version=1\ncluster.id=abc-_1\nnode.id=1\n')).toBe('abc-_1');
  expect(parseClusterId('xcluster.id=abc\n')).toBeUndefined();
});
