import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultKafkaVersion } from '../../src/local/cluster-spec.ts';
import { kafkaLibs } from '../../src/local/cache-dir.ts';
import { type PinnedJars, checkJar, ensureKafka, mirrorMakerSuffix, pinnedJarsFile } from '../../tools/kafka-jars.ts';
import { jarPath, parseJarPath, renderPom } from '../../tools/maven.ts';
import { olderKafkaVersion } from '../../tools/preparation.ts';

const jar = {
  path: 'org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar',
  // Of the text "hello".
  sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
};
const neverAborted = new AbortController().signal;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-jars-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function pinned(): Promise<PinnedJars> {
  return JSON.parse(await readFile(pinnedJarsFile, 'utf8')) as PinnedJars;
}

test('a jar with the pinned hash passes', async () => {
  await writeFile(join(folder, 'jar'), 'hello');
  await expect(checkJar(jar, join(folder, 'jar'))).resolves.toBeUndefined();
});

test('a jar with another hash is refused with its name and both hashes', async () => {
  await writeFile(join(folder, 'jar'), 'hello!');
  const refusal = checkJar(jar, join(folder, 'jar'));
  await expect(refusal).rejects.toThrow(jar.path);
  await expect(refusal).rejects.toThrow(`expected sha256 ${jar.sha256}, found ce06092fb948d9ffac7d1a376e404b26`);
});

test('a jar that Maven did not deliver is named', async () => {
  await expect(checkJar(jar, join(folder, 'jar'))).rejects.toThrow(`Maven did not deliver ${jar.path}.`);
});

test('every pinned path names an artifact, and no two jars share a file name', async () => {
  for (const [version, list] of Object.entries(await pinned())) {
    expect(list.filter(({ path }) => parseJarPath(path) === undefined)).toEqual([]);
    expect(new Set(list.map(({ path }) => basename(path))).size).toBe(list.length);
    const kafka = version.replace(mirrorMakerSuffix, '');
    const main = kafka === version ? `kafka_2.13-${kafka}.jar` : `connect-mirror-${kafka}.jar`;
    expect(list.map(({ path }) => basename(path))).toContain(main);
  }
});

test('the versions that are used are pinned, each with exactly one slf4j binding', async () => {
  const lists = await pinned();
  for (const version of [defaultKafkaVersion, olderKafkaVersion, `${defaultKafkaVersion}${mirrorMakerSuffix}`]) {
    const bindings = lists[version]?.filter(({ path }) =>
      /\/(slf4j-reload4j|slf4j-simple|log4j-slf4j\d?-impl)\//.test(path),
    );
    expect(bindings).toHaveLength(1);
  }
});

test('a version that is not pinned is refused with those that are', async () => {
  await expect(ensureKafka('0.8.0', { signal: neverAborted, env: { UMBRA_CACHE_DIR: folder } })).rejects.toThrow(
    `No pinned jars of Kafka 0.8.0; pinned are ${defaultKafkaVersion}`,
  );
});

test("a distribution of the user's own is taken where src/local looks for it", async () => {
  const env = { UMBRA_KAFKA_HOME: folder };
  await mkdir(join(folder, 'libs'));
  await expect(ensureKafka(defaultKafkaVersion, { signal: neverAborted, env })).rejects.toThrow('holds no Kafka');
  await writeFile(join(folder, 'libs', 'kafka_2.13-4.2.0.jar'), '');
  const libs = await ensureKafka(defaultKafkaVersion, { signal: neverAborted, env });
  expect(libs).toBe(kafkaLibs(defaultKafkaVersion, env));
});

test('a path of a jar and its coordinates say the same', () => {
  const artifact = { group: 'org.slf4j', name: 'slf4j-api', version: '1.7.36' };
  expect(jarPath(artifact)).toBe(jar.path);
  expect(parseJarPath(jar.path)).toEqual(artifact);
  expect(parseJarPath('org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36-sources.jar')).toBeUndefined();
  expect(parseJarPath('slf4j-api.jar')).toBeUndefined();
});

test('an exact list keeps Maven from adding or exchanging a jar', () => {
  const artifacts = [{ group: 'org.slf4j', name: 'slf4j-api', version: '1.7.36' }];
  expect(renderPom({ artifacts, closure: 'exact' })).toContain('<groupId>*</groupId><artifactId>*</artifactId>');
  expect(renderPom({ artifacts, closure: 'transitive' })).not.toContain('exclusion');
});
