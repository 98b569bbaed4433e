import type { EvidenceContent } from '../document.ts';
import { count, time, yesNo } from './figures.ts';
import { html, type Html } from './html.ts';
import { type Cell, facts, table } from './parts.ts';

const number = 'number' as const;

export function preconditions({ preconditions: checks }: EvidenceContent): Html {
  const rows = checks.map(({ check, result, value, at }): readonly Cell[] => [check, result, value, time(at)]);
  return table('Checks', [{ title: 'Check' }, { title: 'Result' }, { title: 'Found' }, { title: 'At' }], rows);
}

export function scope({ scope: of }: EvidenceContent): Html {
  const excluded = of.excluded.map(({ name, why }): readonly Cell[] => [name, why]);
  return html`${facts([
    ['Links', listed(of.links)],
    ['Topics', listed(of.topics)],
    ['Partitions', count(of.partitions)],
    ['Groups', listed(of.groups)],
    ['Schema registry', of.registry ? 'with it' : 'without it'],
  ])}
  ${table('Left out', [{ title: 'Name' }, { title: 'Why' }], excluded)}`;
}

/** What roles, cuts, groups, fences and clients were like. */
export function standing({ terms, cut, groups, fence, registry, clients, tails }: EvidenceContent): Html {
  const term = terms.map(({ topic, before, after, primary }) => [topic, count(before), count(after), primary]);
  const cuts = cut.map((at): readonly Cell[] => [
    ...[at.topic, count(at.partition), at.offset, at.operation, at.topicId],
    at.tailSha256 === undefined ? undefined : html`<code>${at.tailSha256}</code>`,
  ]);
  const probes = fence.probes.map(({ at, result }): readonly Cell[] => [time(at), result]);
  return html`${table(
    'Terms',
    [{ title: 'Topic' }, { title: 'Before', kind: number }, { title: 'After', kind: number }, { title: 'Primary' }],
    term,
  )}
  ${table(
    'Cuts',
    [
      { title: 'Topic' },
      { title: 'Partition', kind: number },
      { title: 'Offset', kind: number },
      { title: 'Operation' },
      { title: 'Topic id' },
      { title: 'SHA-256 of the tail' },
    ],
    cuts,
  )}
  ${facts([['Log ends behind the fence', fence.logEndsFrozen ? 'stood still' : 'were not seen to stand still']])}
  ${table('Probes of the fence', [{ title: 'At' }, { title: 'Result' }], probes)}
  ${
    registry === undefined
      ? undefined
      : facts([
          ['Schema primary', `${registry.primaryBefore} before, ${registry.primaryAfter} after: ${registry.note}`],
        ])
  }
  ${table(
    'Consumer groups',
    [{ title: 'Group' }, { title: 'Note' }],
    groups.map(({ id, note }) => [id, note]),
  )}
  ${table(
    'Clients',
    [{ title: 'Principal' }, { title: 'Note' }, { title: 'Stayed behind' }],
    clients.map(({ principal, note, straggler }) => [principal, note, yesNo(straggler)]),
  )}
  ${table(
    'Tails',
    [{ title: 'Topic' }, { title: 'Records', kind: number }, { title: 'What becomes of them' }],
    tails.map(({ topic, records, disposition }) => [topic, count(records), disposition]),
  )}`;
}

export function people({ people: who }: EvidenceContent): Html {
  const approvers = who.approvers.map(({ name, role, at }): readonly Cell[] => [name, role, time(at)]);
  return html`${facts([
    ['Asked for by', who.requestedBy],
    ['Operators', listed(who.operators)],
    ['Observers', listed(who.observers)],
    ['Left out on purpose', listed(who.excludedOnPurpose)],
  ])}
  ${table('Approved by', [{ title: 'Name' }, { title: 'Role' }, { title: 'At' }], approvers)}`;
}

export function aboutRun({ reportId, pair, scenario }: EvidenceContent): Html {
  const clusters = pair.clusters.map((each) => [each.site, each.clusterId, each.bootstrapServers.join(', ')]);
  return html`${facts([
    ['Report', reportId],
    ['Scenario', `${scenario.id}: ${scenario.text}`],
    ['Severity', scenario.severity],
    ['Business impact analysis', scenario.biaRef],
    ['Assumptions', listed(scenario.assumptions)],
    ['Pair', `${pair.id}, run by site ${pair.site}`],
    ['Labels', listed(pair.labels)],
    ['umbra', pair.toolVersion],
    ['Plan', html`<code>${pair.planHash}</code>`],
    ['Policy', pair.policyHash === undefined ? undefined : html`<code>${pair.policyHash}</code>`],
  ])}
  ${table('Clusters', [{ title: 'Site' }, { title: 'Cluster' }, { title: 'Bootstrap servers' }], clusters)}`;
}

export function closing({ alarms, aborts, cleanup, findings, controls }: EvidenceContent): Html {
  const abortRows = aborts.map((abort): readonly Cell[] => [
    ...[abort.trigger, time(abort.at), abort.beforePromotion ? 'before' : 'after', abort.reason],
  ]);
  return html`${facts([
    ['Everything is home', yesNo(cleanup.returnedToHome)],
    ['The pair', cleanup.pairState],
    ['Left behind', cleanup.left.length === 0 ? undefined : listed(cleanup.left)],
  ])}
  ${table('Aborts', [{ title: 'Trigger' }, { title: 'At' }, { title: 'Promotion' }, { title: 'Reason' }], abortRows)}
  ${table(
    'Alarms',
    [{ title: 'Alarm' }, { title: 'At' }, { title: 'State' }],
    alarms.map(({ name, at, state }): readonly Cell[] => [name, time(at), state]),
  )}
  ${table(
    'Findings',
    ['Finding', 'Severity', 'What', 'Owner', 'Due', 'Status', 'Ticket'].map((title) => ({ title })),
    findings.map(({ id, severity, title, owner, due, status, ticket }): readonly Cell[] => [
      ...[id, severity, title, owner, time(due), status, ticket],
    ]),
  )}
  ${table(
    'Controls that this run serves',
    [{ title: 'Framework' }, { title: 'Clause' }, { title: 'How' }],
    controls.map(({ framework, clause, text }) => [framework, clause, text]),
  )}`;
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}
