import { z } from 'zod';
import { type OperationView, operationsAnswerSchema, operationViewSchema } from '../../worker/moves/operation-view.ts';
import { Problem } from '../../worker/problems.ts';
import { knownWorkers } from '../discovery.ts';
import { operationLine, renderOperations } from '../move-text.ts';
import { answer, type Verb } from '../verb.ts';

export const operations: Verb = {
  name: 'operations',
  summary: 'the failovers of both sites, newest first, with the step each is at',
  run: async (context) => {
    const found = new Map<string, OperationView>();
    const workers = await knownWorkers(context.options, context.io.cwd);
    let refusal: Problem | undefined;
    for (const { client } of workers) {
      try {
        for (const operation of await client.operations(context.signal)) found.set(operation.id, operation);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        refusal = error;
      }
    }
    if (found.size === 0 && refusal !== undefined) throw refusal;
    const newest = [...found.values()].toSorted((left, right) => right.startedAt.localeCompare(left.startedAt));
    answer(context, operationsAnswerSchema.parse({ operations: newest }), () => renderOperations(newest));
    return 0;
  },
};

/** The shape of `umbra abort --json`. */
export const abortReportSchema = z.strictObject({ operation: operationViewSchema });

export const abort: Verb = {
  name: 'abort',
  summary: 'give an operation up that is not yet past its point of no return',
  parameters: '<ID>',
  run: async (context, [given]) => {
    const id = String(given);
    const workers = await knownWorkers(context.options, context.io.cwd);
    let refusal: Problem | undefined;
    for (const { client } of workers) {
      try {
        const operation = await client.abortOperation(id, context.signal);
        answer(context, abortReportSchema.parse({ operation }), () => operationLine(operation));
        return 0;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (refusal === undefined || error.code !== 'NOT_FOUND') refusal = error;
      }
    }
    throw refusal ?? new Problem('NOT_FOUND', `no site coordinates an operation ${id}`);
  },
};
