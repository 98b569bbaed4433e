import { describe, expect, it } from 'vitest';
import {
  directionOf,
  firstTerm,
  mayWrite,
  nextPrimary,
  type OwnedTopic,
  ownershipOf,
  type RoleRecord,
  roleRecordSchema,
  type RoleView,
  termSchema,
} from '../../src/pair/ownership.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';

const topic: OwnedTopic = { name: 'a_orders', home: 'a' };
const unread: RoleView = { kind: 'unread' };
const empty = read();

function record(term: number, primary: SiteId, home: SiteId = 'a'): RoleRecord {
  return { topic: topic.name, home, term: termSchema.parse(term), primary };
}

function read(...records: readonly RoleRecord[]): RoleView {
  return { kind: 'read', records: new Map(records.map((one) => [one.topic, one])) };
}

describe('the primary of a topic', () => {
  it('is home at term 0 while no state topic says anything', () => {
    const views = { a: empty, b: empty };
    expect(ownershipOf(topic, views)).toEqual({ kind: 'settled', primary: 'a', term: firstTerm });
    expect(directionOf(topic, views)).toEqual({ from: 'a', to: 'b' });
    expect(directionOf({ name: 'b_x', home: 'b' }, views)).toEqual({ from: 'b', to: 'a' });
  });

  it('is named by the higher term, whichever state topic shows it', () => {
    for (const views of [
      { a: read(record(1, 'b')), b: read(record(2, 'a')) },
      { a: read(record(2, 'a')), b: read(record(1, 'b')) },
    ]) {
      expect(ownershipOf(topic, views)).toEqual({ kind: 'settled', primary: 'a', term: 2 });
    }
  });

  it('is nobody when one term has two primaries: nothing flows and nobody is granted WRITE', () => {
    const views = { a: read(record(1, 'a')), b: read(record(1, 'b')) };
    expect(ownershipOf(topic, views)).toEqual({ kind: 'split', term: 1 });
    expect(directionOf(topic, views)).toBeUndefined();
    expect(sites.filter((site) => mayWrite(topic, site, views))).toEqual([]);
  });

  it('is settled again after a split by the next term', () => {
    const split = { a: read(record(1, 'a')), b: read(record(1, 'b')) };
    const next = nextPrimary(topic, 'b', split);
    expect(next).toEqual(record(2, 'b'));
    expect(ownershipOf(topic, { ...split, b: read(next) })).toEqual({ kind: 'settled', primary: 'b', term: 2 });
  });

  it('is unproven while a state topic could not be read, which is not the same as an empty one', () => {
    const views = { a: empty, b: unread };
    expect(ownershipOf(topic, views)).toEqual({ kind: 'unproven', site: 'b' });
    expect(directionOf(topic, views)).toBeUndefined();
    expect(mayWrite(topic, 'a', views)).toBe(false);
  });

  it('is nobody when a state topic knows another home than the prefixes', () => {
    const views = { a: empty, b: read(record(3, 'b', 'b')) };
    expect(ownershipOf(topic, views)).toEqual({ kind: 'misfiled', site: 'b', recordedHome: 'b' });
    expect(directionOf(topic, views)).toBeUndefined();
  });

  it('sends nothing while its own state topic still shows the topic as a copy', () => {
    const views = { a: read(record(1, 'b')), b: read(record(2, 'a')) };
    expect(ownershipOf(topic, views)).toMatchObject({ kind: 'settled', primary: 'a' });
    expect(directionOf(topic, views)).toBeUndefined();
    expect(mayWrite(topic, 'a', views)).toBe(false);
  });

  it('reverses the direction once the other site was promoted, though the old primary has not heard of it', () => {
    const before = { a: empty, b: empty };
    const after = { ...before, b: read(nextPrimary(topic, 'b', before)) };
    expect(directionOf(topic, after)).toEqual({ from: 'b', to: 'a' });
    expect(sites.filter((site) => mayWrite(topic, site, after))).toEqual(['b']);
  });
});

describe('the next term', () => {
  it('is one above all that is known, even when one side cannot be read', () => {
    expect(nextPrimary(topic, 'b', { a: empty, b: empty }).term).toBe(1);
    expect(nextPrimary(topic, 'b', { a: read(record(4, 'a')), b: read(record(3, 'b')) }).term).toBe(5);
    expect(nextPrimary(topic, 'b', { a: unread, b: read(record(3, 'a')) }).term).toBe(4);
  });
});

describe('a role record', () => {
  it('is refused with a moved primary at term 0', () => {
    expect(
      roleRecordSchema.safeParse({ topic: 'a_x', home: 'a', term: 0, primary: 'b' }).error?.issues[0]?.path,
    ).toEqual(['primary']);
    expect(roleRecordSchema.safeParse({ topic: 'a_x', home: 'a', term: 0, primary: 'a' }).success).toBe(true);
    expect(roleRecordSchema.safeParse({ topic: 'a_x', home: 'a', term: 1, primary: 'b' }).success).toBe(true);
  });

  it('is refused with a term that is negative or no whole number', () => {
    for (const term of [-1, 0.5, '1', Number.NaN]) expect(termSchema.safeParse(term).success).toBe(false);
  });
});
