import { type MoveJob } from '../mover.ts';
import { consumerSettings, type Entry, producerSettings } from './mirror-maker-config.ts';

/** The clients that move records, among those that Connect has for itself, by their `client.id`. */
const movingClients = { producer: 'connector-producer', consumer: 'replication-consumer' } as const;
type ClientKind = keyof typeof movingClients;

/**
 * Pure: which settings did not take effect, from the lines in which every client says what it is configured with. A
 * misspelt or misplaced setting is ignored by MirrorMaker 2 without a word.
 */
export function ineffectiveSettings(log: string, job: MoveJob): readonly string[] {
  const wanted = { producer: producerSettings(job), consumer: consumerSettings(job) };
  return (['producer', 'consumer'] as const).flatMap((kind) => {
    const clients = clientConfigs(log, kind);
    if (clients.length === 0) return [`no ${kind} that moves records`];
    return clients.flatMap((config) => differences(kind, config, wanted[kind]));
  });
}

function differences(kind: ClientKind, config: ReadonlyMap<string, string>, wanted: readonly Entry[]): string[] {
  return wanted.flatMap(([key, value]) => {
    const found = config.get(key);
    const shown = key === 'acks' && value === 'all' ? '-1' : String(value);
    return found === shown ? [] : [`${kind} ${key} is ${found ?? 'absent'}, not ${value}`];
  });
}

function clientConfigs(log: string, kind: ClientKind): readonly ReadonlyMap<string, string>[] {
  const title = kind === 'producer' ? 'ProducerConfig values:' : 'ConsumerConfig values:';
  return log
    .split(title)
    .slice(1)
    .map(settingsOf)
    .filter((config) => config.get('client.id')?.includes(movingClients[kind]) === true);
}

/** The indented lines `key = value` up to the next line of the log. */
function settingsOf(block: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of block.split('\n').slice(1)) {
    const [, key, value] = /^\s+(\S+) = (.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) break;
    settings.set(key, value.trim());
  }
  return settings;
}
