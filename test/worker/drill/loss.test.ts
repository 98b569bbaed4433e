import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { noFacts, type RunRecord } from '../../../src/drill/run-record.ts';
import { drillsConfigSchema, type DrillsConfigInput } from '../../../src/worker/drill/drills-config.ts';
import { lose, type LossPorts, mend } from '../../../src/worker/drill/loss.ts';

const signal = AbortSignal.timeout(20_000);
// as: of a run these are asked.
const run = { id: 'drill-20261122-100000-lost-0000', drill: 'lost', at: 4, facts: noFacts } as unknown as RunRecord;

interface Site {
  /** By the other site's answer, the phase that it has seen. */
  readonly seen?: number;
  readonly isThere?: () => boolean;
  readonly loss?: DrillsConfigInput['loss'];
}

function ports({ seen = 0, isThere = () => true, loss }: Site): LossPorts {
  const peer = {
    read: () => (isThere() ? Promise.resolve() : Promise.reject(new Error('connection refused'))),
    state: { drills: { answer: () => ({ seen }) } },
  };
  const config = drillsConfigSchema.parse(loss === undefined ? {} : { loss });
  const servers = { a: ['a1:9092', 'a2:9092'], b: ['b1:9092'] };
  // as: of the link only what a loss asks of it.
  return {
    site: 'b',
    config,
    servers,
    link: () => ({ peer }),
    logger: pino({ enabled: false }),
  } as unknown as LossPorts;
}

function sh(script: string): { kind: 'command'; command: string[]; attempts: number } {
  return { kind: 'command', command: ['sh', '-c', script], attempts: 1 };
}

test('a hook is told who is lost, by whom and for which run, and the loss ends when nobody answers any more', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'umbra-loss-')), 'told');
  const told = `(cat; echo; echo "$UMBRA_DOES $UMBRA_SITE $UMBRA_BY $UMBRA_RUN $UMBRA_DRILL $UMBRA_BOOTSTRAP_SERVERS") > ${file}`;
  const loss = { lose: sh(told), mend: sh('exit 0') };
  writeFileSync(file, '');
  const isThere = (): boolean => readFileSync(file, 'utf8') === '';
  expect(await lose(ports({ loss, isThere }), run, signal)).toEqual([]);
  const [json = '', text] = readFileSync(file, 'utf8').trim().split('\n');
  expect(JSON.parse(json)).toEqual({
    ...{ run: run.id, drill: 'lost', does: 'lose', site: 'a', by: 'b' },
    bootstrapServers: ['a1:9092', 'a2:9092'],
  });
  expect(text).toBe(`lose a b ${run.id} lost a1:9092,a2:9092`);
});

test('without hooks nothing is taken away, and nothing is waited for but the other site’s answer', async () => {
  expect(await lose(ports({}), run, signal)).toEqual([]);
  expect(await mend(ports({ seen: 4 }), run, signal)).toEqual([]);
});

test('a hook that does not do its work is named with what it says, also when the site cannot be brought back', async () => {
  const broken = { lose: sh('echo no rights >&2; exit 3'), mend: sh('exit 4') };
  expect(await lose(ports({ loss: broken }), run, signal)).toEqual([
    'the hook that loses site a did not do it: exit code 3: no rights',
  ]);
  expect(await mend(ports({ loss: broken, seen: 4 }), run, signal)).toEqual([
    'the hook that mends site a did not do it: exit code 4. Bring it back by hand',
  ]);
});

test('a site that was taken away, and whose hooks are gone from the file, is said to be brought back by hand', async () => {
  const lost = { ...run, facts: { ...noFacts, loss: 'made' as const } };
  expect(await mend(ports({ seen: 4 }), lost, signal)).toEqual([
    expect.stringMatching(/^no hook mends site a any more/),
  ]);
});
