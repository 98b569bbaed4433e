import { sites } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { SiteSight } from './site-sight.ts';

const dayMs = 86_400_000;
/** Longer than most people's holidays, shorter than most certificates. */
const certificateDaysMin = 30;

/** The way to a site's brokers. Pure. */
export function checkConnections(sight: SiteSight, now: Date): readonly Finding[] {
  const findings = [...bootstrap(sight), ...brokers(sight), ...certificates(sight, now)];
  if (findings.length > 0) return findings;
  const { site, metadata } = sight;
  const message = `${metadata.brokers} broker(s) answer, cluster ${metadata.clusterId ?? 'without id'}`;
  return [inOrder(site, 'connection', message)];
}

function bootstrap({ site, bootstrap: servers }: SiteSight): readonly Finding[] {
  const silent = servers.flatMap(({ server, why }) =>
    why === undefined
      ? []
      : [
          found('BOOTSTRAP_SILENT', {
            site,
            message: `the bootstrap server ${server} does not answer: ${why}`,
            remedy: `Start it, or take it out of clusters.${site}.bootstrapServers.`,
          }),
        ],
  );
  const clusters = Map.groupBy(
    servers.filter(({ clusterId }) => clusterId !== undefined),
    ({ clusterId }) => clusterId,
  );
  if (clusters.size <= 1) return silent;
  const parts = [...clusters].map(([id, members]) => `${id ?? ''} (${members.map(({ server }) => server).join(', ')})`);
  return [
    ...silent,
    found('BOOTSTRAP_MIXED', {
      site,
      message: `the bootstrap servers belong to ${clusters.size} clusters: ${parts.join(', ')}`,
      remedy: `Leave only servers of one cluster in clusters.${site}.bootstrapServers.`,
    }),
  ];
}

function brokers({ site, brokers: seen }: SiteSight): readonly Finding[] {
  return seen.flatMap(({ nodeId, address, unreachable, lacks }) => {
    if (unreachable !== undefined) {
      return [
        found('BROKER_UNREACHABLE', {
          site,
          message: `broker ${nodeId} advertises ${address} and cannot be reached there: ${unreachable}`,
          remedy:
            'Start it, or correct its advertised.listeners, the name resolution or the firewall on the way there.',
        }),
      ];
    }
    if (lacks.length === 0) return [];
    return [
      found('BROKER_TOO_OLD', {
        site,
        message: `broker ${nodeId} (${address}) does not have ${lacks.join(', ')}`,
        remedy: 'Upgrade it to Kafka 3.3 or later (docs/versions.md names the releases that are tested).',
      }),
    ];
  });
}

function certificates({ site, certificates: seen }: SiteSight, now: Date): readonly Finding[] {
  return seen.flatMap(({ where, subject, validTo }) => {
    const days = Math.floor((validTo.getTime() - now.getTime()) / dayMs);
    if (days >= certificateDaysMin) return [];
    const ends = validTo.toISOString().slice(0, 10);
    return [
      found('CERTIFICATE_EXPIRES', {
        site,
        message: `the certificate of ${where} (${subject}) ends on ${ends}, ${days < 0 ? 'which is over' : `in ${days} day(s)`}; at least ${certificateDaysMin} are wanted`,
        remedy: `Renew the certificate of ${where} before then.`,
      }),
    ];
  });
}

/** Two names for one cluster: a link would copy it onto itself. Pure. */
export function checkIdentities(sights: readonly SiteSight[]): readonly Finding[] {
  const [a, b] = sites.map((site) => sights.find((sight) => sight.site === site)?.metadata.clusterId);
  if (a === undefined || a !== b) return [];
  return [
    found('SAME_CLUSTER', {
      message: `both sites are the same cluster (${a})`,
      remedy: 'Give each site the bootstrap servers of its own cluster (clusters.a and clusters.b).',
    }),
  ];
}
