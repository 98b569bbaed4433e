import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ParsedEntries } from '../../src/worker/state/parsed-entries.ts';

const schema = z.object({ names: z.array(z.string()), at: z.object({ offset: z.coerce.bigint() }) });
const one = '{"names":["x"],"at":{"offset":"1"}}';
const two = '{"names":["y"],"at":{"offset":"2"}}';

describe('parsed entries', () => {
  test('the same object as long as the entry says the same, and another one behind that', () => {
    const entries = new Map([['role/t', one]]);
    const parsed = new ParsedEntries(entries);
    const first = parsed.read('role/t', schema);
    expect(first).toEqual({ names: ['x'], at: { offset: 1n } });
    expect(parsed.read('role/t', schema)).toBe(first);
    expect(parsed.all('role/', schema)[0]).toBe(first);
    entries.set('role/t', two);
    expect(parsed.read('role/t', schema)).toEqual({ names: ['y'], at: { offset: 2n } });
    entries.delete('role/t');
    expect(parsed.read('role/t', schema)).toBeUndefined();
    expect(parsed.all('role/', schema)).toEqual([]);
    entries.set('role/t', one);
    expect(parsed.read('role/t', schema)).toEqual(first);
  });

  test('nobody can change what others are given', () => {
    const read = new ParsedEntries(new Map([['role/t', one]])).read('role/t', schema);
    expect(() => read?.names.push('z')).toThrow(TypeError);
    expect(() => {
      if (read !== undefined) read.at.offset = 2n;
    }).toThrow(TypeError);
  });

  test('what another schema reads from the same entry is its own', () => {
    const parsed = new ParsedEntries(new Map([['role/t', one]]));
    parsed.read('role/t', schema);
    expect(parsed.read('role/t', z.object({ names: z.array(z.string()) }))).toEqual({ names: ['x'] });
    expect(parsed.read('role/t', schema)).toEqual({ names: ['x'], at: { offset: 1n } });
  });

  test('an entry that does not fit is named, each time', () => {
    const entries = new Map([['role/t', '{"names":[]}']]);
    const parsed = new ParsedEntries(entries);
    for (let time = 0; time < 2; time++)
      expect(() => parsed.read('role/t', schema)).toThrow(
        /^the entry role\/t of _umbra was written by another version/,
      );
    entries.set('role/t', one);
    expect(parsed.read('role/t', schema)?.names).toEqual(['x']);
  });

  test('keys that come and go for good are not kept', () => {
    const entries = new Map<string, string>([['stays', one]]);
    const parsed = new ParsedEntries(entries);
    const stays = parsed.read('stays', schema);
    for (let number = 0; number < 1_000; number++) {
      entries.set(`run/${number}`, one);
      parsed.read(`run/${number}`, schema);
      entries.delete(`run/${number}`);
    }
    expect(parsed.read('stays', schema)).toBe(stays);
    expect(parsed.kept).toBeLessThanOrEqual(2 * (entries.size + 1));
  });
});
