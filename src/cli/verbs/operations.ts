import { z } from 'zod';
import type { ApiClient } from '../../api/client.ts';
import { parseInput } from '../../api/input.ts';
import {
  operationsAnswerSchema,
  type OperationView,
  operationViewSchema,
  type PartView,
  partViewSchema,
} from '../../worker/moves/operation-view.ts';
import { Problem } from '../../worker/problems.ts';
import { knownWorkers } from '../discovery.ts';
import { operationLine, renderOperations } from '../move-text.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';

export const operations: Verb = {
  name: 'operations',
  summary: 'the operations of both sites, newest first, with the step each is at',
  run: async (context) => {
    const found = new Map<string, OperationView>();
    const parts = new Map<string, PartView>();
    const workers = await knownWorkers(context.options, context.io.cwd);
    let refusal: Problem | undefined;
    for (const { client } of workers) {
      try {
        const told = await client.operationsAndParts(context.signal);
        for (const operation of told.operations) found.set(operation.id, operation);
        for (const part of told.parts) parts.set(part.operation, part);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        refusal = error;
      }
    }
    if (found.size + parts.size === 0 && refusal !== undefined) throw refusal;
    const newest = [...found.values()].toSorted((left, right) => right.startedAt.localeCompare(left.startedAt));
    const answered = operationsAnswerSchema.parse({ operations: newest, parts: [...parts.values()] });
    answer(context, answered, () => renderOperations(answered));
    return 0;
  },
};

/** The shape of `umbra release --json`. */
export const releaseReportSchema = z.strictObject({ part: partViewSchema });

export const release: Verb = {
  name: 'release',
  summary: 'give back what was withdrawn for an operation of a site that is gone for good',
  parameters: '<ID>',
  declare: (command) =>
    command.option('--new-side-unconfirmed', 'I made sure that the other site does not take the topics over any more'),
  run: async (context, [given], raw) => {
    const { newSideUnconfirmed } = parseInput(releaseOptions, raw, 'option');
    if (!newSideUnconfirmed) {
      const message =
        'two sites that both take writes cannot be put together again: make sure that the other one is gone or cut off, then say --new-side-unconfirmed';
      throw new Problem('INVALID_INPUT', message);
    }
    const part = await askEach(context, (client) => client.releaseOperation(String(given), context.signal));
    const line = `${part.operation}: its rights are being given back; "umbra operations" shows when they are`;
    answer(context, releaseReportSchema.parse({ part }), () => line);
    return 0;
  },
};

const releaseOptions = z.looseObject({ newSideUnconfirmed: z.boolean().default(false) });

/** The shape of `umbra abort --json`. */
export const abortReportSchema = z.strictObject({ operation: operationViewSchema });

export const abort: Verb = {
  name: 'abort',
  summary: 'give an operation up that is not yet past its point of no return',
  parameters: '<ID>',
  run: async (context, [given]) => {
    const operation = await askEach(context, (client) => client.abortOperation(String(given), context.signal));
    answer(context, abortReportSchema.parse({ operation }), () => operationLine(operation));
    return 0;
  },
};

/** The site that knows it answers; the other one says that it does not. */
async function askEach<T>(context: VerbContext, ask: (client: ApiClient) => Promise<T>): Promise<T> {
  const workers = await knownWorkers(context.options, context.io.cwd);
  let refusal: Problem | undefined;
  for (const { client } of workers) {
    try {
      return await ask(client);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (refusal === undefined || error.code !== 'NOT_FOUND') refusal = error;
    }
  }
  throw refusal ?? new Problem('NOT_FOUND', 'no site knows such an operation');
}
