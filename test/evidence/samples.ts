import { generateKeyPairSync } from 'node:crypto';
import type { EvidenceContent, EvidenceDocument, TimelineEntry } from '../../src/evidence/document.ts';
import { EvidenceProblem } from '../../src/evidence/evidence-problem.ts';
import { evidenceKey, type EvidenceKey } from '../../src/evidence/keys.ts';
import { recordEvidence } from '../../src/evidence/record.ts';
import type { EvidenceReader, EvidenceStore } from '../../src/evidence/store.ts';
import { sha256Of } from '../../src/evidence/canonical.ts';

const begin = Date.parse('2026-11-22T10:00:00.000Z');
const zeros = '0'.repeat(64);

export function newKey(): EvidenceKey {
  return evidenceKey(generateKeyPairSync('ed25519').privateKey);
}

/** A time some seconds behind the begin of the sample. */
export function at(seconds: number): string {
  return new Date(begin + Math.round(seconds * 1_000)).toISOString();
}

/** A monthly switchover as its run would tell it, with thousands of samples. */
export function sampleContent(overrides: Partial<EvidenceContent> = {}): EvidenceContent {
  return {
    ...{ schemaVersion: 1, reportId: 'd20261122-1000-orders-monthly', kind: 'drill', level: 'L4' },
    ...{ drill: 'orders-monthly', verdict: 'PASSED', verdictReasons: ['Every objective was met.'] },
    ...{ startedAt: at(0), endedAt: at(1_500) },
    pair: {
      ...{ id: 'orders', site: 'a', toolVersion: '0.1.0', planHash: 'ab'.repeat(32), policyHash: 'cd'.repeat(32) },
      clusters: [
        { site: 'a', clusterId: 'cluster-east', bootstrapServers: ['east-1:9092', 'east-2:9092'] },
        { site: 'b', clusterId: 'cluster-west', bootstrapServers: ['west-1:9092'] },
      ],
      labels: ['production'],
    },
    scope: {
      ...{ links: ['a-b'], topics: ['a_orders', 'a_payments'], partitions: 24, groups: ['billing'], registry: false },
      excluded: [{ name: 'a_audit', why: 'faulted since Tuesday' }],
    },
    scenario: {
      ...{ id: 'planned-switchover', text: 'The prefix a_orders moves to site b, stays there, and comes home.' },
      ...{ severity: 'severe but plausible', biaRef: 'BIA-7', assumptions: ['Both sites are well.'] },
    },
    objectives: { rpoRecords: 0, rtoMs: 90_000, other: ['Consumers lose no position.'] },
    people: {
      ...{ requestedBy: 'schedule orders-monthly', operators: ['lena'], observers: ['audit'] },
      approvers: [{ name: 'ravi', role: 'sre', at: at(-3_600) }],
      excludedOnPurpose: ['the team that built it'],
    },
    preconditions: [
      { check: 'exposure', result: 'passed', value: '0.4 s, below 5 s', at: at(2) },
      { check: 'alarms', result: 'warned', value: 'one alarm of the level "ticket"', at: at(3) },
    ],
    timeline: sampleTimeline(),
    terms: [{ topic: 'a_orders', before: 6, after: 8, primary: 'a' }],
    cut: [
      {
        ...{ topic: 'a_orders', partition: 0, topicId: 'Zm9vYmFyYmF6cXV4', operation: 'switchover-20261122-1005' },
        ...{ offset: '184467440737', tailSha256: zeros },
      },
    ],
    rpo: {
      predicted: { records: 0, recordsAtMost: 12, seconds: 0.4 },
      ...{ measured: { records: 0, bytes: 0, seconds: 0 }, basis: 'ledger' },
    },
    rto: {
      totalMs: 3_420,
      phases: { fence: 900, drain: 310, promote: 640, registry: 0, repoint: 1_020, firstAck: 550 },
      vantagePoints: sampleVantagePoints(),
    },
    exposure: sampleExposure(),
    integrity: {
      canary: { sent: 12_000, acked: 11_990, once: 11_990, duplicate: 0, lost: 0, reordered: 0, ghost: 0, shifted: 0 },
      problems: [],
    },
    groups: [{ id: 'billing', note: 'no position went back' }],
    fence: { probes: [{ at: at(301), result: 'refused: TOPIC_AUTHORIZATION_FAILED' }], logEndsFrozen: true },
    registry: { primaryBefore: 'a', primaryAfter: 'a', note: 'was not moved' },
    clients: [{ principal: 'User:shop', note: 'followed in 1.2 s', straggler: false }],
    tails: [{ topic: 'a_orders', records: 0, disposition: 'none' }],
    alarms: [{ name: 'page: consumer lag', at: at(310), state: 'firing for 20 s' }],
    aborts: [],
    cleanup: { returnedToHome: true, pairState: 'protected both ways', left: [] },
    findings: [
      {
        ...{ id: 'F-12', severity: 'minor', title: 'Repointing takes a third of the time.', owner: 'platform' },
        ...{ due: at(30 * 86_400), status: 'open', ticket: 'OPS-931' },
      },
    ],
    controls: [{ framework: 'SOC 2', clause: 'A1.3', text: 'The recovery procedure was tested.' }],
    ...overrides,
  };
}

