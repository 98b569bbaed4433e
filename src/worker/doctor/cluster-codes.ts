import type { DoctorCode } from './doctor-code.ts';

/** What can be wrong with a cluster for what umbra wants of it; part of doctor-codes.ts. */
export const clusterCodes = {
  NO_ANSWER: {
    level: 'error',
    subject: 'connection',
    finds: 'no broker of a site answers',
    remedy: 'start the brokers, or correct `bootstrapServers`',
  },
  CREDENTIALS_REFUSED: {
    level: 'error',
    subject: 'connection',
    finds: 'a site refuses the credentials or the SASL mechanism, or asks for some',
    remedy: 'correct `sasl` of that site in the worker’s file',
  },
  TLS_REFUSED: {
    level: 'error',
    subject: 'connection',
    finds: 'a certificate is not trusted, not valid now or for another name, or TLS files cannot be used',
    remedy: 'correct `tls` of that site, or renew the certificate',
  },
  CERTIFICATE_EXPIRES: {
    level: 'warn',
    subject: 'connection',
    finds: 'a certificate of a broker or of umbra ends within 30 days; then nobody connects any more',
    remedy: 'renew it',
  },
  BOOTSTRAP_SILENT: {
    level: 'warn',
    subject: 'connection',
    finds: 'one of several bootstrap servers does not answer; a worker may not come up when the others are gone',
    remedy: 'start it, or take it out of `bootstrapServers`',
  },
  BOOTSTRAP_MIXED: {
    level: 'error',
    subject: 'connection',
    finds: 'the bootstrap servers of one site belong to different clusters',
    remedy: 'name servers of one cluster only',
  },
  BROKER_UNREACHABLE: {
    level: 'error',
    subject: 'connection',
    finds: 'a broker cannot be reached at the address that it advertises, although the cluster answers',
    remedy: 'correct its `advertised.listeners`, name resolution or firewall, or start it',
  },
  BROKER_TOO_OLD: {
    level: 'error',
    subject: 'connection',
    finds: 'a broker lacks requests that umbra needs (versions.md)',
    remedy: 'use Kafka 3.3 or later there',
  },
  SAME_CLUSTER: {
    level: 'error',
    subject: 'connection',
    finds: 'both sites are one cluster',
    remedy: 'give each site the bootstrap servers of its own cluster',
  },
  LOOK_FAILED: {
    level: 'warn',
    subject: 'connection',
    finds: 'something could not be looked at',
    remedy: 'put right what the message says, and ask again',
  },
  RIGHT_MISSING: {
    level: 'error',
    subject: 'rights',
    finds: 'umbra’s principal lacks a right (rights.md); the message says on what, and what does not work without it',
    remedy: 'grant it: the command is given',
  },
  RIGHT_WANTED: {
    level: 'warn',
    subject: 'rights',
    finds: 'the same of a right without which copying goes on, but less is seen or tidied up',
    remedy: 'grant it: the command is given',
  },
  UNFENCED: {
    level: 'warn',
    subject: 'rights',
    finds: 'a site has no authorizer: anybody can write the copies there',
    remedy: 'set `authorizer.class.name`',
  },
  COPY_FEWER_REPLICAS: {
    level: 'warn',
    subject: 'replicas',
    finds: 'a copy has fewer replicas than its source',
    remedy: 'reassign it, or set the link’s `replicationFactor`',
  },
  PARTITION_OFFLINE: {
    level: 'error',
    subject: 'replicas',
    finds: 'a partition has no leader: it can neither be read nor written',
    remedy: 'start the brokers that hold it',
  },
  UNDER_REPLICATED: {
    level: 'warn',
    subject: 'replicas',
    finds: 'replicas of a partition are not in sync',
    remedy: 'start the brokers that are down, or see why they lag',
  },
  ISR_TOO_SMALL: {
    level: 'error',
    subject: 'replicas',
    finds: 'fewer replicas are in sync than `min.insync.replicas`: appends to that partition are refused',
    remedy: 'bring replicas back, or lower `min.insync.replicas`',
  },
  MIN_ISR_ABOVE_REPLICAS: {
    level: 'warn',
    subject: 'replicas',
    finds: '`min.insync.replicas` is larger than the number of replicas: appends stop as soon as one is out of sync',
    remedy: 'lower it, or add replicas',
  },
  ONE_REPLICA: {
    level: 'warn',
    subject: 'replicas',
    finds: 'what umbra or Kafka must not lose has one replica in a cluster of several brokers',
    remedy: 'reassign it to more brokers',
  },
  UNCLEAN_ELECTION: {
    level: 'warn',
    subject: 'replicas',
    finds:
      '`unclean.leader.election.enable` is on: acknowledged records can vanish, and a copy then differs from its source',
    remedy: 'set it to false',
  },
  REQUEST_BYTES: {
    level: 'error',
    subject: 'settings',
    finds: '`socket.request.max.bytes` is too small for the largest batch of a copy: the broker closes the connection',
    remedy: 'raise it',
  },
  REPLICA_FETCH_BYTES: {
    level: 'warn',
    subject: 'settings',
    finds: '`replica.fetch.max.bytes` is below the largest batch of a copy: followers take such batches one by one',
    remedy: 'raise it',
  },
  OFFSETS_RETENTION: {
    level: 'warn',
    subject: 'settings',
    finds:
      '`offsets.retention.minutes` is below 12 hours: the standby forgets positions before they are committed again',
    remedy: 'raise it',
  },
  OFFSET_METADATA: {
    level: 'warn',
    subject: 'settings',
    finds: '`offset.metadata.max.bytes` is smaller than the source’s: some groups cannot be synced',
    remedy: 'raise it to the source’s',
  },
  SESSION_TIMEOUT: {
    level: 'error',
    subject: 'settings',
    finds: '`group.min.session.timeout.ms` or `group.max.session.timeout.ms` excludes the workers’ session timeout',
    remedy: 'change the broker’s bound, or `group.sessionTimeoutMs`',
  },
  PRODUCER_ID_EXPIRATION: {
    level: 'warn',
    subject: 'settings',
    finds:
      '`producer.id.expiration.ms` is below 2 hours: brokers forget the link’s sequences, by which they refuse a batch sent twice',
    remedy: 'raise it; the default is a day',
  },
  TRANSACTIONAL_ID_EXPIRATION: {
    level: 'warn',
    subject: 'settings',
    finds:
      '`transactional.id.expiration.ms` is below 2 hours: the coordinator forgets the link’s lease, and copying pauses each time',
    remedy: 'raise it; the default is a week',
  },
  TRANSACTION_TIMEOUT: {
    level: 'error',
    subject: 'settings',
    finds: '`transaction.max.timeout.ms` is below the 10 s that umbra asks for: no worker can lead',
    remedy: 'raise it; the default is 15 minutes',
  },
  CLASSIC_GROUPS: {
    level: 'error',
    subject: 'settings',
    finds: '`group.coordinator.rebalance.protocols` leaves out `classic`: workers cannot form their group',
    remedy: 'add `classic`',
  },
  CONSUMER_GROUPS: {
    level: 'warn',
    subject: 'settings',
    finds: 'the source takes groups of the `consumer` protocol (KIP-848), the standby does not: they cannot move',
    remedy: 'add `consumer` to `group.coordinator.rebalance.protocols`, or upgrade',
  },
  DELETE_OFF: {
    level: 'warn',
    subject: 'settings',
    finds: '`delete.topic.enable` is off: no copy can be rebuilt',
    remedy: 'set it to true',
  },
  CLEANER_OFF: {
    level: 'warn',
    subject: 'settings',
    finds: '`log.cleaner.enable` is off: `_umbra` and positions of groups grow for ever',
    remedy: 'set it to true',
  },
  QUOTA: {
    level: 'warn',
    subject: 'settings',
    finds: 'a quota holds umbra below 1 MB/s',
    remedy: 'give its user a quota of its own',
  },
  SETTINGS_DIFFER: {
    level: 'warn',
    subject: 'settings',
    finds: 'brokers of one cluster have different values of a setting that matters here',
    remedy: 'set the same everywhere',
  },
  CLOCK_APART: {
    level: 'warn',
    subject: 'clock',
    finds:
      'clocks of a site’s brokers, its workers and this machine are more than 3 s apart: seconds of lag and exposure are off by that',
    remedy: 'let them all follow one time source (NTP)',
  },
} as const satisfies Readonly<Record<string, DoctorCode>>;
