/**
 * ApiVersions, API key 18, version 3, of which the library makes the request. The answer is read here, because the
 * library reads arrays inside its tagged fields with a reader of its own that hostile lengths can lead in circles.
 *
 * Left out: throttle time and the tagged fields (features).
 */
import { apiVersionsV3, createAPI, type Reader } from '@platformatic/kafka';
import type { LibraryApi } from './library-api.ts';

export interface ApiVersions {
  readonly errorCode: number;
  readonly apiKeys: readonly { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }[];
}

/** The header of the answer has no tagged fields, whatever the version (KIP-511). */
const flexible = { request: true, answer: false };

export const apiVersions: LibraryApi<[name: string, version: string], ApiVersions> = createAPI(
  apiVersionsV3.api.key,
  apiVersionsV3.api.version,
  apiVersionsV3.createRequest,
  parseVersions,
  flexible.request,
  flexible.answer,
);

function parseVersions(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): ApiVersions {
  const errorCode = reader.readInt16();
  // A broker that does not know version 3 answers in the form of version 0: nothing after the code can be read.
  if (errorCode !== 0) return { errorCode, apiKeys: [] };
  const apiKeys = reader.readArray((entry) => ({
    apiKey: entry.readInt16(),
    minVersion: entry.readInt16(),
    maxVersion: entry.readInt16(),
  }));
  return { errorCode, apiKeys };
}
