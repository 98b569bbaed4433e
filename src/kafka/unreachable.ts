/** The end of every exhaustive `switch`: a case added to a union without being handled fails to compile here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}
