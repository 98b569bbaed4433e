import { describe, expect, test } from 'vitest';
import { type AwsProblem, awsProblem } from '../../src/aws/aws-problem.ts';

const asked = { where: 's3://bucket/key', action: 's3:PutObject' };
const key = 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000';
const denial = (action: string): string =>
  `User: arn:aws:sts::111122223333:assumed-role/w/t is not authorized to perform: ${action} on resource: ${key} because no identity-based policy allows it`;

function answered(name: string, status: number | undefined, message = 'as it was said'): AwsProblem {
  const error = Object.assign(new Error(message), { name });
  return awsProblem(
    status === undefined ? error : Object.assign(error, { $metadata: { httpStatusCode: status } }),
    asked,
  );
}

describe('an answer of AWS', () => {
  test.each<[name: string, status: number | undefined, message?: string]>([
    ['ThrottlingException', 400],
    ['SlowDown', 503],
    ['SlowDown', 400],
    ['RequestLimitExceeded', 400],
    ['TooManyUpdates', 400],
    ['KMS.ThrottlingException', 400],
    ['BadRequest', 400, 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'],
    ['RequestTimeout', 400],
    ['OperationAborted', 409],
    ['ConditionalRequestConflict', 409],
    ['TimeoutError', undefined],
    ['ECONNREFUSED', undefined],
    ['InternalError', 500],
    ['NeverSeenBefore', 503],
    ['NeverSeenBefore', 429],
  ])('%s with status %s passes: it is asked again, and nobody is to do anything', (...[name, status, message]) => {
    const problem = answered(name, status, message);
    expect({ kind: problem.kind, message: problem.message }).toEqual({
      kind: 'unreachable',
      message: `s3://bucket/key: ${name}: ${message ?? 'as it was said'}`,
    });
  });

  test.each<readonly [name: string, status: number | undefined, kind: AwsProblem['kind'], todo: string]>([
    ['ExpiredToken', 400, 'unreachable', 'needs valid credentials'],
    ['ExpiredTokenException', 400, 'unreachable', 'needs valid credentials'],
    ['CredentialsProviderError', undefined, 'unreachable', 'needs valid credentials'],
    ['RequestTimeTooSkewed', 403, 'unreachable', 'set the clock'],
    ['InvalidAccessKeyId', 403, 'refused', 'does not know the access key'],
    ['UnrecognizedClientException', 400, 'refused', 'does not know the access key'],
    ['SignatureDoesNotMatch', 403, 'refused', 'the secret key'],
    ['AccessDenied', 403, 'refused', 'its role needs s3:PutObject there'],
    ['403', 403, 'refused', 'its role needs s3:PutObject there'],
    ['NoSuchBucket', 404, 'refused', 'name of the bucket and its region'],
    ['301', 301, 'refused', 'name of the bucket and its region'],
    ['InvalidArgument', 400, 'refused', 'correct the request'],
    ['NeverSeenBefore', 403, 'refused', 'its role needs s3:PutObject there'],
  ])('%s with status %s is %s, and says what to do: %s', (name, status, kind, todo) => {
    const problem = answered(name, status);
    expect(problem.kind).toBe(kind);
    expect(problem.message).toContain(`${name}: as it was said; `);
    expect(problem.message).toContain(todo);
  });

  test('about a signature that is too old is about the clock', () => {
    const problem = answered('InvalidSignatureException', 400, 'Signature expired: 20260102T030405Z is now earlier');
    expect(problem).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('set the clock') as string });
  });

  test.each([
    ['AccessDenied', denial('kms:GenerateDataKey'), `its role needs kms:GenerateDataKey of the key ${key}`],
    ['AccessDeniedException', denial('kms:Decrypt'), `its role needs kms:Decrypt of the key ${key}`],
    [
      'KMS.AccessDeniedException',
      'The ciphertext refers to a customer master key that does not exist.',
      'its role needs kms:Decrypt and kms:GenerateDataKey of the key that encrypts there',
    ],
    ['KMS.DisabledException', `${key} is disabled.`, `look after the key ${key}`],
    ['KMS.NotFoundException', 'Invalid keyId', 'look after the key that encrypts there'],
  ])('%s of the key names the key, not the bucket: %s', (name, message, todo) => {
    const problem = answered(name, 400, message);
    expect({ kind: problem.kind, todo: problem.message.split('; ').at(-1) }).toEqual({ kind: 'refused', todo });
  });

  test('to a HEAD has no name: 400 may be credentials that have just expired, so it passes', () => {
    expect(answered('400', 400, 'UnknownError').kind).toBe('unreachable');
    expect(answered('BadRequest', 400, '').kind).toBe('unreachable');
  });
});
