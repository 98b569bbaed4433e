import type { SiteId } from '../pair/site.ts';

/** A canary topic that is to be written and read. */
export interface CanaryTopic {
  readonly name: string;
  /** `a-b` for a topic whose home is site a. */
  readonly link: string;
  readonly partitions: number;
}

/** Who may be written to, as far as is known. */
export interface CanaryPrimary {
  readonly site: SiteId;
  readonly term: number;
}
