import { schemasTopic } from './schema-primary.ts';

/** At the primary a registry may write; at the standby it serves the copy and must not. */
export type RegistryRole = 'primary' | 'standby';
export const registryProducts = ['confluent', 'karapace', 'apicurio'] as const;
export type RegistryProduct = (typeof registryProducts)[number];

export interface RegistrySetting {
  readonly name: string;
  readonly value: string;
  readonly why: string;
}

export interface RegistrySettings {
  readonly product: RegistryProduct;
  readonly title: string;
  /** False: it does not keep its schemas in `_schemas`, and a copy of that topic gives it nothing. */
  readonly supported: boolean;
  readonly settings: readonly RegistrySetting[];
  /** What else has to be known, in whole sentences. */
  readonly notes: readonly string[];
}

const eligibility = {
  primary: { value: 'true', why: 'this is the site that registers schemas' },
  standby: { value: 'false', why: 'it must never be elected to write: the log at this site is a copy' },
} as const;
const sameTopic = 'the log that is copied; both sites use the same name';
const ownCluster = {
  primary: 'the log is written here',
  standby: 'it serves the copy, and goes on when the other site is gone',
} as const;

/** What to set at a registry in that role, for every product. One table for docs, doctor and the edges. */
export function registrySettings(role: RegistryRole): readonly RegistrySettings[] {
  return [confluent(role), karapace(role), apicurio];
}

function confluent(role: RegistryRole): RegistrySettings {
  const standby: readonly RegistrySetting[] = [
    {
      name: 'kafkastore.init.wait.for.reader',
      value: 'false',
      why: 'otherwise it writes a NOOP record to the copy at every start, eligible or not (7.7.2 and later)',
    },
    {
      name: 'kafkastore.topic.skip.validation',
      value: 'true',
      why: 'otherwise it refuses a log that is not compacted, which a copy is not (6.2 and later)',
    },
  ];
  return {
    product: 'confluent',
    title: 'Confluent Schema Registry',
    supported: true,
    settings: [
      { name: 'leader.eligibility', ...eligibility[role] },
      { name: 'kafkastore.topic', value: schemasTopic, why: sameTopic },
      { name: 'kafkastore.bootstrap.servers', value: "this site's cluster", why: ownCluster[role] },
      ...(role === 'standby' ? standby : []),
    ],
    notes: [
      'Before 6.0 leader.eligibility is called master.eligibility.',
      ...(role === 'standby'
        ? ['Before 7.7.2 it cannot serve a copy without writing to it: keep it stopped until the site is promoted.']
        : []),
    ],
  };
}

function karapace(role: RegistryRole): RegistrySettings {
  const standby = [
    'Writes are answered with HTTP 500 and error 50003; schemas that are registered already are answered with their ids.',
    'GET /mode says READWRITE although it cannot write.',
    'At its start it asks for the topic to be created, also where it exists: its principal needs CREATE on it.',
  ];
  return {
    product: 'karapace',
    title: 'Karapace',
    supported: true,
    settings: [
      { name: 'master_eligibility', ...eligibility[role] },
      { name: 'topic_name', value: schemasTopic, why: sameTopic },
      { name: 'bootstrap_uri', value: "this site's cluster", why: ownCluster[role] },
    ],
    notes: ['As environment: KARAPACE_MASTER_ELIGIBILITY and so on.', ...(role === 'standby' ? standby : [])],
  };
}

const apicurio: RegistrySettings = {
  product: 'apicurio',
  title: 'Apicurio Registry',
  supported: false,
  settings: [],
  notes: [
    'It keeps its schemas in a journal of its own (kafkasql-journal) or a database, not in _schemas: its hand-over is not covered.',
  ],
};
