/**
 * What AWS did not do, as one line for a person: where, what it answered, what to do. `refused` is an answer that the same
 * request gets again (a missing right, a missing bucket, a wrong key); `unreachable` may be another one in a moment.
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

interface Verdict {
  readonly kind: AwsProblem['kind'];
  /** What a person does; undefined where waiting is all. */
  readonly todo?: string;
}

const passing: Verdict = { kind: 'unreachable' };
const credentials: Verdict = {
  kind: 'unreachable',
  todo: 'this process needs valid credentials of AWS: where a platform gives them it renews them, elsewhere give new ones',
};
const clock: Verdict = { kind: 'unreachable', todo: 'set the clock of this machine' };
const accessKey: Verdict = {
  kind: 'refused',
  todo: 'AWS does not know the access key of this process: give it another one',
};
const secretKey: Verdict = { kind: 'refused', todo: 'the secret key of this process is not that of its access key' };
const place: Verdict = { kind: 'refused', todo: 'check the name of the bucket and its region' };
const denied: Verdict = { kind: 'refused' };

/** What an error means by its name, whatever its status: AWS sends most of these with 400 or 403. */
const verdicts: Readonly<Record<string, Verdict>> = {
  // Too much at once, of us or of all of the account.
  ...byName(passing, ['Throttling', 'ThrottlingException', 'ThrottledException', 'RequestThrottled', 'SlowDown']),
  ...byName(passing, ['RequestThrottledException', 'RequestLimitExceeded', 'TooManyRequestsException']),
  ...byName(passing, ['BandwidthLimitExceeded', 'LimitExceededException', 'TooManyUpdates']),
  // Time is over, or another request was first.
  ...byName(passing, ['RequestTimeout', 'RequestTimeoutException', 'TimeoutError', 'OperationAborted']),
  ...byName(passing, ['ConditionalRequestConflict', 'InternalError', 'ServiceUnavailable']),
  ...byName(credentials, ['CredentialsProviderError', 'ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']),
  ...byName(clock, ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']),
  ...byName(accessKey, ['InvalidAccessKeyId', 'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidToken']),
  ...byName(secretKey, ['SignatureDoesNotMatch', 'InvalidSignatureException']),
  ...byName(place, ['NoSuchBucket', 'PermanentRedirect', 'AuthorizationHeaderMalformed']),
  ...byName(denied, ['AccessDenied', 'AccessDeniedException', 'Forbidden', '403']),
};

/** Pure: the error of an SDK call as a problem. Texts of the SDK are repeated as they are; they hold no credentials. */
export function awsProblem(error: unknown, { where, action }: Asked): AwsProblem {
  const parts = partsOf(error);
  const { kind, todo } = verdictOf(parts, action);
  const said = `${where}: ${parts.name}${parts.message === '' ? '' : `: ${parts.message}`}`;
  return new AwsProblem(kind, todo === undefined ? said : `${said}; ${todo}`, { cause: error });
}

/** By what AWS calls it. */
export function errorNameOf(error: unknown): string {
  return partsOf(error).name;
}

interface Parts {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
}

function partsOf(error: unknown): Parts {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), status: undefined };
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  // Errors of sockets have their code, several attempts at once have one each.
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const status = $metadata?.httpStatusCode;
  return { name: status === undefined ? (code ?? error.name) : error.name, message: error.message, status };
}

function verdictOf({ name, message, status }: Parts, action: string): Verdict {
  // S3 repeats what KMS said: the name with `KMS.` before it, or only the text.
  const ofKms = name.startsWith('KMS.');
  const known = verdicts[ofKms ? name.slice('KMS.'.length) : name];
  if (known === secretKey && /signature (?:expired|not yet current)/i.test(message)) return clock;
  if (known === denied || (known === undefined && status === 403))
    return { kind: 'refused', todo: `its role needs ${rightOfKey(message) ?? `${action} there`}` };
  if (known !== undefined) return known;
  if (/rate at which you may call KMS/i.test(message)) return passing;
  if (ofKms || name === 'InvalidKeyId') return { kind: 'refused', todo: `look after ${keyIn(message)}` };
  if (status === 301) return place;
  return byStatus(status, saysNothing(name, status));
}

function byStatus(status: number | undefined, silent: boolean): Verdict {
  const ours = status !== undefined && status >= 400 && status < 500 && status !== 429 && status !== 408;
  if (!ours) return passing;
  // To a HEAD there is no answer but the status, and 400 is that of credentials that have just expired, too.
  return silent ? passing : { kind: 'refused', todo: 'correct the request' };
}

function saysNothing(name: string, status: number | undefined): boolean {
  return status === 400 && ['400', 'BadRequest', 'UnknownError', 'Unknown', 'Error'].includes(name);
}

/** What is missing where it is a right of the key that encrypts, and not of what was asked for. */
function rightOfKey(message: string): string | undefined {
  const action = /\bkms:\w+/i.exec(message)?.[0];
  if (action !== undefined) return `${action} of ${keyIn(message)}`;
  return /\bKMS\b|ciphertext|customer master key/i.test(message)
    ? `kms:Decrypt and kms:GenerateDataKey of ${keyIn(message)}`
    : undefined;
}

function keyIn(message: string): string {
  const arn = /\barn:[\w-]+:kms:[\w-]*:\d*:(?:key|alias)\/[\w/-]+/.exec(message)?.[0];
  return arn === undefined ? 'the key that encrypts there' : `the key ${arn}`;
}

function byName(verdict: Verdict, names: readonly string[]): Readonly<Record<string, Verdict>> {
  return Object.fromEntries(names.map((name) => [name, verdict]));
}
