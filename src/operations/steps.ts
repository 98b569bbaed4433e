import type { OperationKind, StepKind } from './operation.ts';

/** One step of an operation, in words: plans print them, the docs list them. */
export interface StepText {
  readonly kind: StepKind;
  /** What is going to be done. */
  readonly intent: string;
  /** By which it is known to be done, also after a crash. */
  readonly probe: string;
  /** How it is taken back; undefined behind the point of no return, where operations only go forwards. */
  readonly undo: string | undefined;
}

const texts = {
  fencing: {
    intent: 'the old primary withdraws WRITE from everybody, and remembers from whom',
    probe: 'its `_umbra` says fenced, after its log ends stood still in two looks',
    undo: 'it gives back exactly what it withdrew',
  },
  draining: {
    intent: 'everything that the old primary acknowledged is copied, and committed positions with it',
    probe: 'every copy ends where its source ends',
    undo: 'nothing to take back',
  },
  settling: {
    intent: 'copying ends; log ends and, where the old primary is well, the last records of both sides are compared',
    probe: 'no worker holds a partition of these topics, and both logs end alike',
    undo: 'copying goes on',
  },
  sealing: {
    intent: 'the old primary looks at its fence and log ends again, and promises not to give WRITE back by itself',
    probe: 'its `_umbra` says sealed',
    undo: 'the coordinator says aborted, and the rights are given back',
  },
  promoting: {
    intent:
      'the topics get the configs of their source, producer ids are brought past the old ones; then the new terms and the cut are written, all or none',
    probe: 'the roles in `_umbra` of the new primary: the point of no return',
    undo: 'the configs of copies are put back',
  },
  granting: {
    intent: 'WRITE that was withheld is granted',
    probe: 'the ACLs read back',
    undo: undefined,
  },
  repointing: {
    intent:
      'the hooks of the new primary are run, which prove that it serves and move aliases; GET /v1/bootstrap names it already',
    probe: 'every hook has ended well, or failed for good and stands in the remarks',
    undo: undefined,
  },
  reversing: {
    intent: 'the old primary’s topics become copies from where they end: nothing is copied again',
    probe: 'its `_umbra` says reversed',
    undo: undefined,
  },
} as const satisfies Partial<Record<StepKind, Omit<StepText, 'kind'>>>;

export type WorkingStep = keyof typeof texts;

/** In order. The new terms are written at the end of `promoting`. */
export const pathOf: Readonly<Record<OperationKind, readonly WorkingStep[]>> = {
  failover: ['fencing', 'settling', 'promoting', 'granting', 'repointing'],
  switchover: ['fencing', 'draining', 'settling', 'sealing', 'promoting', 'granting', 'repointing', 'reversing'],
};

export function stepText(kind: WorkingStep): StepText {
  return { kind, ...texts[kind] };
}

/** What comes after a step; undefined after the last one. */
export function stepAfter(operation: OperationKind, step: WorkingStep): WorkingStep | undefined {
  const path = pathOf[operation];
  return path[path.indexOf(step) + 1];
}
