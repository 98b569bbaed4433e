import { renderProperties } from './java-properties.ts';

/**
 * Pure: Kafka logs to stdout, which is the broker's log file (or the container's log). Kafka 4 comes with
 * log4j 2, Kafka 3 with log4j 1. The dump of all settings at the start is left out: 300 lines that hide the one that
 * matters.
 */
const quiet = ['org.apache.kafka.common.config.AbstractConfig', 'kafka.server.KafkaConfig'];

export function renderLogging(kafkaVersion: string): string {
  return usesLog4j1(kafkaVersion) ? log4j1() : log4j2();
}

/** JVM flags that make a Kafka process use the file. */
export function loggingFlags(kafkaVersion: string, file: string): readonly string[] {
  const flag = usesLog4j1(kafkaVersion) ? '-Dlog4j.configuration=file:' : '-Dlog4j2.configurationFile=';
  return [`${flag}${file}`];
}

function usesLog4j1(kafkaVersion: string): boolean {
  return kafkaVersion.startsWith('3.');
}

const pattern = '%d %p %m (%c)%n';

function log4j1(): string {
  return renderProperties([
    ['log4j.rootLogger', 'INFO, stdout'],
    ['log4j.appender.stdout', 'org.apache.log4j.ConsoleAppender'],
    ['log4j.appender.stdout.layout', 'org.apache.log4j.PatternLayout'],
    ['log4j.appender.stdout.layout.ConversionPattern', pattern],
    ...quiet.map((logger) => [`log4j.logger.${logger}`, 'WARN'] as const),
  ]);
}

function log4j2(): string {
  return renderProperties([
    ['appender.stdout.type', 'Console'],
    ['appender.stdout.name', 'stdout'],
    ['appender.stdout.layout.type', 'PatternLayout'],
    ['appender.stdout.layout.pattern', pattern],
    ['rootLogger.level', 'INFO'],
    ['rootLogger.appenderRef.stdout.ref', 'stdout'],
    ...quiet.flatMap((logger, index) => [
      [`logger.quiet${index}.name`, logger] as const,
      [`logger.quiet${index}.level`, 'WARN'] as const,
    ]),
  ]);
}
