import type { z } from 'zod';
import type { CheckFailure, InvokeHandler } from './handler.ts';
import { parseKnownInputs } from './known-inputs.ts';
import { decodeProperties, hasUnknown, type PropertyMap } from './property.ts';

export interface InvokeResult {
  readonly outputs: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

/** A function with its types hidden behind property maps: what the gRPC method calls. */
export interface Invoke {
  readonly token: string;
  call(inputs: PropertyMap, signal: AbortSignal): Promise<InvokeResult>;
}

/** Arguments that are unknown in a preview are refused: the answer would be a guess. */
export function bindInvoke<I extends z.ZodObject>(handler: InvokeHandler<I>): Invoke {
  return {
    token: handler.token,
    async call(inputs, signal) {
      if (hasUnknown(inputs)) throw new Error(`${handler.token} needs arguments that are known at once`);
      const { known, failures } = parseKnownInputs(handler.inputs, inputs, []);
      // Reasons name their fields, and the engine would print the values beside a property.
      const unnamed = failures.map(({ reason }) => ({ property: '', reason }));
      if (unnamed.length > 0) return { outputs: {}, failures: unnamed };
      const outputs = await handler.call(known as z.output<I>, signal); // as: all is known and every property was parsed
      return { outputs: decodeProperties(outputs), failures: [] };
    },
  };
}
