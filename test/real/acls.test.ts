import { metadataV12 } from '@platformatic/kafka';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Acl, aclKey, type KnownOperation } from '../../src/kafka/acl-words.ts';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { call } from '../../src/kafka/library-api.ts';
import { type AclMemory, readBook } from '../../src/sync/acls/acl-memory.ts';
import { AclSync, type AclSyncPolicy, type AclSyncPorts } from '../../src/sync/acls/acl-sync.ts';
import { decide } from '../../src/sync/acls/effective-rights.ts';
import { promotionAcls } from '../../src/sync/acls/promotion-acls.ts';
import { syncScope } from '../../src/sync/acls/sync-scope.ts';
import { aclHand, aclsAt, linesOf, rememberedAcls } from '../fixtures/acls.ts';
import { chance, type Chance } from '../fixtures/chance.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { expectedAtStandby } from '../fixtures/standby-acls.ts';

const seed = Number(process.env['UMBRA_SEED'] ?? '20260');
const { a, b } = sharedSites();
const umbra = 'User:umbra';
const clusters: Cluster[] = [];
const memories: AclMemory[] = [];
const source = open('source', a.umbra);
const target = open('target', b.umbra);
const atSource = aclHand(open('source as admin', a.admin));
const atTarget = aclHand(open('target as admin', b.admin));
const policy: AclSyncPolicy = {
  scope: syncScope({ prefixes: { TOPIC: 'a_', GROUP: 'a_', TRANSACTIONAL_ID: 'a_' } }),
  own: [umbra],
  promoted: new Set(),
  superUsers: ['User:admin', 'User:broker'],
  allowsWithoutAcl: false,
};
/** What both clusters have before these tests: the grants of a pair. */
let before: { readonly source: readonly Acl[]; readonly target: readonly Acl[] };

beforeAll(async () => {
  console.log(`acls: UMBRA_SEED=${seed}`);
  before = { source: await aclsAt(source), target: await aclsAt(target) };
});

afterEach(async () => {
  await atSource.takeBack();
  await atTarget.takeBack();
  // What a sync made goes with the names that it carries.
  const nowhere = syncScope({ prefixes: { TOPIC: 'none-', GROUP: 'none-', TRANSACTIONAL_ID: 'none-' } });
  for (const memory of memories.splice(0)) {
    await level(startSync(memory, { policy: () => ({ ...policy, scope: nowhere }) }));
    expect(readBook(memory.pages())).toEqual({ owned: new Map(), withheld: new Map() });
  }
  expect(linesOf(await aclsAt(target))).toEqual(linesOf(before.target));
});

afterAll(async () => {
  await Promise.all(clusters.map((cluster) => cluster.close()));
});

function open(name: string, config: ClusterConfigInput): Cluster {
  const cluster = new Cluster(name, clusterConfigSchema.parse(config), { clientId: 'test-acls' });
  clusters.push(cluster);
  return cluster;
}

function startSync(memory: AclMemory, ports: Partial<AclSyncPorts> = {}): AclSync {
  const quiet = { now: (): Date => new Date(), report: (): void => undefined };
  return new AclSync({ source, target, memory, mayAct: () => true, policy: () => policy, ...quiet, ...ports });
}

function newMemory(): AclMemory {
  const memory = rememberedAcls();
  memories.push(memory);
  return memory;
}

const bounded = (): AbortSignal => AbortSignal.timeout(60_000);

async function level(sync: AclSync): Promise<void> {
  await sync.round(bounded());
  expect(sync.view()).toMatchObject({ trouble: undefined, refused: [], behind: [] });
}

const letters = ['a', '_', 'x'] as const;
/** All names of up to four letters. */
const names = [1, 2, 3, 4].flatMap(words);

function words(length: number): readonly string[] {
  return length === 0 ? [''] : words(length - 1).flatMap((word) => letters.map((letter) => word + letter));
}

const operations = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'ALL'],
  GROUP: ['READ', 'DELETE', 'DESCRIBE', 'ALL'],
  TRANSACTIONAL_ID: ['WRITE', 'DESCRIBE', 'ALL'],
  CLUSTER: ['ALTER', 'DESCRIBE', 'ALL'],
} as const satisfies Record<string, readonly [KnownOperation, ...KnownOperation[]]>;

