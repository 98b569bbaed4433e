/** What happens on one link, counted. Plain numbers; the worker turns them into metrics and views. */
export class LinkMeters {
  fetchAnswers = 0;
  fetchedBytes = 0;
  produceRequests = 0;
  producedBatches = 0;
  producedBytes = 0;
  resumes = 0;
  malformedAnswers = 0;
  corruptBatches = 0;
  readonly source = new Health();
  readonly target = new Health();

  sourceAnswered(bytes: number): void {
    this.fetchAnswers += 1;
    this.fetchedBytes += bytes;
    this.source.good();
  }

  sourceFailed(error: unknown): void {
    this.source.bad(error);
  }

  produced(batches: number, bytes: number): void {
    this.produceRequests += 1;
    this.producedBatches += batches;
    this.producedBytes += bytes;
    this.target.good();
  }

  targetFailed(error: unknown): void {
    this.target.bad(error);
  }

  malformed(): void {
    this.malformedAnswers += 1;
  }

  /** The target refused a batch whose bytes were damaged on the way. */
  corrupt(): void {
    this.corruptBatches += 1;
  }
}

/** Whether one cluster answers. */
export class Health {
  failures = 0;
  #problem: string | undefined;

  good(): void {
    this.#problem = undefined;
  }

  bad(error: unknown): void {
    this.failures += 1;
    this.#problem = error instanceof Error ? error.message : String(error);
  }

  /** The newest failure, until an answer comes. */
  get problem(): string | undefined {
    return this.#problem;
  }
}