/** Small enough to be recorded hundreds of times. */
export function smallContent(reportId: string, overrides: Partial<EvidenceContent> = {}): EvidenceContent {
  const rto = { phases: {}, vantagePoints: [] };
  return sampleContent({ reportId, timeline: [], exposure: [], cut: [], terms: [], rto, ...overrides });
}

function sampleTimeline(): EvidenceContent['timeline'] {
  const step = (
    name: string,
    times: readonly [number, number, number],
    more: Partial<TimelineEntry> = {},
  ): TimelineEntry => ({
    ...{ step: name, plannedMs: times[0] * 1_000, startedAt: at(times[1]), endedAt: at(times[2]) },
    ...{ actor: 'controller of site a', result: 'done', ...more },
  });
  return [
    step('look both ways', [10, 0, 8]),
    step('baseline', [240, 8, 300]),
    step('switchover to b', [6, 300, 304.2]),
    step('fencing', [1, 300, 300.9], { within: 'switchover to b' }),
    step('draining', [1, 300.9, 301.21], { within: 'switchover to b' }),
    step('settling', [1, 301.21, 302], { within: 'switchover to b' }),
    step('promoting', [1, 302, 302.64], { within: 'switchover to b' }),
    step('granting and telling everybody about it', [0.5, 302.64, 303.2], { within: 'switchover to b' }),
    step('repointing', [1.5, 303.2, 304.2], { within: 'switchover to b', note: 'one hook' }),
    step('hold', [900, 304.2, 1_204.2]),
    step('switchover home', [6, 1_204.2, 1_211.9]),
    step('fencing', [1, 1_204.2, 1_208.8], { within: 'switchover home' }),
    step('promoting', [2, 1_208.8, 1_210.1], { within: 'switchover home' }),
    step('repointing', [2, 1_210.1, 1_211.9], {
      within: 'switchover home',
      result: 'failed',
      note: 'DNS did not answer',
    }),
    step('prove', [120, 1_211.9, 1_500]),
  ];
}

function sampleVantagePoints(): EvidenceContent['rto']['vantagePoints'] {
  const acks = (seed: number, from: number, gap: readonly [number, number]) =>
    Array.from({ length: 240 }, (_, index) => ({ at: at(from + index * 0.05), ms: 4 + ((index * seed) % 7) })).filter(
      ({ at: time }) => time <= at(gap[0]) || time >= at(gap[1]),
    );
  return [
    {
      ...{ name: 'a', link: 'a-b', writeGapMs: 3_420, writeGapFrom: at(300.05), readGapMs: 3_610 },
      acks: acks(3, 297, [300.05, 303.47]),
    },
    {
      ...{ name: 'outside, at an office', link: 'a-b', writeGapMs: 3_870, writeGapFrom: at(300) },
      acks: acks(5, 297.02, [300, 303.87]),
    },
  ];
}

function sampleExposure(): EvidenceContent['exposure'] {
  return Array.from({ length: 3_000 }, (_, index) => {
    const second = Math.floor(index / 2) * 1;
    const silent = second >= 300 && second < 306;
    const wave = 0.3 + 0.2 * Math.sin(second / 40) + (index % 2) * 0.35;
    return {
      ...{
        at: at(second),
        link: index % 2 === 0 ? 'a-b' : 'b-a',
        seconds: Number((silent ? second - 299 : wave).toFixed(3)),
      },
      basis: silent ? ('estimated' as const) : second > 1_450 ? ('stale' as const) : ('measured' as const),
    };
  });
}

