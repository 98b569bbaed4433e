import type { SSMClient } from '@aws-sdk/client-ssm';
import { awsProblem, errorNameOf } from './aws-problem.ts';
import { type Bounded, requestHandler, type SmallRequestBounds, smallRequests, withinTime } from './request-bounds.ts';

/** Texts of at most 4 KiB, each under a name, in one region. Rejects with an `AwsProblem`. */
export interface Parameters {
  /** Undefined where there is none. */
  read(name: string, signal: AbortSignal): Promise<string | undefined>;
  write(name: string, value: string, signal: AbortSignal): Promise<void>;
}

/** Of a parameter of the standard tier. */
export const parameterBytesMax = 4_096;

/** {@link Parameters} in the parameter store of SSM. Credentials come from the SDK's own chain; it is loaded with the first request. */
export class SsmParameters implements Parameters {
  readonly #region: string;
  readonly #bounds: SmallRequestBounds;
  #client: Promise<SSMClient> | undefined;

  constructor(region: string, bounds: SmallRequestBounds = smallRequests) {
    this.#region = region;
    this.#bounds = bounds;
  }

  read(name: string, signal: AbortSignal): Promise<string | undefined> {
    return withinTime(this.#bounded(name), signal, (bounded) => this.#read(name, bounded));
  }

  write(name: string, value: string, signal: AbortSignal): Promise<void> {
    return withinTime(this.#bounded(name), signal, (bounded) => this.#write(name, value, bounded));
  }

  async #read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { GetParameterCommand } = await import('@aws-sdk/client-ssm');
    const client = await this.#connected();
    try {
      const answer = await client.send(new GetParameterCommand({ Name: name }), { abortSignal: signal });
      return answer.Parameter?.Value;
    } catch (error) {
      signal.throwIfAborted();
      if (errorNameOf(error) === 'ParameterNotFound') return undefined;
      throw awsProblem(error, { where: this.#where(name), action: 'ssm:GetParameter' });
    }
  }

  async #write(name: string, value: string, signal: AbortSignal): Promise<void> {
    const { PutParameterCommand } = await import('@aws-sdk/client-ssm');
    const client = await this.#connected();
    const command = new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true });
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, { where: this.#where(name), action: 'ssm:PutParameter' });
    }
  }

  #bounded(name: string): Bounded {
    return { where: this.#where(name), wholeMs: this.#bounds.wholeMs };
  }

  #where(name: string): string {
    return `${name} in ${this.#region}`;
  }

  #connected(): Promise<SSMClient> {
    this.#client ??= connect(this.#region, this.#bounds);
    return this.#client;
  }
}

async function connect(region: string, bounds: SmallRequestBounds): Promise<SSMClient> {
  const { SSMClient: Client } = await import('@aws-sdk/client-ssm');
  // The step that waits for it tries again itself.
  return new Client({ region, requestHandler: requestHandler(bounds), maxAttempts: 2 });
}
