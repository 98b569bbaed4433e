import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, isMissingProgram } from './child-process.ts';
import { ToolError } from './steps.mjs';

/** Pinned like everything else that is fetched; lays files out like a Maven repository (`useRepositoryLayout`). */
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** One artifact of a Maven repository. */
export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

export interface CopyJob {
  readonly artifacts: readonly Artifact[];
  /** `transitive`: with everything they need at run time. `exact`: these and nothing else. */
  readonly closure: 'transitive' | 'exact';
  /** Existing folder; gets a `pom.xml` and the jars under `repository/`, in a Maven repository's layout. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** The jar's path in a Maven repository: `org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar`. */
export function jarPath({ group, name, version }: Artifact): string {
  return `${group.replaceAll('.', '/')}/${name}/${version}/${name}-${version}.jar`;
}

/** The artifact a repository path of a plain jar (no classifier) belongs to; undefined for any other path. */
export function parseJarPath(path: string): Artifact | undefined {
  const parts = path.split('/');
  const [name, version] = parts.slice(-3, -1);
  if (parts.length < 4 || name === undefined || version === undefined) return undefined;
  const artifact = { group: parts.slice(0, -3).join('.'), name, version };
  return jarPath(artifact) === path ? artifact : undefined;
}

/** A project that does nothing but depend on the artifacts. */
export function renderPom({ artifacts, closure }: Pick<CopyJob, 'artifacts' | 'closure'>): string {
  const exclusions =
    closure === 'exact'
      ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
      : '';
  const dependencies = artifacts.map(
    ({ group, name, version }) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId>` +
      `<version>${version}</version>${exclusions}</dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '  <modelVersion>4.0.0</modelVersion>',
    '  <groupId>umbra.tools</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>',
    '  <dependencies>',
    ...dependencies,
    '  </dependencies>',
    '</project>',
    '',
  ].join('\n');
}

/**
 * Lets Maven fetch jars, from wherever this machine's Maven is set up to fetch.
 * @returns the folder that holds them in a repository's layout. @throws {ToolError} no Maven, or Maven's own words.
 */
export async function copyJars(job: CopyJob): Promise<string> {
  const pom = join(job.folder, 'pom.xml');
  const repository = join(job.folder, 'repository');
  await writeFile(pom, renderPom(job));
  const args = ['-B', '-ntp', '-q', '-f', pom, copyGoal, `-DoutputDirectory=${repository}`];
  const result = await capture('mvn', [...args, '-DincludeScope=runtime', '-Dmdep.useRepositoryLayout=true'], {
    cwd: job.folder,
    signal: job.signal,
  }).catch((error: unknown) => {
    if (error instanceof Error && isMissingProgram(error.cause)) throw new ToolError(mavenMissing, { cause: error });
    throw error;
  });
  if (result.code !== 0) {
    throw new ToolError(`${result.tail}\nMaven could not fetch Kafka's jars (exit code ${result.code}): see above.`);
  }
  return repository;
}

const mavenMissing =
  "Kafka's jars are fetched with Maven, and there is no mvn on PATH. Install Maven (Debian: apt-get install maven; " +
  'macOS: brew install maven), or unpack a Kafka distribution and set UMBRA_KAFKA_HOME to its folder.';
