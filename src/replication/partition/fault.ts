/**
 * Why a partition stopped for good. A fault is never retried by itself: continuing would move, lose or double a
 * record. Codes are stable; the table gives the remedy, the fault carries the sentence with its offsets.
 */
export const faultRemedies = {
  DIVERGED:
    'The copy holds something the source does not have at that offset. Rebuild it: "npx umbra rebuild TOPIC" (it shows what goes first).',
  FOREIGN_WRITE:
    'Somebody other than the link wrote to the copy. Withdraw that right, then rebuild it: "npx umbra rebuild TOPIC".',
  SOURCE_TRUNCATED:
    'The source lost records that the copy still has. Decide which side is right; "npx umbra rebuild TOPIC" keeps those records in files and follows the source.',
  SOURCE_RECREATED:
    'The source topic was deleted and created anew. The old copy is kept; "npx umbra rebuild TOPIC" moves it to files and copies the new topic.',
  SHADOW_RECREATED: 'The copy was deleted and created anew by somebody else. Delete it; the link will build its own.',
  SHADOW_NOT_OURS: 'A topic of that name exists at the target and was not made by the link. Rename or delete it there.',
  RETENTION_AHEAD:
    'The source deleted records before they were copied. Raise its retention, then rebuild the copy: "npx umbra rebuild TOPIC".',
  GAP_TOO_LARGE:
    'Decide whether the missing offsets are worth their price: set gap: "fill" on the link and run "pulumi up", or leave the topic out.',
  MARKERS_DENIED:
    "Grant umbra's principal ALTER on the cluster at the target: gaps are filled with transaction markers.",
  OLD_FORMAT: 'Message formats 0 and 1 are not supported; rewrite the topic with message format 2.',
  PRODUCER_FENCED:
    "Another process used the link's producer id with a newer epoch. Find and stop it, then restart the worker.",
  REFUSED: "The target refuses the batch. Compare the topic's configuration at both sites (npx umbra doctor).",
  BATCH_TOO_LARGE:
    'A batch with holes or log append time is too large to be taken apart. Rewrite it in smaller batches, or leave the topic out.',
  NOT_REPACKABLE:
    'A batch with holes or log append time holds something that cannot be written anew. Write its records once more at the source, or leave the topic out.',
  CORRUPT: 'The bytes arrive damaged again and again. Check memory, disk and network of source, worker and target.',
} as const satisfies Record<string, string>;

export type FaultCode = keyof typeof faultRemedies;

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(faultRemedies, code);
}

export interface Fault {
  readonly code: FaultCode;
  /** One sentence for a person, with the offset where there is one. */
  readonly message: string;
  readonly offset?: bigint;
}
