import { expect, test } from 'vitest';
import { proveSchemas, type SchemasProof } from '../../../src/sync/schemas/prove-schemas.ts';
import { schemaRecord, tombstone } from '../../schema-primary/schema-log.ts';
import { MemoryLog } from './memory-log.ts';

const prove = (primary: MemoryLog, standby: MemoryLog): Promise<SchemasProof> =>
  proveSchemas({ primary, standby }, new AbortController().signal);

const orders = schemaRecord('orders', 1, { id: 1 });

test('a copy of everything is equal, also where the cleaner has been through the log of the primary', async () => {
  const primary = new MemoryLog().append(orders, schemaRecord('orders', 2, { id: 2 }), tombstone('orders', 1));
  const standby = new MemoryLog().copy(primary);
  expect(await prove(primary, standby)).toMatchObject({ kind: 'equal' });
  primary.clean();
  expect(await prove(primary, standby)).toMatchObject({ kind: 'equal' });
});

test('what the copy lacks, has besides or has otherwise is named', async () => {
  const primary = new MemoryLog().append(orders, schemaRecord('orders', 2, { id: 2 }));
  const behind = new MemoryLog().copy(primary, 1n);
  expect(await prove(primary, behind)).toEqual({ kind: 'different', why: 'the copy of _schemas lacks 1 of its keys' });
  const more = new MemoryLog().copy(primary).append(schemaRecord('mine', 1, { id: 3 }));
  expect(await prove(primary, more)).toMatchObject({
    why: expect.stringContaining('somebody wrote to the copy') as string,
  });
  const other = new MemoryLog().append(orders, schemaRecord('orders', 2, { id: 2, schema: '"another"' }));
  expect(await prove(primary, other)).toEqual({
    kind: 'different',
    why: 'the id 2 of subject "orders" version 2 stands for another schema in the copy',
  });
});

test('a log that cannot be read proves nothing', async () => {
  const [primary, standby] = [new MemoryLog().append(orders), new MemoryLog().append(orders)];
  primary.unreachable = true;
  await expect(prove(primary, standby)).rejects.toThrow('nobody answers');
  standby.exists = false;
  await expect(prove(primary, standby)).rejects.toThrow('_schemas is not there');
});