/** A store whose files are a map, which a test may change as it likes. */
export function memoryStore(
  files: Map<string, Uint8Array> = new Map(),
): EvidenceStore & { readonly files: typeof files } {
  const problem = (code: 'DIFFERENT' | 'CHAIN_MOVED', name: string): EvidenceProblem => new EvidenceProblem(code, name);
  const head = (): { bytes: Uint8Array; tag: string } | undefined => {
    const bytes = files.get('head.json');
    return bytes === undefined ? undefined : { bytes, tag: sha256Of(bytes) };
  };
  return {
    ...memoryReader(files),
    files,
    put: async (name, bytes) => {
      const there = files.get(name);
      if (there !== undefined && Buffer.compare(there, bytes) !== 0) throw problem('DIFFERENT', name);
      files.set(name, bytes);
      return Promise.resolve();
    },
    readHead: () => Promise.resolve(head()),
    replaceHead: async (bytes, seen) => {
      if (head()?.tag !== seen?.tag) throw problem('CHAIN_MOVED', 'head.json');
      files.set('head.json', bytes);
      return Promise.resolve();
    },
  };
}

export function memoryReader(files: ReadonlyMap<string, Uint8Array>): EvidenceReader {
  return {
    where: (name = '') => `memory/${name}`,
    list: () => Promise.resolve([...files.keys()].toSorted()),
    read: (name) => Promise.resolve(files.get(name)),
  };
}

/** A chain of so many small documents, each with a page and a ledger. */
export async function recordedChain(
  length: number,
  key = newKey(),
): Promise<{
  readonly store: ReturnType<typeof memoryStore>;
  readonly documents: readonly EvidenceDocument[];
  readonly key: EvidenceKey;
}> {
  const store = memoryStore();
  const documents: EvidenceDocument[] = [];
  for (let index = 1; index <= length; index++) {
    const ledger = { suffix: 'ledger.ndjson', what: 'ledger', bytes: Buffer.from(`{"sequence":${index}}\n`) } as const;
    documents.push(await recordEvidence(store, { content: smallContent(`drill-${index}`), files: [ledger], key }));
  }
  return { store, documents, key };
}

/** Two years of drills: weekly canaries, monthly switchovers, with some of each verdict. */
export function sampleYears(): readonly EvidenceContent[] {
  const dayMs = 86_400_000;
  const first = Date.parse('2025-01-08T10:00:00.000Z');
  const verdicts = [
    ...(['PASSED', 'PASSED', 'PASSED', 'FAILED', 'PASSED'] as const),
    ...(['SKIPPED', 'PASSED', 'BLOCKED', 'PASSED', 'INTERRUPTED'] as const),
  ];
  const base = sampleContent();
  return Array.from({ length: 98 }, (_, week) => {
    const startedAt = new Date(first + week * 7 * dayMs).toISOString();
    const verdict = verdicts[(week * 3) % verdicts.length] ?? 'PASSED';
    const monthly = week % 4 === 0;
    const lost = verdict === 'FAILED' ? 3 + (week % 11) : 0;
    const ran = verdict === 'PASSED' || verdict === 'FAILED';
    const slow = 1 + ((week * 7) % 5) / 4;
    const phases = { fence: 900 * slow, drain: 310, promote: 640 * slow, repoint: 1_020, firstAck: 550 };
    const totalMs = Object.values(phases).reduce((sum, ms) => sum + ms, 0);
    return {
      ...base,
      ...{
        reportId: `d${startedAt.slice(0, 10)}-${monthly ? 'monthly' : 'weekly'}`,
        startedAt,
        endedAt: startedAt,
        verdict,
      },
      ...{ level: monthly ? 'L4' : 'L2', drill: monthly ? 'orders-monthly' : 'canary-weekly', exposure: [] },
      objectives: { ...base.objectives, rtoMs: 4_000 },
      rto: ran ? { totalMs, phases, vantagePoints: [] } : { phases: {}, vantagePoints: [] },
      rpo: { ...base.rpo, measured: { records: lost, seconds: 0 }, basis: ran ? 'ledger' : 'none' },
    };
  });
}
