import { parseS3Url, renderS3Url, type S3Place } from '../../aws/s3-place.ts';
import { type SiteId, siteIdSchema } from '../../pair/site.ts';
import { pairNameSchema } from '../../pair/spec.ts';

/** Where a site is told its spec by a document and answers by another one, in place of its workers' API. */
export interface ChannelPlace extends S3Place {
  readonly pair: string;
  readonly site: SiteId;
}

/** `s3://bucket/prefix?region=eu-west-1&pair=orders&site=b`: what resources take for the URL of a site's worker. */
export function renderChannelUrl({ pair, site, ...place }: ChannelPlace): string {
  return `${renderS3Url(place)}&pair=${pair}&site=${site}`;
}

/** The same back; undefined for anything else. */
export function parseChannelUrl(url: string): ChannelPlace | undefined {
  const match = /^(s3:.*)&pair=([^&]*)&site=([^&]*)$/.exec(url);
  const place = parseS3Url(match?.[1] ?? '');
  const [pair, site] = [pairNameSchema.safeParse(match?.[2]), siteIdSchema.safeParse(match?.[3])];
  return place === undefined || !pair.success || !site.success
    ? undefined
    : { ...place, pair: pair.data, site: site.data };
}
