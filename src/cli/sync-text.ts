import type { LinkConfigsView, LinkGroupsView, LinkSchemasView } from '../worker/sync-views.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { count, duration, plural } from './quantities.ts';
import { table } from './table.ts';

type Tone = keyof Colours;

const groupTone: Readonly<Partial<Record<LinkGroupsView['groups'][number]['state'], Tone>>> = {
  level: 'good',
  behind: 'warn',
  removing: 'warn',
  refused: 'bad',
};

/** `umbra groups`: per link its groups, then what is to be known of single ones. Pure. */
export function renderGroups(links: readonly LinkGroupsView[], colours: Colours): string {
  return joined(links, 'No link syncs groups yet.', (link) => {
    const counts = Object.entries(link.counts).filter(([, number]) => number > 0);
    const parts = counts.map(([state, number]) => `${count(number)} ${state}`).join(', ');
    const read =
      link.stalenessSeconds === undefined ? 'not read yet' : `read ${duration(link.stalenessSeconds * 1_000)} ago`;
    const rows = link.groups.map((group) => [
      printable(group.group),
      colours[groupTone[group.state] ?? 'warn'](group.state),
      count(group.partitions),
      count(group.clamped.length),
      group.stalenessSeconds === undefined ? '?' : duration(group.stalenessSeconds * 1_000),
    ]);
    return [
      `${colours.bold(`Link ${link.link}`)}: ${plural(link.groups.length, 'group')}${parts === '' ? '' : ` (${parts})`}, ${read}`,
      ...(rows.length === 0 ? [] : [table(groupColumns, rows)]),
      ...link.groups.flatMap(({ group, why }) =>
        why === undefined ? [] : [`${colours.warn(printable(group))}: ${printable(why)}`],
      ),
      ...(link.unowned.count === 0
        ? []
        : [
            colours.warn(
              `not synced, their names belong to no site: ${printable(link.unowned.names.join(', '))}${more(link.unowned)}`,
            ),
          ]),
      ...(link.withheld === undefined ? [] : [`${colours.warn('removals are withheld')}: ${printable(link.withheld)}`]),
      ...trouble(link.trouble, colours),
    ];
  });
}

const groupColumns = [
  { title: 'GROUP' },
  { title: 'STATE' },
  { title: 'PARTITIONS', align: 'right' },
  { title: 'CLAMPED', align: 'right' },
  { title: 'SYNCED', align: 'right' },
] as const;

/** `umbra configs`: per link how many copies are level, then everything that is not. Pure. */
export function renderConfigs(links: readonly LinkConfigsView[], colours: Colours): string {
  return joined(links, 'No link syncs configs yet.', (link) => {
    const tone: Tone = link.level === link.topics ? 'good' : 'warn';
    const { differing, refused, edited, shape, unseen } = link;
    return [
      `${colours.bold(`Link ${link.link}`)}: ${colours[tone](`${count(link.level)} of ${count(link.topics)} copies level`)}${link.lookedAt === undefined ? ', not looked yet' : `, as of ${link.lookedAt}`}`,
      ...differing.first.map(
        ({ topic, name, shown, wanted, why }) =>
          `  ${printable(topic)}: ${name} is ${text(shown)}, to be ${text(wanted)} (${why})`,
      ),
      ...rest(differing.count, differing.first.length),
      ...refused.first.map(
        ({ topic, name, wanted, message, nextTryAt }) =>
          `  ${colours.bad('refused')} ${printable(topic)}: ${name}=${text(wanted)}: ${printable(message)} (again at ${nextTryAt})`,
      ),
      ...rest(refused.count, refused.first.length),
      ...edited.newest.map(
        ({ topic, name, shown, wanted, at }) =>
          `  ${colours.warn('put back')} ${printable(topic)}: ${name} had been set to ${text(shown)}, is ${text(wanted)} again (${at})`,
      ),
      ...[...shape.first, ...unseen.first].map(
        ({ topic, message }) => `  ${colours.warn(printable(topic))}: ${printable(message)}`,
      ),
      ...link.unknown.map(
        ({ name, topics, example }) =>
          `  ${colours.warn(printable(name))}: not known to the target's release; set on ${plural(topics, 'topic')}, such as ${printable(example)}`,
      ),
      ...trouble(link.trouble, colours),
    ];
  });
}

const verdictTone = { equal: 'good', behind: 'warn', different: 'bad', unknown: 'warn' } as const;

