import { KafkaError, verdictOf } from '../../kafka/errors.ts';
import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { textOf } from './attempts.ts';
import { found } from './doctor-codes.ts';

/** Why a site cannot be entered at all: nobody there, or nobody who lets us in. Pure. */
export function unanswered(site: SiteId, error: unknown): Finding {
  const message = textOf(error);
  if (verdictOf(error) !== 'denied') {
    const remedy = `Start the brokers ("npm run up" starts local ones), or correct clusters.${site}.bootstrapServers.`;
    return found('NO_ANSWER', { site, message, remedy });
  }
  if (!(error instanceof KafkaError) && isTls(error)) {
    const remedy = `Correct clusters.${site}.tls in the worker's file (caFile, certFile, keyFile, serverName), or renew the certificate.`;
    return found('TLS_REFUSED', { site, message, remedy });
  }
  const remedy = `Correct clusters.${site}.sasl in the worker's file (mechanism, and username and password or token), or create that user at the cluster.`;
  return found('CREDENTIALS_REFUSED', { site, message, remedy });
}

/** What TLS refuses comes with the error of Node's TLS or of the files as its cause; what SASL refuses does not. */
function isTls(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause;
}
