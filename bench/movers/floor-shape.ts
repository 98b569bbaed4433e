/** Bytes that answer one ask: as many as one of our fetches brings. */
export const floorAnswerBytes = 4 * 1024 * 1024;
