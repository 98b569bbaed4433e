/** What was read of a text, or why it was not: words that follow the name of the field. */
export type Reading<Value> = Read<Value> | Refusal;

export interface Read<Value> {
  readonly kind: 'read';
  readonly value: Value;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly why: string;
}

export function read<Value>(value: Value): Read<Value> {
  return { kind: 'read', value };
}

export function refused(why: string): Refusal {
  return { kind: 'refused', why };
}