function anyAcl(luck: Chance, permission: Acl['permission']): Acl {
  const resourceType = luck.pick(['TOPIC', 'TOPIC', 'TOPIC', 'GROUP', 'TRANSACTIONAL_ID', 'CLUSTER'] as const);
  const onCluster = resourceType === 'CLUSTER';
  const name = luck.pick(['*', 'a', 'a_', 'a_', 'a_x', 'a_x', 'a__', 'x', 'ax', '_', 'a_xa', luck.pick(['aa', 'xx'])]);
  return {
    resourceType,
    resourceName: onCluster ? 'kafka-cluster' : name,
    patternType: onCluster ? 'LITERAL' : luck.pick(['LITERAL', 'PREFIXED']),
    // Everybody is denied and not allowed: what both together come to has no plain rule (see the tests of narrowAcls).
    principal: luck.pick(['User:x', 'User:x', 'User:CN=y, OU=z', umbra, permission === 'DENY' ? 'User:*' : 'User:app']),
    host: luck.pick(['*', '*', '*', '127.0.0.1', '10.9.9.9']),
    operation: luck.pick(operations[resourceType]),
    permission,
  };
}

function anyAcls(luck: Chance, least = 0): readonly Acl[] {
  const many = Array.from({ length: luck.between(least, 14) }, () =>
    anyAcl(luck, luck.pick(['ALLOW', 'ALLOW', 'DENY'])),
  );
  // Never umbra's rights at the source itself, by which it reads the ACLs, and nothing that would be taken back with them.
  const standing = new Set(linesOf([...before.source, ...before.target]));
  const safe = many.filter(
    (acl) =>
      !standing.has(aclKey(acl)) &&
      (acl.permission === 'ALLOW' || !/^User:(\*|umbra)$/.test(acl.principal) || acl.resourceType !== 'CLUSTER'),
  );
  return [...new Map(safe.map((acl) => [aclKey(acl), acl])).values()];
}

describe('the standby', () => {
  test('has for each of 30 sets of ACLs at the source exactly those expected, and keeps what others made', async () => {
    const luck = chance(seed);
    const memory = newMemory();
    const sync = startSync(memory);
    for (let round = 0; round < 30; round++) {
      const set = anyAcls(luck.branch(`source ${round}`));
      const foreign = anyAcls(luck.branch(`foreign ${Math.floor(round / 5)}`)).filter(
        ({ permission, principal }) => permission === 'ALLOW' && principal !== umbra,
      );
      // What the sync has made already stays its own when somebody asks for the same again.
      const owned = new Set(linesOf([...readBook(memory.pages()).owned.values()].map(({ acl }) => acl)));
      const others = foreign.filter((acl) => !owned.has(aclKey(acl)));
      await atTarget.takeBack();
      await atTarget.put(others);
      await atSource.put(set);
      await level(sync);
      const expected = expectedAtStandby({
        source: [...before.source, ...set],
        others: [...before.target, ...others],
        ...{ prefix: 'a_', umbra, names },
      });
      const seen = `set ${round} of UMBRA_SEED=${seed}`;
      expect(linesOf(await aclsAt(target)), seen).toEqual(linesOf([...before.target, ...others, ...expected]));
      const { created, removed } = sync.view();
      await level(sync);
      expect(sync.view(), seen).toMatchObject({ created, removed });
    }
    expect(sync.view().created).toBeGreaterThan(30);
    expect(sync.view().removed).toBeGreaterThan(30);
  }, 300_000);

  test('is level after any interruption, between any two writes, and owns what it made and nothing else', async () => {
    const luck = chance(seed).branch('interruptions');
    const memory = newMemory();
    const wanted: Acl = {
      ...{ resourceType: 'GROUP', resourceName: 'a_there', patternType: 'LITERAL', principal: 'User:x', host: '*' },
      ...{ operation: 'READ', permission: 'ALLOW' },
    };
    let interruptions = 0;
    for (let writes = 0; writes < 25; writes++) {
      await atTarget.put([wanted]);
      await atSource.put([wanted, ...anyAcls(luck.branch(`set ${writes}`), 10)]);
      let left = writes;
      const interrupted = startSync(memory, { mayAct: () => left-- > 0 });
      await interrupted.round(bounded());
      const restarted = startSync(memory);
      await level(restarted);
      const expected = expectedAtStandby({
        source: await aclsAt(source),
        others: [...before.target, wanted],
        ...{ prefix: 'a_', umbra, names: [...names, 'a_there'] },
      });
      const seen = `${writes} writes of UMBRA_SEED=${seed}`;
      expect(linesOf(await aclsAt(target)), seen).toEqual(linesOf([...before.target, wanted, ...expected]));
      const { owned } = readBook(memory.pages());
      expect([...owned.values()].filter(({ state }) => state !== 'created')).toEqual([]);
      expect(linesOf(restarted.view().alreadyThere)).toContain(aclKey(wanted));
      expect(owned.has(aclKey(wanted))).toBe(false);
      if (interrupted.view().trouble !== undefined) interruptions += 1;
    }
    expect(interruptions).toBeGreaterThan(12);
  }, 300_000);

  test('gets back what somebody removed there, and it is counted', async () => {
    const memory = newMemory();
    const sync = startSync(memory);
    const read: Acl = {
      ...{ resourceType: 'TOPIC', resourceName: 'a_x', patternType: 'LITERAL', principal: 'User:x', host: '*' },
      ...{ operation: 'READ', permission: 'ALLOW' },
    };
    await atSource.put([read]);
    await level(sync);
    await atTarget.put([read]);
    await atTarget.takeBack();
    await level(sync);
    expect(linesOf(await aclsAt(target))).toContain(aclKey(read));
    expect(sync.view().restored).toBe(1);
  });
});

