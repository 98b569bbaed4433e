import { z } from 'zod';
import { ToolError } from './steps.mjs';

/** Packages that `package.json` names and a worker never loads: they declare a pair, they do not run it. */
export const leftOutPackages: readonly string[] = [
  '@grpc/grpc-js',
  '@pulumi/aws',
  '@pulumi/policy',
  '@pulumi/pulumi',
  'google-protobuf',
];

/** Rooms of `src` that run elsewhere: in the Pulumi engine, and in applications. */
export const leftOutRooms: readonly string[] = ['clients', 'provider'];

/** The user that the image runs as: no name of any machine, by the custom of images without a shell. */
export const imageUser = 65_532;

/** Architectures as Node names them, by the names that container engines use. */
const architectures = { amd64: 'x64', arm64: 'arm64' } as const;
export type Architecture = (typeof architectures)[keyof typeof architectures];

const versions = z.record(z.string(), z.string());
const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  type: z.string(),
  engines: versions,
  dependencies: versions,
  optionalDependencies: versions,
});

/** Pure: `package.json` of what is in the image, with one Node as an ordinary package. @throws {ToolError} */
export function imageManifest(projectManifest: unknown, architecture: Architecture): Readonly<Record<string, unknown>> {
  const { dependencies, optionalDependencies, ...rest } = manifestSchema.parse(projectManifest);
  const node = nodePackage(architecture);
  const nodeVersion = optionalDependencies[node];
  if (nodeVersion === undefined) throw new ToolError(`package.json names no ${node}: there is no Node for the image.`);
  const kept = Object.entries(dependencies).filter(([name]) => !leftOutPackages.includes(name));
  return { ...rest, private: true, dependencies: { ...Object.fromEntries(kept), [node]: nodeVersion } };
}

export function nodePackage(architecture: Architecture): string {
  return `node-linux-${architecture}`;
}

/** Pure: Node's name of an engine's architecture. @throws {ToolError} for one that no Node package is there for */
export function nodeArchitecture(engine: string): Architecture {
  const found = Object.entries(architectures).find(([name]) => name === engine)?.[1];
  if (found !== undefined) return found;
  throw new ToolError(`The container engine runs on ${engine}; the image is made for ${names(architectures)}.`);
}

/**
 * Pure: an image that cannot become another one, as `FROM` takes it.
 * @throws {ToolError} for a tag: whoever moves it would change what is built
 */
export function parseBase(given: string): string {
  if (/^(?:[a-z0-9][a-z0-9./_:-]*@)?sha256:[0-9a-f]{64}$/.test(given)) return given;
  throw new ToolError(
    `--base ${given}: is not pinned, and what it names can change under you. Give name@sha256:… or the id of a local image:\n` +
      `  docker pull ${given} && docker image inspect --format '{{index .RepoDigests 0}}' ${given}`,
  );
}

const bomSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  serialNumber: z.string(),
  metadata: z.looseObject({ timestamp: z.string() }),
  components: z.array(z.looseObject({ name: z.string(), version: z.string(), purl: z.string() })),
});

/**
 * Pure: npm's bill of materials without what differs from run to run. The serial number is left out (it is optional in
 * CycloneDX): a random one would make every build another one. Time is that of the source.
 */
export function steadyBom(text: string, epochSeconds: number): string {
  const { serialNumber: _random, ...bom } = bomSchema.parse(JSON.parse(text));
  const timestamp = new Date(epochSeconds * 1_000).toISOString();
  return `${JSON.stringify({ ...bom, metadata: { ...bom.metadata, timestamp } }, undefined, 2)}\n`;
}

function names(table: Readonly<Record<string, string>>): string {
  return Object.keys(table).join(' and ');
}
