/** What became of one attempt of a hook. */
export type Attempt =
  /** `shown`: what a probe has found out. */
  { readonly kind: 'done'; readonly shown?: string } | { readonly kind: 'failed'; readonly reason: string };
