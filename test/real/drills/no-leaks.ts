import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canaryTopicOf } from '../../../src/canary/canary-topic.ts';
import { evidenceVerdictSchema } from '../../../src/cli/evidence-text.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { EvidenceDocument } from '../../../src/evidence/document.ts';
import { renderTrendPage } from '../../../src/evidence/page/trend.ts';
import { openEvidenceStore } from '../../../src/evidence/place.ts';
import { readDocuments } from '../../../src/evidence/read-documents.ts';
import { operationsKeptMax } from '../../../src/worker/state/operation-memory.ts';
import { eventsKeptMax } from '../../../src/worker/events/event-journal.ts';
import { pastRunsMax } from '../../../src/worker/state/drill-memory.ts';
import { type SiteId, sites } from '../../../src/pair/site.ts';
import { AskedRequests } from '../../fixtures/asked-requests.ts';
import { testOwners } from '../../fixtures/brokers.ts';
import { atRest, begun, canariesMade, ended, quick } from '../../fixtures/drilled.ts';
import { liveMemoryOf } from '../../fixtures/live-memory.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { eventually } from '../../fixtures/wait.ts';
import { bytesIn, figuresOf, keysByKind, remainsAt, type SiteRemains } from '../../fixtures/site-remains.ts';

/** `UMBRA_DRILLS=long`: as many as docs/proofs.md speaks of. */
const many = process.env['UMBRA_DRILLS'] === 'long' ? 50 : 2;
const drillMsMax = 60_000;
const mebibyte = 1 << 20;
/** By what live memory may grow: histories and compiled code do, up to their bounds. 5 MiB in fifty drills. */
const liveSlackBytes = 16 * mebibyte;
/** By what resident memory may grow, both times just after the collector has run. 8 MiB in fifty drills. */
const rssSlackBytes = 48 * mebibyte;
const filesSlack = 8;
/** Of both vantages, each by default. */
const ledgerBytesMax = 2 * 64 * mebibyte;

/** What grows with use and ends at a bound of its own, by kind of key. */
const bounded: Readonly<Record<string, number>> = {
  'drill/past': pastRunsMax,
  operation: operationsKeptMax,
  'operation-topics': operationsKeptMax,
  part: operationsKeptMax,
  'event/change': eventsKeptMax,
  'event/system': eventsKeptMax,
};

interface Sample {
  /** Of objects and buffers in use. */
  readonly liveBytes: number;
  readonly rssBytes: number;
  readonly files: number;
}

/** Registers the test. `folder` is the one of `drillsIn`. */
export function noLeaks(moving: MovingSites, folder: string): void {
  const spec = { ...quick, name: 'many', baseline: '0s', hold: '0s' } as const;

  async function passes(): Promise<number> {
    const api = moving.pair.api.b;
    const run = await ended(api, await begun(api, spec));
    expect(run).toMatchObject({ verdict: 'PASSED', reasons: [], rpoRecords: 0 });
    if (run.rtoMs === undefined) throw new Error(`${run.id} has no time to recover`);
    return run.rtoMs;
  }

  async function remains(): Promise<Readonly<Record<SiteId, SiteRemains>>> {
    await atRest(moving);
    await canariesMade(moving);
    const { a, b } = moving.clusters;
    return eventually('what is noted of copies stands there', async () => {
      const found = { a: await remainsAt(a), b: await remainsAt(b) };
      return sites.every((site) => hasNoted(site, found[site])) ? found : undefined;
    });
  }

  async function samples(): Promise<Readonly<Record<SiteId, Sample>>> {
    const of = async (site: SiteId): Promise<Sample> => {
      const pid = await moving.pair.pid(site);
      const { heapBytes, bufferBytes } = await liveMemoryOf(pid);
      return { liveBytes: heapBytes + bufferBytes, ...(await figuresOf(pid)) };
    };
    return { a: await of('a'), b: await of('b') };
  }

  test(
    `after ${many} canary drills nothing is left but their history, and every one is in one intact chain`,
    async () => {
      await canariesMade(moving);
      const recorded = (await documentsIn(folder)).length;
      await passes();
      const before = await remains();
      const asked = new AskedRequests();
      moving.between.a.set({ onRequest: asked.onRequest });
      const seen: Readonly<Record<SiteId, Sample>>[] = [];
      const times: number[] = [];
      for (let number = 1; number <= many; number++) {
        times.push(await passes());
        seen.push(await samples());
      }
      moving.between.a.set({});
      const after = await remains();
      // A watch ends when there is news, and who is told reads them: one that does not would be told again and again.
      expect(asked.watches, 'watches of site a by the worker of b').toBeGreaterThan(0);
      expect(asked.watches).toBeLessThan(asked.reads);
      for (const site of sites) {
        nothingIsLeft(site, { before: before[site], after: after[site] });
        nothingGrows(
          site,
          seen.map((each) => each[site]),
        );
      }
      const ledgerBytes = await bytesIn(join(folder, 'ledger'));
      expect(ledgerBytes).toBeLessThan(ledgerBytesMax);
      await evidenceHolds(folder, recorded + many + 1);
      const median = times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? 0;
      process.stdout.write(`site a was asked: ${asked.watches} watches, ${asked.reads} reads\n`);
      process.stdout.write(
        `${many} drills: median RTO ${median} ms, ledgers ${(ledgerBytes / mebibyte).toFixed(1)} MiB\n`,
      );
    },
    (many + 2) * drillMsMax + 120_000,
  );
}

