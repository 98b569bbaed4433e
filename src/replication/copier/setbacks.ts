import type { FaultCode } from '../partition/fault.ts';

const damagedInRowMax = 5;
/** A leader that moves is over sooner: what lasts longer is worth telling a person. */
const troubleAfterMs = 2_000;

/** What has gone wrong with one partition since it last came further, and how often. */
export class Setbacks {
  #resumesInRow = 0;
  #damagedInRow = 0;
  #suspected: FaultCode | undefined;
  #trouble: { readonly sinceMs: number; readonly reason: string } | undefined;

  get resumesInRow(): number {
    return this.#resumesInRow;
  }

  get damagedInRow(): number {
    return this.#damagedInRow;
  }

  /** What has kept it from coming further for some seconds now. */
  trouble(nowMs: number): string | undefined {
    const trouble = this.#trouble;
    return trouble === undefined || nowMs - trouble.sinceMs < troubleAfterMs ? undefined : trouble.reason;
  }

  interrupted(reason: string, nowMs: number): void {
    this.#resumesInRow += 1;
    this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? nowMs, reason };
  }

  /** True when it has happened so often in a row that trying again is no use. */
  damaged(): boolean {
    this.#damagedInRow += 1;
    return this.#damagedInRow > damagedInRowMax;
  }

  /** True when the reading before this one said the same. */
  suspected(code: FaultCode): boolean {
    const again = this.#suspected === code;
    this.#suspected = code;
    return again;
  }

  /** Level with the source. */
  settled(): void {
    this.#resumesInRow = 0;
    this.#trouble = undefined;
  }

  /** Something was appended. */
  advanced(): void {
    this.settled();
    this.#damagedInRow = 0;
    this.#suspected = undefined;
  }
}
