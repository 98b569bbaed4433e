import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChangeIntent, UmbraEvent } from '../../../src/worker/events/event.ts';
import { EventJournal, eventsKeptMax, type JournalMemory } from '../../../src/worker/events/event-journal.ts';
import { Problem } from '../../../src/worker/problems.ts';
import { eventually } from '../../fixtures/wait.ts';

/** The state topic as the journal sees it: what is written is there, all or none, unless it is told to refuse. */
class Memory implements JournalMemory {
  readonly kept = new Map<string, string>();
  refuses: Error | undefined;

  entries(): ReadonlyMap<string, string> {
    return new Map(this.kept);
  }

  write(entries: ReadonlyMap<string, object | undefined>): Promise<void> {
    if (this.refuses !== undefined) return Promise.reject(this.refuses);
    for (const [key, value] of entries) {
      if (value === undefined) this.kept.delete(key);
      else this.kept.set(key, JSON.stringify(value));
    }
    return Promise.resolve();
  }
}

const intent: Omit<ChangeIntent, 'begunAt'> = {
  ...{ who: 'ops', address: '127.0.0.1', method: 'PUT', path: '/v1/spec/links/a-b', subject: 'link a-b' },
};
const open: EventJournal[] = [];
const lines: string[] = [];

function journal(memory: Memory): EventJournal {
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  const opened = new EventJournal({ memory, now: () => new Date(), logger });
  open.push(opened);
  return opened;
}

afterEach(async () => {
  lines.splice(0);
  await Promise.all(open.splice(0).map((each) => each.stop()));
});

function all(of: EventJournal): readonly UmbraEvent[] {
  return of.view({ limit: eventsKeptMax }).events;
}

function ids(of: EventJournal, after?: number, limit = eventsKeptMax): readonly number[] {
  return of.view({ after, limit }).events.map(({ id }) => id);
}

async function changed(by: EventJournal, subject = 'link a-b'): Promise<void> {
  await (await by.begin({ ...intent, subject })).end({ outcome: 'done', status: 200 });
}

describe('a change', () => {
  test('is written down before it is done, and its event takes the place of the intent', async () => {
    const memory = new Memory();
    const events = journal(memory);
    const inHand = await events.begin(intent);
    expect([...memory.kept.keys()]).toEqual(['event/intent/1']);
    expect(all(events)).toEqual([]);
    await inHand.end({ outcome: 'refused', status: 409, code: 'LINK_FOLLOWS' });
    expect([...memory.kept.keys()]).toEqual(['event/change/0']);
    expect(all(events)).toMatchObject([{ ...intent, id: 1, type: 'change', outcome: 'refused', code: 'LINK_FOLLOWS' }]);
  });

  test('that cannot be written down is not done', async () => {
    const memory = new Memory();
    memory.refuses = new Error('no leader');
    const refusal: unknown = await journal(memory)
      .begin(intent)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(/nothing.*no leader/) as string,
    });
  });

  test('that is done stays done when its end cannot be written, and that is loud', async () => {
    const memory = new Memory();
    const events = journal(memory);
    const inHand = await events.begin(intent);
    memory.refuses = new Error('fenced');
    await inHand.end({ outcome: 'done', status: 204 });
    expect(lines.find((line) => line.includes('"level":50'))).toContain('link a-b');
    expect([...memory.kept.keys()]).toEqual(['event/intent/1']);
  });

  test('in the middle of which the worker stopped is told by the next one that leads: nobody knows what became of it', async () => {
    const memory = new Memory();
    const before = journal(memory);
    await changed(before);
    await before.begin({ ...intent, subject: 'deletion of link a-b' });
    const next = journal(memory);
    await eventually('the intent was settled', () => (all(next).length === 2 ? true : undefined));
    expect(all(next)[1]).toMatchObject({ id: 2, outcome: 'unknown', subject: 'deletion of link a-b', who: 'ops' });
    expect([...memory.kept.keys()]).toEqual(['event/change/0', 'event/change/1']);
  });
});

describe('events', () => {
  test('are what they were for the next worker that leads, and their numbers go on', async () => {
    const memory = new Memory();
    const before = journal(memory);
    await changed(before);
    before.report({ kind: 'copies made', link: 'a-b', message: 'a_orders' });
    await before.stop();
    const next = journal(memory);
    expect(all(next)).toEqual(all(before));
    await changed(next, 'schema primary: site b');
    expect(ids(next)).toEqual([1, 2, 3]);
    expect(all(next)[1]).toMatchObject({ type: 'system', kind: 'copies made', level: 'info', message: 'a_orders' });
  });

  test('are read on from the last one that was seen', async () => {
    const events = journal(new Memory());
    for (let n = 0; n < 10; n++) await changed(events);
    expect(ids(events, undefined, 3)).toEqual([8, 9, 10]);
    expect(ids(events, 4, 3)).toEqual([5, 6, 7]);
    expect(ids(events, 10)).toEqual([]);
    expect(events.view({ after: 0, limit: 1 })).toMatchObject({ newest: 10, missed: false });
  });

  test('are bounded in the topic as in memory, and it is said when some may have been missed', async () => {
    const memory = new Memory();
    const events = journal(memory);
    for (let n = 0; n < eventsKeptMax + 5; n++) await changed(events, `change ${n}`);
    expect(memory.kept.size).toBe(eventsKeptMax);
    for (const each of [events, journal(memory)]) {
      expect(ids(each)).toEqual(Array.from({ length: eventsKeptMax }, (_, index) => index + 6));
      expect(each.view({ after: 4, limit: 1 }).missed).toBe(true);
      expect(each.view({ after: 5, limit: 1 }).missed).toBe(false);
    }
    await changed(journal(memory), 'one more');
    expect(memory.kept.size).toBe(eventsKeptMax);
    expect(ids(journal(memory))[0]).toBe(7);
  });

  test('of umbra push out nothing of what people did, and a flood of them is counted', async () => {
    const memory = new Memory();
    const events = journal(memory);
    await changed(events);
    for (let n = 0; n < 700; n++) events.report({ kind: 'configs synced', link: 'a-b', message: `topic ${n}` });
    const last = await eventually('the flood was told', () => {
      const found = all(events).at(-1);
      return found?.type === 'system' && found.kind === 'events left out' ? found : undefined;
    });
    expect(last.message).toMatch(/^200 more events/);
    expect(all(events)[0]).toMatchObject({ type: 'change', id: 1 });
    expect(all(events)).toHaveLength(502);
  });

  test('that somebody else wrote are left out and named', () => {
    const memory = new Memory();
    memory.kept.set('event/system/0', '{"id":1,"kind":"of another version"}');
    memory.kept.set('event/system/1', 'rubbish');
    expect(all(journal(memory))).toEqual([]);
    expect(lines.filter((line) => line.includes('event/system/'))).toHaveLength(2);
  });
});
