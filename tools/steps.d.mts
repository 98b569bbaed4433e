export declare class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions);
}

export interface StepOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface StepResult<T> {
  readonly value: T;
  /** What was found or done, in a few words: `17.0.15`, `89 jars, cached`. */
  readonly summary: string;
}

export declare function renderStep(step: {
  readonly mark: string;
  readonly name: string;
  readonly detail: string;
  readonly elapsedMs: number;
}): string;

export interface StepOptions {
  /** Standard output unless given. */
  readonly out?: StepOutput;
  /** Other output goes on beside it: nothing is redrawn. */
  readonly background?: boolean;
}

export declare function runStep<T>(
  name: string,
  work: (report: (detail: string) => void) => Promise<StepResult<T>>,
  options?: StepOptions,
): Promise<T>;

export declare function renderError(error: unknown): string;
