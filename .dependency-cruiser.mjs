// The arrows of docs/architecture.md. A room may import itself and the rooms listed for it, nothing else.
export const rooms = {
  'schema-primary': [],
  pair: ['schema-primary'],
  'prefix-policy': ['pair', 'schema-primary'],
  operations: ['pair', 'schema-primary'],
  exposure: [],
  clients: [],
  aws: [],
  kafka: [],
  drill: ['operations', 'pair'],
  canary: ['kafka', 'pair'],
  evidence: ['aws', 'drill', 'pair'],
  replication: ['kafka', 'exposure'],
  quarantine: ['replication', 'kafka'],
  rehearsal: ['drill', 'canary', 'operations', 'quarantine', 'replication', 'kafka', 'prefix-policy'],
  sync: ['replication', 'kafka', 'pair', 'prefix-policy', 'schema-primary'],
  worker: [
    'aws',
    'drill',
    'canary',
    'evidence',
    'rehearsal',
    'operations',
    'quarantine',
    'sync',
    'replication',
    'kafka',
    'pair',
    'prefix-policy',
    'schema-primary',
    'exposure',
  ],
  local: ['kafka', 'pair', 'prefix-policy'],
  channel: ['aws', 'worker', 'drill', 'replication', 'pair', 'prefix-policy', 'schema-primary'],
  api: ['worker', 'drill', 'evidence', 'operations', 'pair', 'prefix-policy', 'schema-primary'],
  cli: [
    'api',
    'aws',
    'channel',
    'worker',
    'drill',
    'canary',
    'evidence',
    'operations',
    'quarantine',
    'local',
    'pair',
    'prefix-policy',
    'schema-primary',
  ],
  provider: ['api', 'aws', 'channel', 'worker', 'drill', 'local', 'pair', 'prefix-policy', 'schema-primary'],
};
// The rooms inside the core, from the bytes up to the proof; only the files at its top know all of them.
export const coreRooms = {
  batches: [],
  waiting: [],
  partition: [],
  lease: ['waiting'],
  logs: ['batches', 'partition', 'waiting'],
  copier: ['batches', 'partition', 'waiting'],
  streams: ['copier', 'batches', 'lease', 'waiting'],
  resume: ['streams', 'copier', 'logs', 'lease', 'batches', 'partition', 'waiting'],
  proof: ['copier', 'logs', 'partition', 'waiting'],
};
const pure = ['pair', 'prefix-policy', 'schema-primary', 'exposure', 'operations'];

const arrows = Object.entries(rooms).map(([room, allowed]) => ({
  name: `arrows-of-${room}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^(src|infra|tools|test)/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

const coreArrows = Object.entries(coreRooms).map(([room, allowed]) => ({
  name: `arrows-of-replication-${room}`,
  severity: 'error',
  from: { path: `^src/replication/${room}/` },
  to: { path: '^src/replication/', pathNot: `^src/replication/(${[room, ...allowed].join('|')})/` },
}));

export default {
  forbidden: [
    ...arrows,
    ...coreArrows,
    {
      name: 'infra-declares-only',
      comment: 'The Pulumi program uses resource classes and pure rooms; it never starts a loop or opens a connection.',
      severity: 'error',
      from: { path: '^infra/' },
      to: { path: '^(src|tools|test)/', pathNot: `^src/(provider/resources|${pure.join('|')})/` },
    },
    {
      name: 'pure-rooms-touch-nothing',
      comment: 'No I/O, clock or randomness in the pure rooms: zod is their only dependency.',
      severity: 'error',
      from: { path: `^src/(${pure.join('|')})/` },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'clients-stand-on-node-alone',
      comment: 'Applications import them: whatever they need would become a package of the application.',
      severity: 'error',
      from: { path: '^src/clients/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional'] },
    },
    {
      name: 'bench-measures-the-core',
      comment: 'The benchmark drives the core beside others on local brokers; it knows no pairs, no worker, no tests.',
      severity: 'error',
      from: { path: '^bench/' },
      to: { path: '^(src|infra|test)/', pathNot: '^src/(kafka|replication|local)/' },
    },
    {
      name: 'nobody-needs-the-bench',
      severity: 'error',
      from: { path: '^(src|infra|tools)/' },
      to: { path: '^bench/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { path: '^(src|infra)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'], conditionNames: ['import', 'node', 'default'] },
  },
};
