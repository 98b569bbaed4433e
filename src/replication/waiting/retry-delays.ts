/** How long to wait before asking again. One place, so that nothing hammers a broker and nothing waits for ever. */
export const retryDelays = {
  firstMs: 50,
  maxMs: 5_000,
  /** A missing right is only put right by a person. */
  deniedMs: 5_000,
  /** After an answer was lost the broker may still be working on the request. */
  lostAnswerMs: 1_000,
  after(failuresInRow: number): number {
    return Math.min(this.firstMs * 2 ** Math.min(failuresInRow, 10), this.maxMs);
  },
} as const;
