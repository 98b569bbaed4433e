import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { LinkSpec } from '../../src/pair/spec.ts';
import { claimSite, recordedSite, whyForeign } from '../../src/worker/state/site-record.ts';
import type { ShadowRecord, SiteState, StateSection } from '../../src/worker/state/state.ts';

interface Written {
  links?: readonly LinkSpec[];
  shadows?: readonly ShadowRecord[];
}

function stateWith({ links = [], shadows = [] }: Written = {}): Pick<SiteState, 'section' | 'links' | 'shadows'> {
  const records = new Map<string, string>();
  return {
    links: () => links,
    shadows: () => shadows,
    section: <T extends object>(prefix: string, schema: z.ZodType<T>): StateSection<T> => ({
      all: () => [...records.values()].map((text) => schema.parse(JSON.parse(text))),
      write: (entries) => {
        for (const [key, value] of entries) records.set(prefix + key, JSON.stringify(value));
        return Promise.resolve();
      },
    }),
  };
}

const never = new AbortController().signal;

test('whoever leads first writes down which site the cluster is; the other site is refused from then on', async () => {
  const state = stateWith();
  expect(recordedSite(state)).toBeUndefined();
  await claimSite(state, 'a', never);
  await claimSite(state, 'a', never);
  expect(recordedSite(state)).toBe('a');
  await expect(claimSite(state, 'b', never)).rejects.toThrow(
    'the cluster given as site b is site a (_umbra there says so): are the sites swapped? Give each site its own cluster back',
  );
  expect(recordedSite(state)).toBe('a');
});

test('what an older version wrote tells it too: its link, or its copies', async () => {
  const copy: ShadowRecord = {
    ...{ topic: 'a_x', link: 'a-b', sourceTopicId: 's', faults: [] },
    state: { kind: 'creating' },
  };
  expect(recordedSite(stateWith({ links: [{ from: 'a', to: 'b' }] }))).toBe('b');
  const copies = stateWith({ shadows: [copy] });
  expect(recordedSite(copies)).toBe('b');
  await expect(claimSite(copies, 'a', never)).rejects.toThrow(/is site b/);
});

test('a cluster that nobody has led at may be any site', () => {
  expect(whyForeign(undefined, 'a')).toBeUndefined();
  expect(whyForeign('a', 'a')).toBeUndefined();
});
