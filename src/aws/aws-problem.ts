/**
 * What AWS did not do, as one line for a person: where, what it answered, what to do. `refused` is an answer that the same
 * request gets again (a missing right, a missing bucket, no credentials); `unreachable` may be another one in a moment.
 */
export class AwsProblem extends Error {
  readonly kind: 'refused' | 'unreachable';

  constructor(kind: AwsProblem['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AwsProblem';
    this.kind = kind;
  }
}

/** What is asked for when a request is denied, and of what. */
export interface Asked {
  /** Such as `s3://bucket/key`. */
  readonly where: string;
  /** The IAM action that the request needs, such as `s3:GetObject`. */
  readonly action: string;
}

const credentialErrors = ['CredentialsProviderError', 'ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId'];
const denials = ['AccessDenied', 'AccessDeniedException', 'Forbidden', '403'];
const unknownPlaces = ['NoSuchBucket', 'PermanentRedirect', 'AuthorizationHeaderMalformed'];

/** Pure: the error of an SDK call as a problem. Texts of the SDK are repeated as they are; they hold no credentials. */
export function awsProblem(error: unknown, { where, action }: Asked): AwsProblem {
  const { name, message, status } = partsOf(error);
  const said = `${where}: ${name}${message === '' ? '' : `: ${message}`}`;
  const refused = (todo: string): AwsProblem => new AwsProblem('refused', `${said}; ${todo}`, { cause: error });
  if (credentialErrors.includes(name)) return refused('give this process credentials of AWS that are valid');
  if (denials.includes(name) || status === 403) return refused(`its role needs ${action} there`);
  if (unknownPlaces.includes(name) || status === 301) return refused('check the name of the bucket and its region');
  if (status !== undefined && status >= 400 && status < 500 && status !== 429 && status !== 408)
    return refused('correct the request');
  return new AwsProblem('unreachable', said, { cause: error });
}

/** By what AWS calls it. */
export function errorNameOf(error: unknown): string {
  return partsOf(error).name;
}

function partsOf(error: unknown): {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
} {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), status: undefined };
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  // Errors of sockets have their code, several attempts at once have one each.
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const status = $metadata?.httpStatusCode;
  return { name: status === undefined ? (code ?? error.name) : error.name, message: error.message, status };
}
