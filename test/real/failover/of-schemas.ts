import { expect, test } from 'vitest';
import { sites } from '../../../src/pair/site.ts';
import { lostTail } from '../../../src/schema-primary/lost-tail.ts';
import { schemasTopic } from '../../../src/schema-primary/schema-primary.ts';
import type { MoveRequestInput } from '../../../src/worker/moves/operation-view.ts';
import { createTopic, kafkajs, logEnds } from '../../fixtures/kafkajs.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import {
  createSchemasTopic,
  grantRegistry,
  namedSchema,
  readRegistry,
  register,
  registryRecord as record,
} from '../../fixtures/registry-log.ts';
import { eventually } from '../../fixtures/wait.ts';

/** Registers the test; the schemas are primary at b behind it. */
export function ofSchemas(moving: MovingSites): void {
  test('with the log of a registry its role moves, and ids of registrations that were lost are never given out again', async () => {
    const { clusters, pair } = moving;
    const [a, b] = [clusters.a.connection('app'), clusters.b.connection('app')];
    await grantRegistry(clusters.a.connection('admin'), 'User:app', 'primary');
    await grantRegistry(clusters.b.connection('admin'), 'User:app', 'standby');
    await createSchemasTopic(clusters.a.connection('admin'));
    await createTopic(a, 'a_events');
    const registries = { a: kafkajs(a).producer(), b: kafkajs(b).producer() };
    await Promise.all([registries.a.connect(), registries.b.connect()]);
    try {
      await register(registries.a, record.schema('orders', 1, 1), record.schema(':.x:orders', 1, 7));
      const level = await eventually('the copy of the schemas is level', async () => {
        const [link] = await pair.api.b.schemas();
        if (link?.kind !== 'watched') return undefined;
        return link.comparison.verdict === 'equal' && link.sites.b.counts.ids === 2 ? link : undefined;
      });
      expect(level.primarySite).toBe('a');
      for (const site of sites) {
        const turned = pair.api[site].putSchemaPrimary({ site: 'b' });
        await expect(turned).rejects.toMatchObject({ code: 'SCHEMAS_FOLLOW' });
      }
      await eventually('WRITE on the schemas is withheld', async () => {
        const [link] = (await pair.api.b.acls()).links;
        const withheld = link !== undefined && 'withheld' in link ? JSON.stringify(link.withheld) : '';
        return withheld.includes(schemasTopic) || undefined;
      });

      // Registered, used by a record that arrives, and lost.
      await pair.api.b.pauseTopic(schemasTopic);
      await register(registries.a, record.schema('orders', 2, 2), record.schema('orders', 3, 3));
      const events = kafkajs(a).producer();
      await events.connect();
      await events.send({ topic: 'a_events', messages: [{ value: namedSchema(3) }] });
      await events.disconnect();
      await pair.level('a_events');

      const request: MoveRequestInput = { kind: 'failover', topics: [schemasTopic], includeUnready: true };
      const plan = await pair.api.b.planMove(request);
      expect(plan).toMatchObject({ blockers: [], topics: [{ name: schemasTopic, term: 1 }] });
      expect(plan.warnings.map(({ code }) => code)).toContain('SCHEMAS_MOVE');
      const { id } = await pair.api.b.beginMove(request, plan.hash);
      await pair.kill('b');
      await pair.start('b');
      await eventually(
        `${id} is over`,
        async () => (await pair.api.b.operation(id)).step.kind === 'done' || undefined,
        60_000,
      );

      await expect(register(registries.a, record.schema('orders', 4, 4))).rejects.toThrow(/authorized/i);
      const [old, now] = [await readRegistry(a), await readRegistry(b)];
      expect(now.ids.contexts()).toEqual([
        { context: '.', ids: 2, highest: 1003, highestSeen: 1003 },
        { context: '.x', ids: 2, highest: 1007, highestSeen: 1007 },
      ]);
      const markers = [...now.records.values()].filter(({ key }) => key.label.includes('umbra-id-leap'));
      expect(markers.map(({ offset, entry }) => [offset, entry.kind === 'schema' && entry.deleted])).toEqual([
        [2n, true],
        [3n, true],
      ]);
      const nextId = now.ids.highestSeen + 1;
      await register(registries.b, record.schema('orders', 2, nextId));
      const { collisions, gaps, versions } = lostTail({ old, now: await readRegistry(b), cut: 2n });
      expect(collisions).toEqual([]);
      expect(gaps.map((gap) => gap.id)).toEqual([2, 3]);
      expect(versions.map(({ subject, version }) => [subject, version])).toEqual([['orders', 2]]);

      // The role stands against every declaration, and both sites say so.
      for (const site of sites) {
        await pair.api[site].putSchemaPrimary({ site: 'a' });
        await eventually(`site ${site} says who registers`, async () => {
          const [link] = await pair.api[site].schemas();
          return link?.kind === 'watched' && link.primarySite === 'b' ? true : undefined;
        });
      }
      await eventually('what the old side registered after the cut is listed', async () => {
        const [link] = await pair.api.b.schemas();
        if (link?.kind !== 'watched' || link.lost === undefined) return undefined;
        return (link.lost.gaps.total === 2 && link.lost.collisions.total === 0) || undefined;
      });
      await expect(pair.api.a.putSchemaPrimary({ site: 'b' })).rejects.toMatchObject({ code: 'SCHEMAS_FOLLOW' });
      // Both controllers have looked at the topics since: nothing flows, either way.
      expect(await logEnds(a, schemasTopic)).toEqual([4n]);
      expect(await logEnds(b, schemasTopic)).toEqual([5n]);
    } finally {
      await Promise.all([registries.a.disconnect(), registries.b.disconnect()]);
    }
  }, 180_000);
}
