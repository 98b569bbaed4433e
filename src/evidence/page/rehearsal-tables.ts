import type { EvidenceContent } from '../document.ts';
import { count, duration } from './figures.ts';
import { html, type Html } from './html.ts';
import { type Cell, table } from './parts.ts';

const number = 'number' as const;

/** What a rehearsal has read; nothing where there was none. */
export function rehearsalTables({ rehearsal }: EvidenceContent): readonly Html[] {
  if (rehearsal === undefined) return [];
  return [groupsTable(rehearsal), positionsTable(rehearsal), restoredTable(rehearsal), leftOutTable(rehearsal)];
}

type Rehearsal = NonNullable<EvidenceContent['rehearsal']>;

function groupsTable({ groups }: Rehearsal): Html {
  const columns = [
    { title: 'Group' },
    { title: 'Read as' },
    { title: 'Partitions', kind: number },
    { title: 'Records read', kind: number },
    { title: 'Given again after a move', kind: number },
    { title: 'To the first record', kind: number },
    { title: 'Problems and notes' },
  ];
  const rows = groups.map((each): readonly Cell[] => {
    const { group, as = 'not read', partitions, records, again, firstMs, problems, notes } = each;
    const first = firstMs === undefined ? 'nothing to read' : duration(firstMs);
    const wrong = problems.length === 0 ? undefined : html`<strong class="bad">${problems.join('; ')}</strong> `;
    const said = html`${wrong}${notes.join('; ')}`;
    return [
      group,
      as,
      count(partitions),
      count(records),
      again === undefined ? 'not known' : count(again),
      first,
      said,
    ];
  });
  return table('Groups', columns, rows);
}

function positionsTable({ groups }: Rehearsal): Html {
  const columns = [
    { title: 'Group' },
    { title: 'Partition' },
    { title: 'Goes on at', kind: number },
    { title: 'End of the copy', kind: number },
    { title: 'Given again', kind: number },
  ];
  const rows = groups.flatMap(({ group, goesOn }) =>
    goesOn.map(({ topic, partition, offset, end, again }): readonly Cell[] => {
      return [group, `${topic}/${partition}`, offset, end, again === undefined ? 'not known' : count(again)];
    }),
  );
  return table('Where groups would go on', columns, rows);
}

function restoredTable({ restored }: Rehearsal): Html {
  const rows = restored.map(({ kind, name, result, value }): readonly Cell[] => {
    return [kind, name, result === 'damaged' ? html`<strong class="bad">${result}</strong>` : result, value];
  });
  const columns = [{ title: 'What' }, { title: 'Name' }, { title: 'Result' }, { title: 'Found' }];
  return table('Read back for a restore', columns, rows);
}

function leftOutTable({ leftOut, problems }: Rehearsal): Html {
  const rows = [
    ...problems.map((problem): readonly Cell[] => ['', html`<strong class="bad">${problem}</strong>`]),
    ...leftOut.map(({ name, why }): readonly Cell[] => [name, why]),
  ];
  return table('Not read', [{ title: 'Name' }, { title: 'Why' }], rows);
}
