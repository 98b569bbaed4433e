import type { SiteId } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { clusterCodes } from './cluster-codes.ts';
import { pairCodes } from './pair-codes.ts';

/**
 * The one table of what `umbra doctor` can find; docs/doctor.md shows it, and a test holds the two equal. `error`: something
 * does not work now, or records are lost or wrong. `warn`: it will hurt when something else happens.
 */
export const doctorCodes = { ...clusterCodes, ...pairCodes } as const;

export type FindingCode = keyof typeof doctorCodes;

/** A finding of the table. `message` says what and where, with the bound; `remedy` the next thing to do. */
export function found(
  code: FindingCode,
  about: { readonly site?: SiteId | undefined; readonly message: string; readonly remedy: string },
): Finding {
  const { level, subject } = doctorCodes[code];
  const { site, message, remedy } = about;
  return { level, code, ...(site === undefined ? {} : { site }), subject, message, remedy };
}

/** Something that was looked at and is in order. */
export function inOrder(site: SiteId | undefined, subject: string, message: string): Finding {
  return { level: 'ok', ...(site === undefined ? {} : { site }), subject, message };
}
