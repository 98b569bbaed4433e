import { ConnectionError } from './errors.ts';

/** Codes of Node's certificate checks for a chain that ends in no trusted authority. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REVOKED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);

/**
 * What went wrong with TLS towards `name` (host:port), in one line for a person; undefined when it was not TLS.
 * `denied` where only another certificate, file or name can help.
 */
export function tlsFailure(name: string, error: Error & { readonly code?: string }): ConnectionError | undefined {
  const { code = '' } = error;
  const refused = (message: string): ConnectionError =>
    new ConnectionError(message, { cause: error, verdict: 'denied' });
  if (untrusted.has(code)) {
    return refused(
      `the certificate of ${name} is not trusted (${code}): set tls.caFile to its authority's certificate`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return refused(`the certificate of ${name} is not valid now (${code}): renew it there, or correct the clock`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refused(`the certificate of ${name} is for another name (set tls.serverName): ${firstLine(error.message)}`);
  }
  // The alert of a broker that asks for a certificate comes after our side of the handshake is done.
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT') && code.includes('CERTIFICATE')) {
    return refused(
      `${name} asks for a client certificate and got none that it accepts: check tls.certFile and keyFile`,
    );
  }
  if (code.startsWith('ERR_SSL_')) {
    return new ConnectionError(`TLS with ${name} failed (${code}): does that port speak TLS?`, { cause: error });
  }
  if (error.message.includes('before secure TLS connection')) {
    return new ConnectionError(`${name} ended the connection during the TLS handshake: does that port speak TLS?`, {
      cause: error,
    });
  }
  return undefined;
}

/** The configured files cannot be read or are not what they should be. */
export function tlsFilesUnusable(name: string, error: unknown): ConnectionError {
  const why = error instanceof Error ? firstLine(error.message) : String(error);
  return new ConnectionError(`the TLS files configured for ${name} cannot be used: ${why}`, {
    cause: error,
    verdict: 'denied',
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
