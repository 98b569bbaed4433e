import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';
import { drillScheduleHandler } from '../../src/provider/handlers/drill-schedule.ts';
import { type PropertyMap, SecretProperty, unknownValue } from '../../src/provider/server/property.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { Problem } from '../../src/worker/problems.ts';
import { catalogueOf, fakeApis, type FakeApis, fakeClock, unreachable } from './fakes.ts';
import { type PluginClient, refusal, startPlugin, unfinishedOf } from './plugin-client.ts';

const drill = { name: 'canary', level: 'L2', site: 'b', schedule: { cron: '0 3 * * *', jitter: '20m' } };
const ids = { a: 'clusterA', b: 'clusterB' };
const news: PropertyMap = { ...drill, worker: 'http://worker-b:8080', onDelete: 'refuse', clusterIds: ids };
const nightly = 'At 03:00, by the clock of UTC. Begins up to 20m later. Missed runs are told, and not made up for.';

let apis: FakeApis;
let plugin: PluginClient;

beforeEach(async () => {
  apis = fakeApis();
  const handler = drillScheduleHandler({ openApi: apis.open, clock: fakeClock() });
  plugin = await startPlugin(catalogueOf(bindResource(handler)), 'umbra:index:DrillSchedule');
});
afterEach(() => plugin.close());

async function created(more: PropertyMap = {}): Promise<{ inputs: PropertyMap; outputs: PropertyMap }> {
  const { inputs } = await plugin.check({ ...news, ...more });
  const { outputs } = await plugin.create(inputs);
  apis.calls.length = 0;
  return { inputs, outputs };
}

describe('check', () => {
  test.each<[string, PropertyMap, RegExp]>([
    ['a level', { level: 'L7' }, /^level\| level: must be one of L0, L1, L2/],
    ['a schedule that never fires', { schedule: { cron: '0 0 31 2 *' } }, /^schedule\| schedule\.cron: must fire/],
    ['an unknown field', { sites: 'b' }, /^\| sites: is not a property/],
    [
      'topics of a canary drill',
      { topics: ['a_x'] },
      /^topics\| topics: must be left out: L2 neither moves nor reads real topics/,
    ],
    ['real topics that are not named', { level: 'L4' }, /^topics\| topics: is required: L4 moves real topics/],
    ['a loss', { objectives: { rpoRecords: 1 } }, /^objectives\| objectives\.rpoRecords: must be 0/],
  ])('%s is refused in one line', async (_what, wrong, reason) => {
    expect((await plugin.check({ ...news, ...wrong })).failures).toEqual([expect.stringMatching(reason)]);
  });

  test('what nobody said is filled in, and the token is a secret', async () => {
    const { inputs, failures } = await plugin.check({ ...news, apiToken: 'sixteen-characters' });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ maxSkips: 3, objectives: { rpoRecords: 0, rto: '60s' }, returnTo: 'home' });
    expect(inputs['apiToken']).toBeInstanceOf(SecretProperty);
  });
});

describe('diff', () => {
  test.each<[string, PropertyMap]>([
    ['name', { name: 'other' }],
    ['site', { site: 'a' }],
    ['clusterIds', { clusterIds: { ...ids, b: 'anew' } }],
  ])('another %s is another drill: the old one is taken back first', async (name, change) => {
    const { inputs, outputs } = await created();
    const diff = await plugin.diff({ olds: outputs, oldInputs: inputs, news: { ...inputs, ...change } });
    expect(diff).toEqual({ changed: [name], replaces: [name], deleteFirst: true });
  });

  test.each<[string, PropertyMap]>([
    ['worker', { worker: unknownValue }],
    ['level', { level: 'L1' }],
    ['schedule', { schedule: { cron: '0 4 * * *' } }],
    ['onDelete', { onDelete: 'detach' }],
  ])('%s is changed in place', async (name, change) => {
    const { inputs, outputs } = await created();
    const diff = await plugin.diff({ olds: outputs, oldInputs: inputs, news: { ...inputs, ...change } });
    expect(diff).toEqual({ changed: [name], replaces: [], deleteFirst: false });
  });
});

describe('create', () => {
  test('a preview says when it would run, and asks nobody', async () => {
    await plugin.create({ ...news, worker: unknownValue }, { preview: true });
    expect(plugin.texts()).toEqual([`would declare the drill canary (L2) at site b: ${nightly}`]);
    expect(apis.calls).toEqual([]);
  });

  test('without a schedule the preview says so', async () => {
    const { schedule, ...rest } = news;
    expect(schedule).toBeDefined();
    await plugin.create(rest, { preview: true });
    expect(plugin.texts()).toEqual(['would declare the drill canary (L2) at site b: runs when somebody asks for it']);
  });

  test('it is declared at its worker, with the token, as the API takes it', async () => {
    const { id, outputs } = await plugin.create({ ...news, apiToken: new SecretProperty('sixteen-characters') });
    expect(id).toBe('drill-b-canary');
    expect(outputs).toMatchObject({ declared: true });
    expect(outputs['apiToken']).toBeInstanceOf(SecretProperty);
    expect(apis.calls).toEqual(['put drill canary @worker-b:8080']);
    expect(apis.addresses[0]?.token?.reveal()).toBe('sixteen-characters');
    expect(apis.drills).toEqual([drillSpecSchema.parse(drill)]);
  });

  test('a worker that stays away is waited for with a bound, then named, and nothing is in the state', async () => {
    apis.failing = unreachable;
    const call = plugin.create(news);
    expect(await refusal(call)).toMatch(/^the worker at http:\/\/fake is unreachable/);
    expect(apis.calls.length).toBeLessThan(50);
    expect(await call.catch(unfinishedOf)).toBeUndefined();
  });
});