describe('the fence', () => {
  const topic = 'a_leaks';
  const wide: Acl = {
    ...{ resourceType: 'TOPIC', resourceName: '*', patternType: 'LITERAL', principal: 'User:app', host: '*' },
    ...{ operation: 'WRITE', permission: 'ALLOW' },
  };

  test('that leaks is named with the ACL, and the leak and its remedy are real', async () => {
    await createTopic(b.admin, topic);
    const sync = startSync(newMemory());
    await level(sync);
    expect(sync.view().fence).toEqual({ kind: 'fenced', beyondAcls: ['User:admin', 'User:broker'] });
    await expect(produce(b.app, topic, ['refused'])).rejects.toThrow(/authorized/i);

    await atTarget.put([wide]);
    await level(sync);
    expect(sync.view().fence).toMatchObject({
      kind: 'leaking',
      leaks: [{ principal: 'User:app', host: '*', names: '"a_"*', acl: wide }],
    });
    await produce(b.app, topic, ['leaked']);

    await atTarget.put([wide, { ...wide, resourceName: 'a_', patternType: 'PREFIXED', permission: 'DENY' }]);
    await level(sync);
    expect(sync.view().fence).toMatchObject({ kind: 'fenced' });
    await expect(produce(b.app, topic, ['refused'])).rejects.toThrow(/authorized/i);
  });

  test('opens for exactly the promoted topics with what was withheld', async () => {
    const [one, other] = ['a_promoted', 'a_not_promoted'];
    await createTopic(b.admin, one);
    await createTopic(b.admin, other);
    const memory = newMemory();
    const sync = startSync(memory);
    await level(sync);
    // The source is dead and the worker new: the memory is what there is.
    const { withheld } = startSync(memory).view();
    await atTarget.put(promotionAcls(withheld, [one]));
    await produce(b.app, one, ['first of its own']);
    await expect(produce(b.app, other, ['refused'])).rejects.toThrow(/authorized/i);
    const promoted = startSync(memory, { policy: () => ({ ...policy, promoted: new Set([one]) }) });
    await level(promoted);
    expect(promoted.view().fence).toMatchObject({ kind: 'fenced' });
    expect(promoted.view().foreign.filter(({ resourceName }) => resourceName === one)).toEqual([]);
  });
});

