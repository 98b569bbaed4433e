import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { tlsFailure, tlsFilesUnusable } from '../../kafka/tls-failure.ts';
import type { RegistryConfig } from './registry-config.ts';

export type HttpAnswer =
  | { readonly kind: 'answered'; readonly status: number; /** Undefined where it is no JSON. */ readonly body: unknown }
  | { readonly kind: 'unreachable'; readonly why: string };

export interface AskLimits {
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

export const registryLimits: AskLimits = { timeoutMs: 4_000, bytesMax: 2 * 1024 * 1024 };

/** Registries answer in their own media type or in plain JSON. */
const accept = 'application/vnd.schemaregistry.v1+json, application/json';

/**
 * GET of one path below the registry's URL, or of an absolute one of its server where `from` is `server`. Follows no
 * redirects. Never throws for what the server does; throws the reason of `signal`.
 */
export async function askRegistry(
  config: RegistryConfig,
  path: string,
  {
    signal,
    limits = registryLimits,
    from = 'base',
  }: { signal: AbortSignal; limits?: AskLimits; from?: 'base' | 'server' },
): Promise<HttpAnswer> {
  const url = from === 'base' ? new URL(config.url.replace(/\/+$/, '') + path) : new URL(path, config.url);
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  try {
    const options = { ...(await tlsOptions(config, url.host)), headers: headersOf(config), agent: false as const };
    const { status, text } = await get(
      url,
      { ...options, signal: AbortSignal.any([signal, timeout]) },
      limits.bytesMax,
    );
    return { kind: 'answered', status, body: parseJson(text) };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted)
      return { kind: 'unreachable', why: `no answer from ${url.host} within ${limits.timeoutMs} ms` };
    return { kind: 'unreachable', why: reasonOf(url.host, error) };
  }
}

function headersOf({ username, password }: RegistryConfig): http.OutgoingHttpHeaders {
  if (username === undefined || password === undefined) return { accept };
  const token = Buffer.from(`${username}:${password.reveal()}`).toString('base64');
  return { accept, authorization: `Basic ${token}` };
}

async function tlsOptions({ tls: files }: RegistryConfig, name: string): Promise<https.RequestOptions> {
  if (files === undefined) return {};
  const { caFile, certFile, keyFile, serverName } = files;
  try {
    return {
      ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
      ...(certFile === undefined ? {} : { cert: await readFile(certFile) }),
      ...(keyFile === undefined ? {} : { key: await readFile(keyFile) }),
      ...(serverName === undefined
        ? {}
        : {
            servername: serverName,
            checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
          }),
    };
  } catch (error) {
    throw tlsFilesUnusable(name, error);
  }
}

function get(
  url: URL,
  options: https.RequestOptions,
  bytesMax: number,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(url, options, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes <= bytesMax) {
          parts.push(part);
          return;
        }
        reject(new Error(`its answer to ${url.pathname} is larger than ${bytesMax} bytes`));
        request.destroy();
      });
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      );
      answer.once('error', reject);
    });
    request.once('error', reject);
  });
}

function reasonOf(name: string, error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code }: Error & { readonly code?: string } = error;
  const failure = tlsFailure(name, error);
  if (failure !== undefined) return failure.message;
  if (code === 'ECONNREFUSED') return `${name} refuses connections: nothing listens there`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host name in ${name} is not known`;
  return `${name}: ${error.message}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
