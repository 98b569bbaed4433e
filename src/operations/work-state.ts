/** How far one life of a controller is with the work of a step: gone with the process, and then begun again. */
export type WorkState =
  | { readonly kind: 'none' }
  | { readonly kind: 'done' }
  /** It cannot be done, or not in time. */
  | { readonly kind: 'failed'; readonly reason: string };