/** `umbra schemas`: the verdict, both sites' logs, every difference with its explanation. Pure. */
export function renderSchemas(links: readonly LinkSchemasView[], colours: Colours): string {
  return joined(links, 'No link is known.', (link) => {
    const title = colours.bold(`Link ${link.link}`);
    if (link.kind === 'undeclared')
      return [`${title}: no schema primary is declared; schemas are neither copied nor compared`];
    const { comparison, behind, sites } = link;
    const { verdict, comparedAt, differences } = comparison;
    const as = comparedAt === undefined ? 'not compared yet' : `compared at ${comparedAt}`;
    const late =
      behind === undefined || behind.records === 0
        ? ''
        : `, ${plural(behind.records, 'record')} (${duration(behind.seconds * 1_000)}) behind, ${behind.basis}`;
    const rows = [sites.a, sites.b].map((site) => [
      site.site,
      site.role,
      site.state,
      ...[site.counts.subjects, site.counts.versions, site.counts.ids, site.gaps.total].map(count),
      site.digest.slice(0, 16),
    ]);
    return [
      `${title}: schemas ${colours[verdictTone[verdict]](verdict)}, ${as}${late}; site ${link.primarySite} registers`,
      table(schemaColumns, rows),
      ...differences.first.map(
        ({ label, explanation }) => `  ${colours.bad(printable(label))}: ${printable(explanation)}`,
      ),
      ...rest(differences.total, differences.first.length),
      ...lostLines(link.lost, colours),
      ...sampled(link.samples, colours),
      ...[sites.a, sites.b].flatMap(({ site, collisions, counts, trouble: wrong }) => [
        ...(collisions.total === 0
          ? []
          : [colours.bad(`  site ${site}: ${plural(collisions.total, 'id')} with more than one schema`)]),
        ...(counts.malformed === 0
          ? []
          : [colours.warn(`  site ${site}: ${plural(counts.malformed, 'record')} that cannot be understood`)]),
        ...(wrong === undefined
          ? []
          : [`  ${colours.warn(`site ${site}`)}: ${printable(wrong.message)} (since ${wrong.since})`]),
      ]),
    ];
  });
}

/** After a failover: what a person has to decide about. */
function lostLines(lost: Extract<LinkSchemasView, { kind: 'watched' }>['lost'], colours: Colours): readonly string[] {
  if (lost === undefined) return [];
  const { collisions, gaps, versions, changes } = lost;
  const total = collisions.total + gaps.total + versions.total + changes.total;
  if (total === 0)
    return [`  the log of the old primary has nothing from offset ${lost.cut} on that the new one lacks`];
  const named = [...collisions.first, ...gaps.first, ...versions.first];
  return [
    `  only the log of the old primary has, from offset ${lost.cut} on: ${plural(gaps.total, 'id')} that the new one does not ` +
      `know, ${count(collisions.total)} that stand for another schema, ${plural(versions.total, 'other version')}, ` +
      plural(changes.total, 'config or deletion', 'configs or deletions'),
    ...named
      .slice(0, lostShownMax)
      .map(
        ({ id, subject, version, explanation }) =>
          `  ${colours.warn(`id ${id}`)}, ${printable(subject)} version ${version}: ${printable(explanation)}`,
      ),
    ...rest(named.length, Math.min(named.length, lostShownMax)),
  ];
}

const lostShownMax = 20;

function sampled(
  { sampled: looked, waiting, unknown, topics }: Extract<LinkSchemasView, { kind: 'watched' }>['samples'],
  colours: Colours,
): readonly string[] {
  if (waiting === 0 && unknown === 0) return [];
  const of = `of ${plural(looked, 'sampled record')}`;
  return [
    `${of} ${count(waiting)} named a schema that was not here yet, ${count(unknown)} one that neither site has`,
    ...topics
      .slice(0, topicsShownMax)
      .map(({ topic, records }) => `  ${colours.warn(printable(topic))}: ${plural(records, 'record')} still without`),
    ...rest(topics.length, Math.min(topics.length, topicsShownMax)),
  ];
}

const topicsShownMax = 10;

const schemaColumns = [
  { title: 'SITE' },
  { title: 'ROLE' },
  { title: 'LOG' },
  { title: 'SUBJECTS', align: 'right' },
  { title: 'VERSIONS', align: 'right' },
  { title: 'IDS', align: 'right' },
  { title: 'GAPS', align: 'right' },
  { title: 'DIGEST' },
] as const;

function joined<T>(links: readonly T[], none: string, render: (link: T) => readonly string[]): string {
  return links.length === 0 ? none : links.map((link) => render(link).join('\n')).join('\n\n');
}

function trouble(
  view: { readonly at: string; readonly message: string } | undefined,
  colours: Colours,
): readonly string[] {
  return view === undefined ? [] : [`${colours.bad('trouble')}: ${printable(view.message)} (${view.at})`];
}

function rest(total: number, shown: number): readonly string[] {
  return total > shown ? [`  and ${count(total - shown)} more`] : [];
}

function more({ count: total, names }: { readonly count: number; readonly names: readonly string[] }): string {
  return total > names.length ? ` and ${count(total - names.length)} more` : '';
}

/** A value that is not set is what the cluster gives. */
function text(value: string | undefined): string {
  return value === undefined ? "the cluster's default" : printable(value);
}
