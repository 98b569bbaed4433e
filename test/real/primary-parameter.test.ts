import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsProblem } from '../../src/aws/aws-problem.ts';
import { type Parameters, SsmParameters } from '../../src/aws/ssm-parameters.ts';
import { pointerOf } from '../../src/pair/primary-pointer.ts';
import { type Move, type ParameterHook, repointSchema } from '../../src/worker/repoint/repoint-spec.ts';
import { runHooks } from '../../src/worker/repoint/run-hooks.ts';
import { writeParameter } from '../../src/worker/repoint/write-parameter.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';

const regions = ['eu-west-1', 'eu-central-1'];
const boundMs = 60_000;
const signal = (): AbortSignal => AbortSignal.timeout(boundMs);
const move: Move = {
  ...{ operationId: 'failover-1', kind: 'failover', topics: ['a_x', 'a_y', 'b_z'], from: 'a', to: 'b', term: 3 },
  ...{ startedAt: '2026-11-22T04:33:00.000Z', terms: new Map(['a_x', 'a_y', 'b_z'].map((topic) => [topic, 3])) },
  bootstrapServers: ['b-1.example:9096'],
};

let aws: AwsServer;
let notUsed: () => void;
let names = 0;

beforeAll(async () => {
  aws = await startAwsServer();
  notUsed = useAwsServer(aws);
}, boundMs);

afterAll(async () => {
  notUsed();
  await aws.stop();
});

/** Of a name of its own. */
function hookOf(): ParameterHook {
  names += 1;
  const name = `/umbra/test/primary/${names}`;
  const [hook] = repointSchema.parse([{ kind: 'parameter', name, prefix: 'a_', regions, attempts: 2 }]);
  if (hook?.kind !== 'parameter') throw new Error('it is a parameter hook');
  return hook;
}

async function pointers({ name }: ParameterHook): Promise<readonly unknown[]> {
  const texts = await Promise.all(regions.map((region) => new SsmParameters(region).read(name, signal())));
  return texts.map((text) => (text === undefined ? undefined : (JSON.parse(text) as unknown)));
}

describe('a parameter that says who is primary', { timeout: boundMs }, () => {
  test('is written in both regions, and names the new primary, its addresses and its term', async () => {
    const hook = hookOf();
    const [outcome] = await runHooks([hook], { move, env: {} }, signal());
    expect(outcome).toMatchObject({ kind: 'parameter', outcome: 'done', attempts: 1 });
    const pointer = { prefix: 'a_', primary: 'b', term: 3, bootstrapServers: move.bootstrapServers, topics: 2 };
    const from = { operation: 'failover-1', startedAt: move.startedAt, terms: { a_x: 3, a_y: 3 } };
    expect(await pointers(hook)).toEqual(regions.map(() => ({ ...pointer, ...from })));
    // After a crash nobody knows whether it was run.
    expect((await runHooks([hook], { move, env: {} }, signal()))[0]).toMatchObject({ outcome: 'done' });
  });

  test('that knows of a later move of the same topics is left alone, and the hook has failed', async () => {
    const hook = hookOf();
    const home: Move = { ...move, to: 'a', term: 4, terms: new Map([['a_x', 4]]), operationId: 'home' };
    await runHooks([hook], { move: home, env: {} }, signal());
    const [outcome] = await runHooks([hook], { move, env: {} }, signal());
    expect(outcome).toMatchObject({ outcome: 'failed', attempts: 2 });
    expect(outcome?.reason).toContain('eu-west-1: left alone, for this move is late: home has moved a_x with term 4');
    for (const pointer of await pointers(hook)) expect(pointer).toMatchObject({ primary: 'a', term: 4 });
  });

  test('that a drill has brought to a high term is written by the failover of the others', async () => {
    const hook = hookOf();
    const drill: Move = { ...move, to: 'a', term: 20, terms: new Map([['a_drill', 20]]), operationId: 'drill' };
    await runHooks([hook], { move: { ...drill, topics: ['a_drill'] }, env: {} }, signal());
    expect((await runHooks([hook], { move, env: {} }, signal()))[0]).toMatchObject({ outcome: 'done' });
    for (const pointer of await pointers(hook)) expect(pointer).toMatchObject({ primary: 'b', term: 3 });
  });

  test('what somebody else wrote at the same time is found out, and looked at anew', async () => {
    const hook = hookOf();
    const later: Move = { ...move, to: 'a', term: 4, terms: new Map([['a_x', 4]]), operationId: 'home' };
    const between = (region: string): Parameters => {
      const real = new SsmParameters(region);
      return {
        read: (name, until) => real.read(name, until),
        async write(name, value, until) {
          await real.write(name, value, until);
          await real.write(name, JSON.stringify(pointerOf('a_', later)), until);
        },
      };
    };
    const attempt = (open: (region: string) => Parameters): ReturnType<typeof writeParameter> =>
      writeParameter(hook, move, { open, signal: signal() });
    expect(await attempt(between)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('somebody else wrote it') as string,
    });
    expect(await attempt((region) => new SsmParameters(region))).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('this move is late') as string,
    });
    for (const pointer of await pointers(hook)) expect(pointer).toMatchObject({ primary: 'a' });
  });

  test('is none of the business of a move of other names', async () => {
    const hook = hookOf();
    const [outcome] = await runHooks([hook], { move: { ...move, topics: ['b_z'] }, env: {} }, signal());
    expect(outcome).toMatchObject({ outcome: 'not meant' });
    expect(await pointers(hook)).toEqual([undefined, undefined]);
  });

  test('takes the place of a text that is no pointer', async () => {
    const hook = hookOf();
    for (const region of regions) await new SsmParameters(region).write(hook.name, 'to be written', signal());
    expect((await runHooks([hook], { move, env: {} }, signal()))[0]).toMatchObject({ outcome: 'done' });
    for (const pointer of await pointers(hook)) expect(pointer).toMatchObject({ primary: 'b' });
  });

  test('is written in the region that is left when the other one is gone, and which is missing is said', async () => {
    const hook = hookOf();
    const gone: Parameters = {
      read: () => Promise.reject(new AwsProblem('unreachable', 'no route')),
      write: () => Promise.reject(new AwsProblem('unreachable', 'no route')),
    };
    const open = (region: string): Parameters => (region === 'eu-west-1' ? gone : new SsmParameters(region));
    expect(await writeParameter(hook, move, { open, signal: signal() })).toEqual({
      kind: 'failed',
      reason: 'eu-west-1: no route (written in eu-central-1)',
    });
    expect(await pointers(hook)).toMatchObject([undefined, { primary: 'b' }]);
  });

  test('nobody answers: the hook fails with the reason, within its time', async () => {
    const broken = useAwsServer({ ...aws, env: { ...aws.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' } });
    try {
      const [outcome] = await runHooks([hookOf()], { move, env: {} }, signal());
      expect(outcome).toMatchObject({ outcome: 'failed', attempts: 2 });
      expect(outcome?.reason).toContain('ECONNREFUSED');
    } finally {
      broken();
    }
  });
});
