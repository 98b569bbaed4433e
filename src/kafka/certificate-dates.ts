import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import type { ClusterConfig } from './cluster-config.ts';

export interface CertificateDates {
  /** Whose: the first line of its subject. */
  readonly subject: string;
  readonly validTo: Date;
}

/**
 * What the broker at that address shows. It is looked at, not trusted: whether it is sound is found where the connection is
 * made. Undefined when there is no TLS there, or nobody answers within `timeoutMs`.
 */
export async function brokerCertificate(
  { host, port }: { readonly host: string; readonly port: number },
  { tls: files }: ClusterConfig,
  timeoutMs: number,
): Promise<CertificateDates | undefined> {
  if (files === undefined) return undefined;
  const read = async (file: string | undefined): Promise<Buffer | undefined> =>
    file === undefined ? undefined : readFile(file).catch(() => undefined);
  const [cert, key] = await Promise.all([read(files.certFile), read(files.keyFile)]);
  const servername = files.serverName ?? host;
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...{ host, port, rejectUnauthorized: false },
      // A name only: SNI takes no addresses.
      ...(/^[\d.]+$|:/.test(servername) ? {} : { servername }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
    const finish = (dates: CertificateDates | undefined): void => {
      socket.destroy();
      resolve(dates);
    };
    socket.setTimeout(timeoutMs, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate();
      finish(shown === undefined ? undefined : datesOf(shown));
    });
  });
}

/** Of the first certificate in a PEM file; undefined when there is none to be read. */
export async function certificateInFile(file: string): Promise<CertificateDates | undefined> {
  const pem = await readFile(file).catch(() => undefined);
  if (pem === undefined) return undefined;
  try {
    return datesOf(new X509Certificate(pem));
  } catch {
    // What cannot be read is named where the connection is made with it.
    return undefined;
  }
}

function datesOf({ subject, validTo }: X509Certificate): CertificateDates {
  return { subject: subject.split('\n').join(', '), validTo: new Date(validTo) };
}
