import type { FaultView, LinkView, TopicView } from '../worker/views.ts';
import type { Colours } from './colours.ts';
import type { PairStatus, StatusReport, WorkerRow } from './pair-status.ts';
import { printable } from './printable.ts';
import { atRiskCell, count, lagCells, plural } from './quantities.ts';
import { table } from './table.ts';

const linkStateTone: Readonly<Record<LinkView['state'], keyof Colours>> = {
  starting: 'warn',
  following: 'good',
  paused: 'warn',
  degraded: 'bad',
  'source-unreachable': 'bad',
  'target-unreachable': 'bad',
};

const topicStateTone: Readonly<Partial<Record<TopicView['state'], keyof Colours>>> = {
  following: 'good',
  faulted: 'bad',
};

const fenceTone = { acl: 'good', leaking: 'bad', unfenced: 'bad', unknown: 'warn' } as const;

const lagColumns = [
  { title: 'BEHIND', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'SAMPLE AGE', align: 'right' },
  { title: 'AT RISK', align: 'right' },
] as const;

/** The whole of `umbra status`, pair by pair. Pure. */
export function renderStatus(report: StatusReport, colours: Colours): string {
  return report.pairs.map((pair) => renderPair(pair, colours)).join('\n\n');
}

function renderPair(status: PairStatus, colours: Colours): string {
  const sections = [
    ...(status.headlines.length === 0 ? [] : [colours.bold(lines(status.headlines.map(printable)))]),
    printable(status.summary),
    alarms(status, colours),
    status.links.length === 0 ? undefined : linksTable(status.links, colours),
    status.topics.length === 0 ? undefined : topicsTable(status.topics, colours),
    faults(status, colours),
    workersPart(status.workers, colours),
  ];
  return sections.filter((section) => section !== undefined).join('\n\n');
}

function alarms(status: PairStatus, colours: Colours): string | undefined {
  const unfenced = status.links
    .filter((link) => link.fence === 'unfenced')
    .map((link) =>
      lines([
        colours.bad(`UNFENCED: site ${link.to} has no authorizer, so anybody can write the copies of link ${link.id}.`),
        `  → Configure an authorizer on that cluster; until then a foreign write faults the topic it hits.`,
      ]),
    );
  const leaking = status.links
    .filter((link) => link.fence === 'leaking')
    .map((link) =>
      lines([
        colours.bad(`LEAKING: ACLs of site ${link.to} let others than link ${link.id} write its copies.`),
        `  → "npx umbra acls" names them and the remedy; until then a foreign write faults the topic it hits.`,
      ]),
    );
  // The message says what to do as well: it depends on the kind.
  const violations = status.violations.map(
    ({ topic, site, kind, message }) =>
      `${colours.bad(`VIOLATION: topic ${printable(topic)} at site ${site} (${kind})`)}: ${printable(message)}`,
  );
  const all = [...oldSides(status, colours), ...unfenced, ...leaking, ...violations];
  return all.length === 0 ? undefined : lines(all);
}

/** What an old primary came back with: nothing becomes of it until a person decides. */
function oldSides({ oldSide }: PairStatus, colours: Colours): readonly string[] {
  if (oldSide === undefined) return [];
  const { returned, split, splitTopics } = oldSide;
  const names = splitTopics.map(printable).join(', ') + (split > splitTopics.length ? ', …' : '');
  const how = '  → "npx umbra reconcile --all --plan" shows what only the old side holds, and what can become of it.';
  return [
    ...(split === 0
      ? []
      : [
          colours.bad(
            `SPLIT: ${plural(split, 'topic')} (${names}) ${split === 1 ? 'was' : 'were'} written at both sites after a failover.`,
          ),
        ]),
    ...(returned === 0
      ? []
      : [colours.warn(`RETURNED: the old log of ${plural(returned, 'topic')} is no copy yet after a failover.`)]),
    how,
  ];
}

function linksTable(links: readonly LinkView[], colours: Colours): string {
  const columns = [{ title: 'LINK' }, { title: 'STATE' }, { title: 'FENCE' }, { title: 'TOPICS' }, ...lagColumns];
  const rows = links.map((link) => [
    link.id,
    colours[linkStateTone[link.state]](link.state),
    colours[fenceTone[link.fence]](link.fence),
    topicsCell(link),
    // Without a topic there is nothing to be behind with.
    ...(link.topics.total === 0 ? ['-', '-', '-'] : lagCells(link.lag)),
    atRiskCell(link.exposure),
  ]);
  return table(columns, rows);
}