/** Of its copies of canaries: a site notes that they were level, and what their sources wish, a moment after it has them. */
function hasNoted(site: SiteId, { topics, keys }: SiteRemains): boolean {
  const copies = topics.filter((name) => (canaryTopicOf(name, testOwners)?.home ?? site) !== site);
  return (
    copies.length === 1 && copies.every((name) => keys.includes(`level/${name}`) && keys.includes(`config/${name}`))
  );
}

function nothingIsLeft(
  site: SiteId,
  { before, after }: { readonly before: SiteRemains; readonly after: SiteRemains },
): void {
  const isCanary = (name: string): boolean => canaryTopicOf(name, testOwners) !== undefined;
  const others = (names: readonly string[]): readonly string[] => names.filter((name) => !isCanary(name));
  const canaries = after.topics.filter(isCanary);
  expect(others(after.topics), `topics of site ${site}`).toEqual(others(before.topics));
  expect(
    canaries.map((name) => canaryTopicOf(name, testOwners)?.home),
    `homes of the canary topics of site ${site}`,
  ).toEqual(sites);
  for (const name of canaries) expect(before.topics, `it is a new generation`).not.toContain(name);
  expect(after.acls, `ACLs of site ${site}`).toEqual(before.acls);
  expect(after.groups, `groups of site ${site}`).toEqual(before.groups);
  const named = after.keys.filter((key) => /umbra-canary-\d{6}/.test(key));
  const retired = named.filter((key) => !canaries.some((name) => key.includes(name)));
  expect(retired, `keys of _umbra of site ${site} that name retired topics`).toEqual([]);
  const had = keysByKind(before.keys);
  for (const [kind, count] of keysByKind(after.keys)) {
    const most = bounded[kind] ?? had.get(kind) ?? 0;
    expect(count, `keys ${kind} of _umbra of site ${site}`).toBeLessThanOrEqual(most);
  }
}

/** The last third against the first one. */
function nothingGrows(site: SiteId, samples: readonly Sample[]): void {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (of: readonly Sample[], figure: (sample: Sample) => number): number =>
    of.reduce((sum, sample) => sum + figure(sample), 0) / of.length;
  const growth = (figure: (sample: Sample) => number): number =>
    mean(samples.slice(-third), figure) - mean(samples.slice(0, third), figure);
  const inMebibytes = (figure: (sample: Sample) => number): string =>
    samples.map((sample) => Math.round(figure(sample) / mebibyte)).join(' ');
  const files = samples.map((sample) => sample.files).join(' ');
  const live = inMebibytes(({ liveBytes }) => liveBytes);
  const rss = inMebibytes(({ rssBytes }) => rssBytes);
  process.stdout.write(`worker ${site}: live ${live} MiB; RSS ${rss} MiB; open files ${files}\n`);
  expect(
    growth(({ liveBytes }) => liveBytes),
    `live memory of worker ${site}`,
  ).toBeLessThan(liveSlackBytes);
  expect(
    growth(({ rssBytes }) => rssBytes),
    `resident memory of worker ${site}`,
  ).toBeLessThan(rssSlackBytes);
  expect(
    growth((sample) => sample.files),
    `open files of worker ${site}`,
  ).toBeLessThan(filesSlack);
}

async function evidenceHolds(folder: string, documents: number): Promise<void> {
  const place = join(folder, 'evidence');
  const out: string[] = [];
  const io = { out: (line: string) => void out.push(line), err: () => undefined, colour: false, cwd: folder, env: {} };
  const signal = new AbortController().signal;
  expect(await runCli(['evidence', 'verify', '--from', place, '--json'], io, signal)).toBe(0);
  const { chains } = evidenceVerdictSchema.parse(JSON.parse(out.join('\n')));
  expect(chains).toMatchObject([{ chain: 'test/b', documents, problems: [] }]);
  const contents = await documentsIn(folder);
  expect(contents.map(({ verdict }) => verdict)).toEqual(Array.from({ length: documents }, () => 'PASSED'));
  expect(renderTrendPage(contents)).toContain(`of ${documents} drills`);
}

async function documentsIn(folder: string): Promise<readonly EvidenceDocument[]> {
  const place = { kind: 'folder', path: join(folder, 'evidence') } as const;
  const read = await readDocuments(openEvidenceStore(place, { pair: 'test', site: 'b' }));
  return read.flatMap((each) => (each.kind === 'document' ? [each.document] : []));
}
