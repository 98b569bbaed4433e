/** A step of an operation cannot be done, however long it is tried: the operation is given up at once. One line. */
export class ImpossibleError extends Error {
  override readonly name = 'ImpossibleError';
}
