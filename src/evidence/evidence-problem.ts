/**
 * - `KEY_REFUSED`       the key is readable by others, or is no Ed25519 key
 * - `DIFFERENT`         other bytes lie at the name already: nothing there is ever written over
 * - `CHAIN_MOVED`       the chain does not end where the caller left it
 * - `CHAIN_DAMAGED`     the chain's end cannot be read or is not what its head says
 * - `INPUT_REFUSED`     what is to be recorded is not what a document may hold
 */
export type EvidenceProblemCode = 'KEY_REFUSED' | 'DIFFERENT' | 'CHAIN_MOVED' | 'CHAIN_DAMAGED' | 'INPUT_REFUSED';

/** Why something was not recorded: one line that says what, where and what to do. */
export class EvidenceProblem extends Error {
  readonly code: EvidenceProblemCode;

  constructor(code: EvidenceProblemCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EvidenceProblem';
    this.code = code;
  }
}
