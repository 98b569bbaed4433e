import { Writer } from '@platformatic/kafka';
import { afterEach, expect, test } from 'vitest';
import { createAcls, deleteAcls, describeAcls } from '../../src/kafka/acl-admin.ts';
import { type Acl } from '../../src/kafka/acl-words.ts';
import type { Cluster } from '../../src/kafka/cluster.ts';
import { KafkaError, MalformedError, NotSentError } from '../../src/kafka/errors.ts';
import { answerTo, clusterOf, type Loopback, serveBroker } from './loopback.ts';

let server: Loopback | undefined;
let cluster: Cluster | undefined;

afterEach(async () => {
  await cluster?.close();
  await server?.close();
  cluster = server = undefined;
});

/** Answers every request with the next of these bodies, the last one again and again. */
async function serve(...bodies: readonly Buffer[]): Promise<Cluster> {
  let asked = 0;
  server = await serveBroker((request) => {
    request.socket.write(answerTo(request, bodies[Math.min(asked++, bodies.length - 1)] ?? Buffer.alloc(0)));
  });
  cluster = clusterOf(server);
  return cluster;
}

const always = (): boolean => true;

function acls(count: number): readonly Acl[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ resourceType: 'TOPIC', resourceName: `a_${index}`, patternType: 'LITERAL', principal: 'User:x', host: '*' },
    ...{ operation: 'READ', permission: 'ALLOW' },
  }));
}

/** Answer of CreateAcls version 3: one code for each ACL. */
function created(codes: readonly number[]): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([...codes], (w, code) => w.appendInt16(code).appendString(code === 0 ? null : 'because'))
    .appendTaggedFields().buffer;
}

/** Answer of DeleteAcls version 3: for each filter its code and the codes of the ACLs that it met. */
function deleted(filters: readonly { readonly code: number; readonly met: readonly number[] }[]): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([...filters], (w, { code, met }) => {
      w.appendInt16(code)
        .appendString(null)
        .appendArray([...met], (inner, each) => {
          inner.appendInt16(each).appendString(null).appendInt8(2).appendString('t').appendInt8(3);
          inner.appendString('User:x').appendString('*').appendInt8(3).appendInt8(3);
        });
    })
    .appendTaggedFields().buffer;
}

/** Answer of DescribeAcls version 3 without ACLs. */
function described(code: number): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendInt16(code)
    .appendString(null)
    .appendArray([], () => undefined)
    .appendTaggedFields().buffer;
}

test('each refusal is told with its ACL and the broker’s words, and the others are made', async () => {
  const [first, second, third] = acls(3);
  const refused = await createAcls(await serve(created([0, 42, 0])), [first!, second!, third!], always);
  expect(refused.map(({ acl, code }) => [acl, code])).toEqual([[second, 42]]);
  expect(refused[0]?.reason).toContain('INVALID_REQUEST (42): because');
});

test('an ACL that a deletion met and could not delete is a refusal', async () => {
  const some = acls(2);
  const answer = deleted([
    { code: 0, met: [0] },
    { code: 0, met: [0, 42] },
  ]);
  expect((await deleteAcls(await serve(answer), some, always)).map(({ acl }) => acl)).toEqual([some[1]]);
});

test.each([31, 41, 54, 7])('code %i concerns them all and is thrown', async (code) => {
  await expect(createAcls(await serve(created([0, code])), acls(2), always)).rejects.toThrow(KafkaError);
});

test('an answer for another number of ACLs is not believed', async () => {
  await expect(createAcls(await serve(created([0])), acls(2), always)).rejects.toThrow(MalformedError);
  await cluster?.close();
  await server?.close();
  await expect(deleteAcls(await serve(deleted([])), acls(1), always)).rejects.toThrow(MalformedError);
});

test('what only newer brokers know goes in requests of its own', async () => {
  const [first, second, third] = acls(3);
  const newer: Acl = { ...second!, resourceType: 'TRANSACTIONAL_ID', operation: 'TWO_PHASE_COMMIT' };
  const open = await serve(created([0]), created([42]), created([0]));
  const refused = await createAcls(open, [first!, newer, third!], always);
  expect(refused.map(({ acl }) => acl)).toEqual([newer]);
});

test('a change that was held back at the last moment was not sent, and is not called malformed', async () => {
  await expect(createAcls(await serve(created([0])), acls(1), () => false)).rejects.toThrow(NotSentError);
});

test('no authorizer is no error, and a missing right is one', async () => {
  expect(await describeAcls(await serve(described(54)))).toEqual({ kind: 'no authorizer' });
  await cluster?.close();
  await server?.close();
  await expect(describeAcls(await serve(described(31)))).rejects.toThrow(/takes DESCRIBE on the cluster/);
});
