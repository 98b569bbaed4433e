import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import { linkId } from '../../pair/spec.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { judgeTopics, ownerOf } from '../../prefix-policy/prefix-policy.ts';
import type { Finding } from '../finding.ts';
import { inServerProperties, setTopicConfig } from './commands.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { PairSight, SiteSight, SpecSight } from './site-sight.ts';

/** What a site's `_umbra` declares, and the names of its topics. Pure. */
export function checkPolicy(sight: SiteSight, pair: PairSight): readonly Finding[] {
  return [...stateOf(sight), ...declared(sight), ...names(sight, pair), ...autoCreation(sight)];
}

function stateOf(sight: SiteSight): readonly Finding[] {
  const { site, state, metadata, configs } = sight;
  if (state.kind === 'absent') {
    return [
      found('STATE_MISSING', {
        site,
        message: `there is no ${stateTopic} topic here, or umbra may not describe it`,
        remedy: 'Start the worker of this site, or grant its principal DESCRIBE, READ and WRITE on the topic.',
      }),
    ];
  }
  const findings: Finding[] = [];
  if (state.kind === 'unread') {
    findings.push(
      found('STATE_UNREAD', {
        site,
        message: `${stateTopic} cannot be read: ${state.why}`,
        remedy: `Grant umbra's principal READ on ${stateTopic} at this site, or use the version of umbra that wrote it.`,
      }),
    );
  }
  const policy = configs.get(stateTopic)?.get('cleanup.policy')?.value;
  if (policy !== undefined && policy !== 'compact') {
    findings.push(
      found('STATE_NOT_COMPACTED', {
        site,
        message: `${stateTopic} has cleanup.policy=${policy}: what umbra knows of its copies is deleted when it is old`,
        remedy: setTopicConfig(sight, stateTopic, 'cleanup.policy=compact'),
      }),
    );
  }
  const partitions = metadata.topics.get(stateTopic)?.partitions.length ?? 1;
  if (partitions !== 1) {
    findings.push(
      found('STATE_PARTITIONS', {
        site,
        message: `${stateTopic} has ${partitions} partitions, it must have 1`,
        remedy: `Stop the workers of this site, delete ${stateTopic} there, start them and run "pulumi up" again.`,
      }),
    );
  }
  return findings;
}

function declared({ site, state }: SiteSight): readonly Finding[] {
  if (state.kind !== 'read') return [];
  const { owners, links, pauses } = state.spec;
  const link = linkId({ from: otherSite(site), to: site });
  const remedy = 'Declare it in the Pulumi program and run "pulumi up".';
  return [
    ...(owners === undefined
      ? [found('POLICY_MISSING', { site, message: 'no prefix policy is declared here', remedy })]
      : []),
    links.some((known) => linkId(known) === link)
      ? inOrder(site, 'policy', `the link ${link} is declared here`)
      : found('LINK_MISSING', { site, message: `no link ${link} is declared here`, remedy }),
    ...pauses.map(({ link: id, topic, since }) =>
      found('PAUSED', {
        site,
        message: `${topic === undefined ? `the link ${id}` : `the topic ${topic}`} is paused since ${since}: nothing is copied, and the source's retention goes on`,
        remedy: `"npx umbra resume ${topic ?? id}" when the reason is gone.`,
      }),
    ),
  ];
}