describe('a worker', () => {
  test('that may not act writes nothing, neither at the cluster nor into its memory', async () => {
    let puts = 0;
    const sync = startSync(
      rememberedAcls(() => puts++),
      { mayAct: () => false },
    );
    await atSource.put([
      {
        ...{ resourceType: 'GROUP', resourceName: 'a_', patternType: 'PREFIXED', principal: 'User:x', host: '*' },
        ...{ operation: 'READ', permission: 'ALLOW' },
      },
    ]);
    await sync.round(bounded());
    expect(sync.view().trouble?.message).toMatch(/may not write/);
    expect(puts).toBe(0);
    expect(linesOf(await aclsAt(target))).toEqual(linesOf(before.target));
  });

  test('that may not read the ACLs says which right is missing, and goes on when it is there', async () => {
    const sync = startSync(newMemory(), { source: open('source as app', a.app) });
    await sync.round(bounded());
    expect(sync.view().trouble?.message).toMatch(/CLUSTER_AUTHORIZATION_FAILED \(31\).*|takes DESCRIBE on the cluster/);
    expect(sync.view().fence).toMatchObject({ kind: 'fenced' });
    await atSource.put([
      {
        ...{ resourceType: 'CLUSTER', resourceName: 'kafka-cluster', patternType: 'LITERAL', principal: 'User:app' },
        ...{ host: '*', operation: 'DESCRIBE', permission: 'ALLOW' },
      },
    ]);
    await level(sync);
  });
});

describe('what a broker decides', () => {
  const topics = ['q', 'qr', 'qrr', 'qrq', 'qq', 'r', 'rq'];
  /** Bits of `authorizedOperations`, by the code of the operation. */
  const bits = {
    ...{ READ: 3, WRITE: 4, CREATE: 5, DELETE: 6, ALTER: 7, DESCRIBE: 8, DESCRIBE_CONFIGS: 10, ALTER_CONFIGS: 11 },
  } as const satisfies Partial<Record<KnownOperation, number>>;

  test('is what effective rights say, for any ACLs of its own', async () => {
    for (const topic of topics) await createTopic(b.admin, topic);
    const luck = chance(seed).branch('decisions');
    const app = open('target as app', b.app);
    const pattern = ['*', 'q', 'qr', 'qrr', 'r', 'qrq'] as const;
    for (let round = 0; round < 25; round++) {
      const set = Array.from({ length: luck.between(1, 9) }, (): Acl => {
        const permission = luck.pick(['ALLOW', 'ALLOW', 'DENY'] as const);
        return {
          ...{
            resourceType: 'TOPIC',
            resourceName: luck.pick(pattern),
            patternType: luck.pick(['LITERAL', 'PREFIXED']),
          },
          principal: luck.pick(['User:app', 'User:app', 'User:*', 'User:x']),
          host: luck.pick(['*', '*', '127.0.0.1', '10.9.9.9']),
          ...{ operation: luck.pick(operations.TOPIC), permission },
        };
      });
      await atTarget.put([...new Map(set.map((acl) => [aclKey(acl), acl])).values()]);
      const rules = { acls: await aclsAt(target), superUsers: policy.superUsers, allowsWithoutAcl: false };
      const allowed = (operation: KnownOperation, name: string): boolean =>
        decide({ principal: 'User:app', host: '127.0.0.1', resourceType: 'TOPIC', operation, name }, rules).allowed;
      const { connection } = await app.any();
      const answer = await call(connection, metadataV12.api, topics, false, true);
      for (const { name, errorCode, topicAuthorizedOperations } of answer.topics) {
        const seen = `${name} in set ${round} of UMBRA_SEED=${seed}`;
        expect(errorCode === 0, seen).toBe(allowed('DESCRIBE', name ?? ''));
        if (errorCode !== 0) continue;
        for (const [operation, bit] of Object.entries(bits)) {
          const said = (topicAuthorizedOperations & (1 << bit)) !== 0;
          expect(said, `${operation} on ${seen}`).toBe(allowed(operation as KnownOperation, name ?? ''));
        }
      }
      const written = luck.pick(['q', 'qr', 'qrq', 'r']);
      const produced = await produce(b.app, written, ['probe']).then(
        () => true,
        () => false,
      );
      expect(produced, `WRITE on ${written} in set ${round} of UMBRA_SEED=${seed}`).toBe(
        allowed('WRITE', written) && allowed('DESCRIBE', written),
      );
    }
  });
});
