import { expect, test } from 'vitest';
import { type MoveJob } from '../../bench/mover.ts';
import { consumerSettings, producerSettings } from '../../bench/movers/mirror-maker-config.ts';
import { ineffectiveSettings } from '../../bench/movers/mirror-maker-effect.ts';

const cluster = { bootstrapServers: ['127.0.0.1:1001'] };
const job: MoveJob = {
  ...{ source: cluster, target: cluster, topics: ['one'], runId: 'large-1' },
  ...{ compression: 'zstd', batchBytesMax: 1024, lingerMs: 50 },
};

/** As Kafka's clients write it, `acks` as the number it stands for. */
function logOf(changes: Readonly<Record<string, string>> = {}): string {
  const block = (title: string, clientId: string, settings: ReturnType<typeof producerSettings>): string => {
    const lines = settings.map(([key, value]) => {
      const shown = value === 'all' ? '-1' : String(value);
      return `\t${key} = ${changes[key] ?? shown}`;
    });
    const name = `\tclient.id = ${clientId}`;
    return [`2026-11-21 18:00:00,000 INFO ${title} values: `, name, ...lines, ' (org.example.Config)'].join('\n');
  };
  return [
    'starting',
    block('ProducerConfig', 'dst-statuses', [['acks', '1']]),
    block('ProducerConfig', 'connector-producer-MirrorSourceConnector-0', producerSettings(job)),
    block('ConsumerConfig', 'src->dst|MirrorSourceConnector-0|replication-consumer', consumerSettings(job)),
  ].join('\n');
}

test('settings that every client says it has took effect, whatever the others have', () => {
  expect(ineffectiveSettings(logOf(), job)).toEqual([]);
});

test('a setting that a client does not have is named with what it has', () => {
  expect(ineffectiveSettings(logOf({ 'compression.type': 'none', 'max.poll.records': '500' }), job)).toEqual([
    'producer compression.type is none, not zstd',
    'consumer max.poll.records is 500, not 10000',
  ]);
});

test('a log in which no client says anything proves nothing', () => {
  expect(ineffectiveSettings('', job)).toEqual(['no producer that moves records', 'no consumer that moves records']);
});