function topicsCell({ topics }: LinkView): string {
  const faulted = topics.faulted === 0 ? '' : `, ${count(topics.faulted)} faulted`;
  return `${count(topics.following)} of ${count(topics.total)} following${faulted}`;
}

/** Also the body of `umbra topics`. Pure. */
export function topicsTable(topics: readonly TopicView[], colours: Colours): string {
  const columns = [
    { title: 'TOPIC' },
    { title: 'LINK' },
    { title: 'STATE' },
    { title: 'PARTITIONS', align: 'right' },
    ...lagColumns,
    { title: 'RECORDS COPIED', align: 'right' },
    { title: 'UNVERIFIED', align: 'right' },
  ] as const;
  const rows = topics.map((topic) => [
    printable(topic.name),
    topic.link,
    colours[topicStateTone[topic.state] ?? 'warn'](topic.state),
    partitionsCell(topic),
    ...topicLagCells(topic),
    atRiskCell(topic.exposure),
    count(topic.copied.records),
    count(topic.proof.unverified),
  ]);
  return table(columns, rows);
}

/** Nobody asks the source of a paused topic: how old the last answer is is all that is known. A promoted one has none. */
function topicLagCells({ lag, paused, state }: TopicView): readonly [string, string, string] {
  if (state === 'promoted') return ['-', '-', '-'];
  const cells = lagCells(lag);
  return paused === undefined ? cells : ['?', '?', cells[2]];
}

function partitionsCell(topic: TopicView): string {
  if (topic.partitionsFaulted === 0) return count(topic.partitions);
  return `${count(topic.partitionsFaulted)} of ${count(topic.partitions)} faulted`;
}

function faults(status: PairStatus, colours: Colours): string | undefined {
  const linkLines = status.links.flatMap((link) =>
    link.problem === undefined ? [] : [`${colours.warn(`link ${link.id}`)}: ${printable(link.problem)}`],
  );
  const pausedLines = [
    ...status.links.map(({ id, paused }) => ({ what: `link ${id}`, target: id, since: paused?.since })),
    ...status.topics
      .filter(({ paused }) => paused?.by === 'topic')
      .map(({ name, paused }) => ({ what: `topic ${name}`, target: name, since: paused?.since })),
  ].flatMap(({ what, target, since }) =>
    since === undefined
      ? []
      : [
          `${colours.warn(printable(what))} is paused since ${since}; "npx umbra resume ${printable(target)}" lets it go on`,
        ],
  );
  const topicLines = status.topics.flatMap((topic) =>
    topic.fault === undefined ? [] : [renderFault(`topic ${topic.name} (${topic.link})`, topic.fault, colours)],
  );
  const all = [...pausedLines, ...linkLines, ...topicLines];
  return all.length === 0 ? undefined : lines(all);
}

/** `where: CODE at offset N: sentence`, and the remedy below it. */
export function renderFault(where: string, fault: FaultView, colours: Colours): string {
  const code = `${printable(fault.code)}${fault.offset === undefined ? '' : ` at offset ${fault.offset}`}`;
  const head = `${colours.bad(printable(where))}: ${code}: ${printable(fault.message)} (${fault.at})`;
  return lines([head, `  → ${printable(fault.remedy)}`]);
}

/** Workers that are ready are worth one line; the others say what they lack and what to do. Pure. */
export function workersPart(workers: readonly WorkerRow[], colours: Colours): string {
  const rows = workers.map((worker) => {
    const tone = worker.state === 'ready' ? colours.good : colours.bad;
    const said = worker.problem?.message ?? worker.reason ?? '';
    return [worker.site ?? '?', printable(worker.url), tone(worker.state), printable(said)];
  });
  const remedies = new Set(workers.flatMap((worker) => (worker.problem === undefined ? [] : [worker.problem.remedy])));
  const columns = [{ title: 'SITE' }, { title: 'WORKER' }, { title: 'STATE' }, { title: '' }];
  return lines([table(columns, rows), ...[...remedies].map((remedy) => `  → ${printable(remedy)}`)]);
}

function lines(parts: readonly string[]): string {
  return parts.join('\n');
}
