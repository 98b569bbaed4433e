/**
 * ACLs: DescribeAcls (29), CreateAcls (30) and DeleteAcls (31), each version 3. Any broker takes them: KRaft brokers pass
 * changes on to the controller, and each broker learns of them on its own. Takes DESCRIBE, for changes ALTER, on the
 * cluster. Left out: filters on the wire, since patterns that overlap a prefix cannot be asked for.
 */
import {
  type Acl as LibraryAcl,
  AclOperations,
  AclPermissionTypes,
  createAclsV3,
  deleteAclsV3,
  describeAclsV3,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Acl, aclKey, type AclsSeen, fromWire, isKnown, toWire } from './acl-words.ts';
import type { Broker, Cluster } from './cluster.ts';
import { judge, KafkaError, MalformedError } from './errors.ts';
import { call } from './library-api.ts';

/** A change that the cluster did not make, with the broker's reason. */
export interface RefusedAcl {
  readonly acl: Acl;
  readonly code: number;
  readonly reason: string;
}

/** Asked right before each request goes out; when it says no, nothing of that request was sent and NotSentError is thrown. */
export type MaySend = () => boolean;

/** One request; 5,000 ACLs are 25 of them. Measured: 200 in one request took 168 ms. */
const chunkMax = 200;
const purpose = 'acls';
const securityDisabled = 54;
const settlePauseMs = 50;

/** All ACLs, in the broker's order. Throws {@link KafkaError}, 31 where DESCRIBE on the cluster is missing. */
export async function describeAcls(cluster: Cluster): Promise<AclsSeen> {
  return describeAt(cluster, await cluster.any(purpose));
}

/** The same at another broker each time, where there are several: a single one may be behind. */
export async function describeAclsElsewhere(cluster: Cluster): Promise<AclsSeen> {
  await cluster.metadata([]);
  return describeAt(cluster, await cluster.anotherEachTime(purpose));
}

