import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AwsProblem } from '../aws/aws-problem.ts';
import { parseS3Url } from '../aws/s3-place.ts';
import type { FoundEvidence } from '../evidence/place.ts';
import { Problem } from '../worker/problems.ts';
import { projectFolder } from './discovery.ts';
import type { VerbContext } from './verb.ts';

/**
 * What lies at the place that `--from` names: a folder, or `s3://bucket/prefix/?region=…`; without it `.umbra/evidence` of
 * the project. Rejects with `NOT_FOUND` where there is no chain: nothing to look at must not look like nothing wrong.
 */
export async function evidenceAt(context: VerbContext, from: string | undefined): Promise<FoundEvidence> {
  const { findEvidence } = await import('../evidence/place.ts');
  const where = from ?? (await ownPlace(context));
  const s3 = parseS3Url(where);
  if (s3 === undefined && where.startsWith('s3://')) {
    throw new Problem('INVALID_INPUT', '--from: a place in S3 is written s3://BUCKET/PREFIX/?region=REGION');
  }
  const path = resolve(context.io.cwd, where);
  if (s3 === undefined && !(await isFolder(path))) throw new Problem('NOT_FOUND', `${path}: there is no such folder`);
  const found = await findEvidence(s3 === undefined ? { kind: 'folder', path } : { kind: 's3', ...s3 }, context.signal);
  if (found.chains.length > 0) return found;
  throw new Problem(
    'NOT_FOUND',
    `${s3 === undefined ? path : where}: there is no evidence here; name its place by --from`,
  );
}

/** What AWS did not do becomes a problem of the table. */
export async function explainingAws<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AwsProblem)) throw error;
    const code = error.kind === 'refused' ? 'INVALID_INPUT' : 'UNREACHABLE';
    throw new Problem(code, error.message, { cause: error });
  }
}

async function ownPlace({ io }: VerbContext): Promise<string> {
  const project = await projectFolder(io.cwd);
  if (project !== undefined) return join(project, 'evidence');
  throw new Problem('NO_PAIR', `there is no .umbra in ${io.cwd} or above it; name the place of the evidence by --from`);
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
