/** A link by its direction: `a-b` copies from site a to site b. */
export type LinkId = 'a-b' | 'b-a';

export const linkIds: readonly LinkId[] = ['a-b', 'b-a'];