async function describeAt(cluster: Cluster, broker: Broker): Promise<AclsSeen> {
  const answer = await call(broker.connection, broker.negotiate(describeAclsV3.api), {
    resourceType: ResourceTypes.ANY,
    resourceName: null,
    resourcePatternType: ResourcePatternTypes.ANY,
    principal: null,
    host: null,
    operation: AclOperations.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  if (answer.errorCode === securityDisabled) return { kind: 'no authorizer' };
  if (answer.errorCode !== 0) {
    throw errorOf(answer, `reading the ACLs of ${cluster.name} (takes DESCRIBE on the cluster)`);
  }
  const acls = answer.resources.flatMap((resource) => resource.acls.map((acl) => fromWire({ ...resource, ...acl })));
  return { kind: 'seen', acls };
}

/**
 * Creates ACLs, in their order; one that exists already is no error. The answer is what was refused one by one. Throws
 * {@link KafkaError} for what concerns them all (a missing right, no authorizer), and what `call` throws: then some may have
 * been created.
 */
export function createAcls(cluster: Cluster, acls: readonly Acl[], maySend: MaySend): Promise<readonly RefusedAcl[]> {
  return inChunks(cluster, acls, {
    what: `creating ACLs at ${cluster.name} (takes ALTER on the cluster)`,
    send: async (broker, chunk) => {
      const { connection } = broker;
      const api = broker.negotiate(createAclsV3.api);
      return (await call(connection.withOptions({ maySend }), api, chunk.map(toLibrary))).results;
    },
  });
}

/** Deletes exactly these; one that is not there is no error. Otherwise like {@link createAcls}. */
export function deleteAcls(cluster: Cluster, acls: readonly Acl[], maySend: MaySend): Promise<readonly RefusedAcl[]> {
  return inChunks(cluster, acls, {
    what: `deleting ACLs at ${cluster.name} (takes ALTER on the cluster)`,
    send: async (broker, chunk) => {
      const { connection } = broker;
      const api = broker.negotiate(deleteAclsV3.api);
      const { filterResults } = await call(connection.withOptions({ maySend }), api, chunk.map(toLibrary));
      // A filter that was taken may still have met an ACL that could not be deleted.
      return filterResults.map(
        (result) => [result, ...result.matchingAcls].find(({ errorCode }) => errorCode !== 0) ?? result,
      );
    },
  });
}

interface ChunkRequest {
  /** For errors: what is done, and where. */
  readonly what: string;
  /** One request; the answer has one result for each ACL, in their order. */
  readonly send: (broker: Broker, chunk: readonly Acl[]) => Promise<readonly ItemResult[]>;
}

async function inChunks(
  cluster: Cluster,
  acls: readonly Acl[],
  { what, send }: ChunkRequest,
): Promise<readonly RefusedAcl[]> {
  const refused: RefusedAcl[] = [];
  for (const chunk of chunksOf(acls)) {
    const results = await send(await cluster.any(purpose), chunk);
    refused.push(...refusals(what, chunk, results));
  }
  return refused;
}

export interface AclsAwaited {
  readonly present: readonly Acl[];
  readonly absent: readonly Acl[];
}

/**
 * Waits until every broker shows `present` and none of `absent`: each applies the change when it has read it. The answer
 * names the brokers that did not within `timeoutMs`, or could not be asked; empty when all agree.
 */
export async function awaitAcls(
  cluster: Cluster,
  { present, absent }: AclsAwaited,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  await cluster.metadata([]);
  const deadline = performance.now() + timeoutMs;
  let behind = cluster.nodeIds();
  for (;;) {
    const agreed = await Promise.all(behind.map((nodeId) => agrees(cluster, nodeId, { present, absent })));
    behind = behind.filter((_, index) => agreed[index] !== true);
    if (behind.length === 0 || performance.now() >= deadline) return behind;
    await sleep(settlePauseMs, undefined, { signal });
  }
}

async function agrees(cluster: Cluster, nodeId: number, { present, absent }: AclsAwaited): Promise<boolean> {
  try {
    const seen = await describeAt(cluster, await cluster.broker(nodeId, purpose));
    if (seen.kind !== 'seen') return false;
    const keys = new Set(seen.acls.map(aclKey));
    return present.every((acl) => keys.has(aclKey(acl))) && !absent.some((acl) => keys.has(aclKey(acl)));
  } catch {
    // A broker that is down shows nothing; it is named with those that are behind, which is what the caller needs.
    return false;
  }
}

interface ItemResult {
  readonly errorCode: number;
  readonly errorMessage?: string | null | undefined;
}

function refusals(what: string, asked: readonly Acl[], results: readonly ItemResult[]): readonly RefusedAcl[] {
  if (results.length !== asked.length) {
    throw new MalformedError(`${what}: ${results.length} results for ${asked.length} ACLs`);
  }
  return asked.flatMap((acl, index) => {
    const result = results[index];
    if (result === undefined || result.errorCode === 0) return [];
    const error = errorOf(result, what);
    if (concernsAll(error)) throw error;
    return [{ acl, code: result.errorCode, reason: error.message }];
  });
}

/** What a broker says of a missing right is a dump of the request: `what` says which right it takes. */
function errorOf({ errorCode, errorMessage }: ItemResult, what: string): KafkaError {
  const denied = judge(errorCode) === 'denied';
  return new KafkaError(errorCode, what, denied ? {} : { brokerText: errorMessage });
}

/** A missing right, no authorizer, a controller that moved: not the fault of one ACL. */
function concernsAll({ code, verdict }: KafkaError): boolean {
  return verdict !== 'final' || code === securityDisabled;
}

/** In chunks of {@link chunkMax}, each in the order given. Words that only newer brokers know must not spoil a whole request. */
function chunksOf(acls: readonly Acl[]): readonly (readonly Acl[])[] {
  const chunks: Acl[][] = [];
  let newer: boolean | undefined;
  for (const acl of acls) {
    const last = chunks.at(-1);
    if (last === undefined || last.length >= chunkMax || newer !== isNewer(acl)) chunks.push([acl]);
    else last.push(acl);
    newer = isNewer(acl);
  }
  return chunks;
}

/** Brokers before 4.0 refuse the request in which one of these stands. */
function isNewer(acl: Acl): boolean {
  return acl.operation === 'TWO_PHASE_COMMIT' || !isKnown(acl);
}

/** The library's types have only the codes that it names; on the wire each is any signed byte. */
function toLibrary(acl: Acl): LibraryAcl {
  return toWire(acl) as LibraryAcl;
}
