import { expect, test } from 'vitest';
import { type GroupMembers } from '../../../src/kafka/group-members.ts';
import { registryMembers } from '../../../src/sync/schemas/registry-group.ts';

const member = (
  memberId: string,
  port: number,
  eligible: boolean,
  master: string,
): GroupMembers['members'][number] => ({
  memberId,
  clientHost: '/127.0.0.1',
  metadata: Buffer.from(JSON.stringify({ version: 1, host: 'r', port, master_eligibility: eligible, scheme: 'http' })),
  assignment: Buffer.from(JSON.stringify({ version: 1, error: 0, master, master_identity: { host: 'r', port } })),
});

test('registries say in their group who may write and who does', () => {
  const members = [member('m1', 8081, true, 'm1'), member('m2', 8082, false, 'm1')];
  expect(registryMembers('g', { protocolType: 'sr', state: 'Stable', members })).toEqual({
    kind: 'members',
    group: 'g',
    members: [
      { address: 'r:8081', eligible: true, leads: true },
      { address: 'r:8082', eligible: false, leads: false },
    ],
  });
});

test('a group of another kind, one without members, and one that rebalances are told apart', () => {
  expect(registryMembers('g', { protocolType: '', state: 'Dead', members: [] })).toEqual({ kind: 'empty', group: 'g' });
  const other = { ...member('m', 1, true, 'm'), metadata: Buffer.from([0, 1]) };
  expect(registryMembers('g', { protocolType: 'consumer', state: 'Stable', members: [other] })).toMatchObject({
    kind: 'unread',
    why: 'it is a group of consumer, not of a schema registry',
  });
  expect(registryMembers('g', { protocolType: 'sr', state: 'PreparingRebalance', members: [other] })).toMatchObject({
    kind: 'unread',
  });
});