describe('update', () => {
  test('a preview names what changed and when it would run then', async () => {
    const { inputs, outputs } = await created();
    const change = { olds: outputs, oldInputs: inputs, news: { ...inputs, schedule: { cron: '@hourly' } } };
    await plugin.update(change, { preview: true });
    expect(plugin.texts()).toEqual([
      expect.stringMatching(
        /^would declare the drill canary anew \(schedule changed\): Every hour, by the clock of UTC/,
      ),
    ]);
    expect(apis.calls).toEqual([]);
    await plugin.update(change);
    expect(apis.drills[0]?.schedule).toMatchObject({ cron: '@hourly' });
  });

  test('onDelete alone contacts nobody', async () => {
    const { inputs, outputs } = await created();
    const change = { olds: outputs, oldInputs: inputs, news: { ...inputs, onDelete: 'detach' } };
    expect(await plugin.update(change)).toMatchObject({ onDelete: 'detach', declared: true });
    expect(apis.calls).toEqual([]);
  });
});

describe('read', () => {
  test('as declared, nothing is to be done', async () => {
    const { inputs, outputs } = await created();
    const seen = await plugin.read('drill-b-canary', outputs, inputs);
    expect(seen).toMatchObject({ id: 'drill-b-canary', outputs: { declared: true } });
    expect((await plugin.diff({ olds: seen.outputs, oldInputs: inputs, news: inputs })).changed).toEqual([]);
    expect(plugin.texts()).toEqual([]);
  });

  test('declared otherwise by somebody else, it is named and declared again', async () => {
    const { inputs, outputs } = await created();
    apis.drills = [drillSpecSchema.parse({ ...drill, schedule: undefined, level: 'L1', owner: 'nadia' })];
    const seen = await plugin.read('drill-b-canary', outputs, inputs);
    expect(plugin.texts()).toEqual([
      'the drill canary is declared otherwise at its worker (level, schedule, owner); "pulumi up" declares it again',
    ]);
    const change = { olds: seen.outputs, oldInputs: inputs, news: inputs };
    expect((await plugin.diff(change)).changed).toEqual(['declared']);
    expect(await plugin.update(change)).toMatchObject({ declared: true });
    expect(apis.drills).toEqual([drillSpecSchema.parse(drill)]);
  });

  test('a drill that nobody knows is gone', async () => {
    const { inputs, outputs } = await created();
    apis.drills = [];
    expect((await plugin.read('drill-b-canary', outputs, inputs)).id).toBe('');
  });

  test('a worker that gives no answer leaves the state as it was, with a warning', async () => {
    const { inputs, outputs } = await created();
    apis.failing = unreachable;
    const seen = await plugin.read('drill-b-canary', outputs, inputs);
    expect(seen).toMatchObject({ id: 'drill-b-canary', outputs });
    expect(plugin.texts()).toEqual([expect.stringMatching(/^the drill canary could not be looked at: /)]);
  });
});

describe('delete', () => {
  test('it is taken back; one that is gone already is deleted', async () => {
    const { outputs } = await created();
    await plugin.delete('drill-b-canary', outputs);
    expect(apis.calls).toEqual(['delete drill canary @worker-b:8080']);
    apis.deletion = new Problem('NOT_FOUND', 'there is no drill canary');
    await plugin.delete('drill-b-canary', outputs);
  });

  test.each(['refuse', 'detach'])('a run that goes on refuses, whatever onDelete says: %s', async (onDelete) => {
    const { outputs } = await created({ onDelete });
    apis.deletion = new Problem('DRILL_BUSY', 'd1-canary goes on');
    expect(await refusal(plugin.delete('drill-b-canary', outputs))).toMatch(
      /^d1-canary goes on\. Wait for the run .*"npx umbra drill abort"/,
    );
  });

  test('a worker that cannot be told refuses; with detach it is forgotten, with a warning', async () => {
    const { outputs } = await created();
    apis.failing = unreachable;
    expect(await refusal(plugin.delete('drill-b-canary', outputs))).toMatch(
      /^the drill canary is not deleted, because its worker cannot be told: .*"npm run up".*onDelete: "detach"/,
    );
    const detached = { ...outputs, onDelete: 'detach' };
    await plugin.delete('drill-b-canary', detached);
    expect(plugin.lines.at(-1)).toMatchObject({ severity: 2 });
    expect(plugin.lines.at(-1)?.message).toMatch(/^the drill canary is forgotten, but its worker was not told/);
  });
});
