import { type FolderArchive, S3Folders } from '../aws/s3-folders.ts';
import type { WorkerConfig } from './worker-config.ts';

/** Where quarantines are written, and where they are kept beside. */
export interface QuarantinePlaces {
  readonly quarantineFolder: string | undefined;
  readonly quarantineArchive: FolderArchive | undefined;
}

export function quarantineOf({
  quarantineFolder,
  quarantineArchive: place,
}: Pick<WorkerConfig, 'quarantineFolder' | 'quarantineArchive'>): QuarantinePlaces {
  return { quarantineFolder, quarantineArchive: place === undefined ? undefined : new S3Folders(place) };
}
