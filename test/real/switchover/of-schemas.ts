import { expect, test } from 'vitest';
import { otherSite, type SiteId, sites } from '../../../src/pair/site.ts';
import { schemasTopic } from '../../../src/schema-primary/schema-primary.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import { kafkajs } from '../../fixtures/kafkajs.ts';
import { move } from '../../fixtures/moves.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import {
  createSchemasTopic,
  grantRegistry,
  readRegistry,
  register,
  registryRecord as record,
} from '../../fixtures/registry-log.ts';
import { eventually } from '../../fixtures/wait.ts';

/** Registers the test; the schemas are home again behind it. */
export function ofSchemas(moving: MovingSites): void {
  test('the schema primary is handed over and back: one registers at a time, no id is skipped or given twice', async () => {
    const { clusters, pair } = moving;
    const app = { a: clusters.a.connection('app'), b: clusters.b.connection('app') };
    await grantRegistry(clusters.a.connection('admin'), 'User:app', 'primary');
    await grantRegistry(clusters.b.connection('admin'), 'User:app', 'standby');
    await createSchemasTopic(clusters.a.connection('admin'));
    const registries = { a: kafkajs(app.a).producer(), b: kafkajs(app.b).producer() };
    await Promise.all([registries.a.connect(), registries.b.connect()]);
    const level = (primary: SiteId, ids: number): Promise<true> =>
      eventually(`both logs have ${ids} ids, site ${primary} registers`, async () => {
        const [link] = await pair.api.b.schemas();
        if (link?.kind !== 'watched' || link.comparison.verdict !== 'equal') return undefined;
        const { state } = await pair.api[otherSite(primary)].topic(schemasTopic);
        return (link.primarySite === primary && link.sites.a.counts.ids === ids && state === 'following') || undefined;
      });
    const refused = (site: SiteId, id: number): Promise<void> =>
      expect(register(registries[site], record.schema('refused', 1, id))).rejects.toThrow(/authorized/i);
    const request: MoveRequestInput = { kind: 'switchover', topics: [schemasTopic] };
    try {
      await register(registries.a, record.schema('orders', 1, 1), record.schema('orders', 2, 2));
      await level('a', 2);
      expect((await move(pair.api.b, request)).operation.step).toEqual({ kind: 'done', remarks: [] });
      await refused('a', 3);
      await register(registries.b, record.schema('orders', 3, 3));
      await level('b', 3);
      expect((await move(pair.api.a, request)).operation.step).toEqual({ kind: 'done', remarks: [] });
      await refused('b', 4);
      await register(registries.a, record.schema('orders', 4, 4));
      await level('a', 4);
      for (const site of sites) {
        const { ids } = await readRegistry(app[site]);
        expect(ids.contexts()).toEqual([{ context: '.', ids: 4, highest: 4, highestSeen: 4 }]);
        expect(ids.collisions).toEqual([]);
      }
    } finally {
      await Promise.all([registries.a.disconnect(), registries.b.disconnect()]);
    }
  }, 240_000);
}
