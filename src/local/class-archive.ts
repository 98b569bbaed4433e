import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Beside Kafka's jars: their classes as the JVM lays them out in memory (JEP 350). Halves the time a broker starts in. */
export function classArchive(libsDir: string): string {
  return join(dirname(libsDir), 'classes.jsa');
}

/**
 * Options of `java` by which it uses the archive, where there is one (`tools/class-archive.ts` makes it for test runs).
 * One of another Java or of other jars is ignored by the JVM.
 */
export function classArchiveOptions(libsDir: string): readonly string[] {
  const archive = classArchive(libsDir);
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
}
