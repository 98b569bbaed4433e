import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../../src/api/server.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { reconcileReportSchema } from '../../src/cli/verbs/reconcile.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { type MovedRoleView, roleViewSchema } from '../../src/worker/moves/operation-view.ts';
import type { TailDecision } from '../../src/worker/reconcile/tail-decision.ts';
import { type RebuildView, rebuildViewSchema } from '../../src/worker/rebuild/rebuild-view.ts';
import { stubService } from '../api/stub-service.ts';

const token = '0123456789abcdef';
const hash = '0'.repeat(64);
const at = '2026-01-02T03:04:05.000Z';
const decisions: (TailDecision | undefined)[] = [];
let folder: string;
let url: string;
let close: () => Promise<unknown>;

const role: MovedRoleView = roleViewSchema.parse({
  ...{ topic: 'b_orders', home: 'b', primary: 'a', term: 1 },
  oldSide: { state: 'split', tailOffsets: 3, tailPartitions: 1, at },
});

function planned(decision: TailDecision | undefined): RebuildView {
  const quarantined = { batches: 1, records: 3, recordsOnlyHere: 3, bytes: 300, sha256: hash };
  return rebuildViewSchema.parse({
    step: 'planned',
    plan: {
      ...{ topic: 'b_orders', link: 'a-b', copyTopicId: 'old', copiedTopicId: 'new', sourceTopicId: 'new', faults: [] },
      tail: {
        ...{ operation: 'failover-20260102-0304-ab12', term: 1, site: 'b', cuts: ['5'], method: 'anew' },
        ...(decision === undefined ? {} : { decision }),
      },
      partitions: [
        {
          ...{ partition: 0, copyStart: '0', copyEnd: '8', offsetsToCopy: 9, forkOffset: '5' },
          quarantined: { ...quarantined, recordsUnexplained: 3, unexplainedSha256: hash },
        },
      ],
      ...{ folder: '/quarantine', neededBytes: 1_000, freeBytes: 1_000_000, groups: 0, groupsHidden: [] },
      ...{ autoCreated: false, hash },
    },
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-plan-'));
  await writeFile(join(folder, 'token'), token);
  const service = stubService({
    roles: () => [role],
    reconciliationView: () => planned(decisions.at(-1)),
    planReconciliation: (_topic, decision) => {
      decisions.push(decision);
      return Promise.resolve(planned(decision));
    },
  });
  const tokens = [{ name: 'operator', role: 'operator', token: new Secret(token) }] as const;
  const api = createApi({ service, tokens, host: '127.0.0.1', logger: pino({ level: 'silent' }) });
  close = () => api.close();
  url = await api.listen({ host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await close();
  await rm(folder, { recursive: true });
});

async function umbra(...args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  let said = '';
  const say = (line: string): void => void (said += `${line}\n`);
  const io: Io = { out: say, err: say, colour: false, cwd: folder, env: {} };
  const common = ['--api', url, '--token-file', join(folder, 'token')];
  return { code: await runCli([...common, ...args], io, AbortSignal.timeout(15_000)), said };
}

test('"plan reconcile" shows what "reconcile --plan" shows, with the same decisions, and ends', async () => {
  const [plan, same] = [
    await umbra('plan', 'reconcile', 'b_orders', '--discard', 'test data'),
    await umbra('reconcile', 'b_orders', '--plan', '--discard', 'test data'),
  ];
  expect(plan).toEqual(same);
  expect(plan.code).toBe(0);
  expect(plan.said).toContain('Reconciliation of b_orders at site b');
  expect(decisions.splice(0)).toEqual(Array(2).fill({ kind: 'discard', reason: 'test data' }));
  const json = await umbra('--json', 'plan', 'reconcile', '--all');
  expect(reconcileReportSchema.parse(JSON.parse(json.said)).reconciliation.step).toBe('planned');
  expect((await umbra('plan', 'reconcile')).said).toContain('b_orders');
});

test('what is said of one kind of plan is refused in another one, not passed over', async () => {
  expect(await umbra('plan', 'reconcile', 'b_orders', '--old-side-unconfirmed')).toMatchObject({ code: 2 });
  const { code, said } = await umbra('plan', 'failover', 'b_orders', '--replay');
  expect(code).toBe(2);
  expect(said).toContain('"--replay" says nothing of a plan to failover');
  expect((await umbra('plan', 'rebuild')).said).toContain('or reconcile, not "rebuild"');
});
