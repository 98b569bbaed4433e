import { type Secret } from '../kafka/secret.ts';
import { renderProperties } from './java-properties.ts';

export interface BrokerPorts {
  readonly client: number;
  readonly broker: number;
  readonly controller: number;
}

export interface BrokerConfigInput {
  readonly nodeId: number;
  /** Where clients are accepted: 127.0.0.1, or 0.0.0.0 inside a container whose port is published on 127.0.0.1. */
  readonly clientBindHost: string;
  readonly ports: BrokerPorts;
  /** The controllers' quorum, this node included. */
  readonly voters: readonly { readonly nodeId: number; readonly controllerPort: number }[];
  readonly security: 'scram' | 'none';
  /** What brokers and controllers authenticate each other with; unused without security. */
  readonly brokerPassword: Secret;
  readonly dataDir: string;
  /** Lines of the file beside ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

type Entry = readonly [key: string, value: string | number | boolean];

/**
 * Pure: `server.properties` of a node that is broker and KRaft controller. Three listeners: CLIENT for everybody,
 * BROKER and CONTROLLER for the cluster itself and on 127.0.0.1 only. The text holds a password: for a 0600 file.
 */
export function renderBrokerConfig(input: BrokerConfigInput): string {
  const security = input.security === 'scram' ? scramSecurity(input.brokerPassword) : noSecurity;
  const settings = Object.entries(input.settings ?? {});
  const ours = [...identity(input), ...security, ...replication(input.voters.length), ...smallness];
  return renderProperties([...ours, ...settings]);
}

function identity(input: BrokerConfigInput): readonly Entry[] {
  const { client, broker, controller } = input.ports;
  const inside = `BROKER://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`;
  return [
    ['process.roles', 'broker,controller'],
    ['node.id', input.nodeId],
    ['controller.quorum.voters', input.voters.map((v) => `${v.nodeId}@127.0.0.1:${v.controllerPort}`).join(',')],
    ['listeners', `CLIENT://${input.clientBindHost}:${client},${inside}`],
    // Without CONTROLLER: Kafka before 3.9 does not start with it, and after it takes it from the line above.
    ['advertised.listeners', `CLIENT://127.0.0.1:${client},BROKER://127.0.0.1:${broker}`],
    ['inter.broker.listener.name', 'BROKER'],
    ['controller.listener.names', 'CONTROLLER'],
    ['log.dirs', input.dataDir],
    // A misspelt topic is an error, as in production; copies are created by the link only.
    ['auto.create.topics.enable', false],
  ];
}

const noSecurity: readonly Entry[] = [
  ['listener.security.protocol.map', 'CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT'],
];

function scramSecurity(brokerPassword: Secret): readonly Entry[] {
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const word = brokerPassword.reveal();
  const plain =
    'org.apache.kafka.common.security.plain.PlainLoginModule required ' +
    `username="broker" password="${word}" user_broker="${word}";`;
  return [
    ['listener.security.protocol.map', 'CLIENT:SASL_PLAINTEXT,BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT'],
    ['sasl.enabled.mechanisms', 'PLAIN'],
    ['sasl.mechanism.inter.broker.protocol', 'PLAIN'],
    ['sasl.mechanism.controller.protocol', 'PLAIN'],
    ['listener.name.client.sasl.enabled.mechanisms', 'SCRAM-SHA-256,SCRAM-SHA-512'],
    ['listener.name.client.scram-sha-256.sasl.jaas.config', scram],
    ['listener.name.client.scram-sha-512.sasl.jaas.config', scram],
    // SCRAM would need the very metadata that these two listeners carry.
    ['listener.name.broker.plain.sasl.jaas.config', plain],
    ['listener.name.controller.plain.sasl.jaas.config', plain],
    ['authorizer.class.name', 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'],
    ['super.users', 'User:admin;User:broker'],
    ['allow.everyone.if.no.acl.found', false],
  ];
}

/** Every topic of Kafka's own is on all brokers; three of them survive the loss of one. */
function replication(brokers: number): readonly Entry[] {
  const isrMin = brokers >= 3 ? 2 : 1;
  return [
    ['default.replication.factor', brokers],
    ['offsets.topic.replication.factor', brokers],
    ['transaction.state.log.replication.factor', brokers],
    ['transaction.state.log.min.isr', isrMin],
    ['share.coordinator.state.topic.replication.factor', brokers],
    ['share.coordinator.state.topic.min.isr', isrMin],
  ];
}

/** Two brokers and two workers are to live in 2.5 GiB: few threads, small buffers, few internal partitions; no long waits. */
const smallness: readonly Entry[] = [
  ['offsets.topic.num.partitions', 4],
  ['transaction.state.log.num.partitions', 4],
  ['share.coordinator.state.topic.num.partitions', 4],
  ['group.initial.rebalance.delay.ms', 0],
  // A killed broker may come back only when its old session is over (default 9 s).
  ['broker.session.timeout.ms', 5_000],
  ['broker.heartbeat.interval.ms', 1_000],
  // A broker that has nothing to do writes a record of its own by default twice a second: half of what it costs then.
  ['metadata.max.idle.interval.ms', 10_000],
  ['num.network.threads', 2],
  ['num.io.threads', 4],
  ['background.threads', 4],
  ['num.recovery.threads.per.data.dir', 1],
  ['log.cleaner.dedupe.buffer.size', 8 << 20],
  // Whoever looks at compaction here does not want to wait for it (default 15 s).
  ['log.cleaner.backoff.ms', 1_000],
  ['queued.max.requests', 64],
];
