import { type Environment } from './cache-dir.ts';
import { docker } from './docker.ts';
import { buildKafkaImage } from './kafka-image-build.ts';

/** Where Kafka's jars are in an image: in the project's own (`apache/kafka`) as in the one built here. */
export const imageLibsDir = '/opt/kafka/libs';

export interface ImageRequest {
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const pullTimeoutMs = 120_000;

/**
 * An image with a `java` on its PATH and Kafka's jars in {@link imageLibsDir}: the one built here earlier, else the
 * project's own, else one built now from the jars and the Java of this machine (no registry needed).
 * @throws {LocalProblem} ENGINE_MISSING, IMAGE_FAILED, KAFKA_JARS_MISSING
 */
export async function ensureKafkaImage(version: string, request: ImageRequest): Promise<string> {
  const own = `umbra/kafka:${version}`;
  const official = `apache/kafka:${version}`;
  for (const image of [own, official]) {
    if (await isPresent(image, request)) return image;
  }
  request.onProgress(`pull ${official}`);
  if (await pulled(official, request)) return official;
  request.onProgress(`build ${own}: no registry has ${official}`);
  await buildKafkaImage({ version, tag: own, libsInImage: imageLibsDir, ...request });
  return own;
}

async function isPresent(image: string, { env, signal }: ImageRequest): Promise<boolean> {
  return (await docker(['image', 'inspect', image], { env, signal })).exitCode === 0;
}

/** A registry that cannot be reached, or is too slow, is no failure: there is another way. */
async function pulled(image: string, { env, signal, onProgress }: ImageRequest): Promise<boolean> {
  const bound = AbortSignal.timeout(pullTimeoutMs);
  try {
    const call = { env, signal: AbortSignal.any([signal, bound]), timeoutMs: pullTimeoutMs };
    const result = await docker(['pull', '--quiet', image], call);
    return result.exitCode === 0;
  } catch (error) {
    if (!bound.aborted || signal.aborted) throw error;
    onProgress(`pull of ${image} given up after ${pullTimeoutMs} ms`);
    return false;
  }
}
