/** One row of the table in doctor-codes.ts. */
export interface DoctorCode {
  readonly level: 'warn' | 'error';
  /** Under which word it is listed. */
  readonly subject: string;
  /** What is wrong, and what comes of it. */
  readonly finds: string;
  readonly remedy: string;
}