function names(sight: SiteSight, { owners, schemaPrimary }: PairSight): readonly Finding[] {
  if (owners === undefined) return [];
  const { site, state, metadata } = sight;
  const topics = [...metadata.topics.values()].filter(({ internal }) => !internal).map(({ name }) => name);
  // Without knowing which are ours every copy would be called a squatter.
  const shadows = new Set(state.kind === 'read' ? [...copiesAt(state.spec), ...takenOver(site, state.spec)] : topics);
  const violations = judgeTopics({ site, topics, shadows, owners, schemaPrimary });
  const unowned = violations.filter(({ kind }) => kind === 'unowned').map(({ topic }) => topic);
  const own = topics.filter((name) => ownerOf(name, owners) === site).length;
  return [
    ...violations
      .filter(({ kind }) => kind === 'squatter')
      .map(({ topic, message }) =>
        found('SQUATTER', {
          site,
          message,
          remedy: `Find who made ${topic} (a client's metadata request does, where topics are created automatically), move its records, delete it; the link then makes its copy.`,
        }),
      ),
    ...(unowned.length === 0
      ? []
      : [
          found('UNOWNED', {
            site,
            message: `${listed(unowned)} ${unowned.length === 1 ? 'begins' : 'begin'} with neither "${owners.a}" nor "${owners.b}" and ${unowned.length === 1 ? 'is' : 'are'} not copied`,
            remedy: 'Create them anew under a prefix, or know that they exist at this site only.',
          }),
        ]),
    own > 0
      ? inOrder(site, 'policy', `${own} topic(s) begin with "${owners[site]}"`)
      : found('NO_TOPICS', {
          site,
          message: `no topic that begins with "${owners[site]}" is visible here`,
          remedy: "Create one, or grant umbra's principal DESCRIBE and READ on that prefix.",
        }),
  ];
}

/** A client at the standby that asks for a topic before its copy is there makes an empty one of its own. */
function autoCreation({ site, brokers }: SiteSight): readonly Finding[] {
  const on = brokers.filter(({ settings }) => settings?.get('auto.create.topics.enable') === 'true');
  if (on.length === 0) return [];
  return [
    found('AUTO_CREATE', {
      site,
      message: `auto.create.topics.enable is true on broker ${on.map(({ nodeId }) => nodeId).join(', ')}: a client that asks for a topic before its copy is there creates one that is never copied to`,
      remedy: inServerProperties('auto.create.topics.enable=false'),
    }),
  ];
}

/** Both sites must be told the same. Pure. */
export function checkAgreement(sights: readonly SiteSight[]): readonly Finding[] {
  const [a, b] = sites.map((site) => {
    const state = sights.find((sight) => sight.site === site)?.state;
    return state?.kind === 'read' ? state.spec : undefined;
  });
  if (a === undefined || b === undefined) return [];
  const text = ({ a: ofA, b: ofB }: { readonly a: string; readonly b: string }): string => `a "${ofA}", b "${ofB}"`;
  const findings: Finding[] = [];
  if (a.owners !== undefined && b.owners !== undefined && text(a.owners) !== text(b.owners)) {
    findings.push(
      found('POLICY_DIFFERS', {
        message: `the prefixes are ${text(a.owners)} at site a and ${text(b.owners)} at site b`,
        remedy: 'Detach the links, declare one PrefixPolicy for both sites and run "pulumi up".',
      }),
    );
  }
  const [first, second] = [a.schemaPrimary?.site, b.schemaPrimary?.site];
  if (first !== undefined && second !== undefined && first !== second) {
    findings.push(
      found('SCHEMA_PRIMARY_DIFFERS', {
        message: `the schema primary is ${first} at site a and ${second} at site b`,
        remedy: 'Declare one SchemaPrimary for both sites and run "pulumi up".',
      }),
    );
  }
  return findings;
}

const namesShownMax = 10;

/** `a, b and 3 more`. */
function listed(all: readonly string[]): string {
  const shown = all.slice(0, namesShownMax).join(', ');
  return all.length > namesShownMax ? `${shown} and ${all.length - namesShownMax} more` : shown;
}

function copiesAt({ shadows }: SpecSight): readonly string[] {
  return shadows.map(({ topic }) => topic);
}

/** Topics of the other site that are primary here, and belong here for now. */
function takenOver(site: SiteId, { moved }: SpecSight): readonly string[] {
  const theirs = moved?.[otherSite(site)];
  return theirs?.kind === 'topics' ? [...theirs.topics] : [];
}
