import type pulumi from '@pulumi/pulumi';

/** What every resource that is a section of the pair's spec needs to be declared at the workers. */
export interface SpecArgs {
  /** Token of the workers' API, where they ask for one. */
  readonly apiToken?: pulumi.Input<string>;
  /**
   * Ids of the two Kafka clusters. A cluster that was made anew has forgotten what was declared: with the ids given,
   * that is noticed and declared again.
   */
  readonly clusterIds?: { readonly a: pulumi.Input<string>; readonly b: pulumi.Input<string> };
}

/** API of each site's worker. */
export interface WorkerUrls {
  readonly a: pulumi.Input<string>;
  readonly b: pulumi.Input<string>;
}
