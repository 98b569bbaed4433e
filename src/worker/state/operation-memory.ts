import { z } from 'zod';
import { type CutRecord, cutRecordSchema } from '../../operations/cut.ts';
import {
  isOver,
  isPartOver,
  type OperationRecord,
  operationRecordSchema,
  type PartRecord,
  partRecordSchema,
} from '../../operations/operation.ts';
import { type RoleRecord, roleRecordSchema } from '../../pair/ownership.ts';
import type { ShadowRecord } from './shadow-record.ts';

const operationPrefix = 'operation/';
const namesPrefix = 'operation-topics/';
const partPrefix = 'part/';
const cutPrefix = 'cut/';
/** One record for each copy. */
export const levelPrefix = 'level/';
const rolePrefix = 'role/';
const shadowPrefix = 'shadow/';

/** Names in one record: it has to stay below what a broker takes in one batch. */
const namesPerPage = 1_000;
/**
 * Of operations that are over this many are kept, the newest; beside them every one that made a topic primary which is still
 * so by it. The other site may have been away since then: by this record alone it fences what it has lost.
 */
export const operationsKeptMax = 100;

const namesSchema = z.strictObject({ operation: z.string(), page: z.int().min(0), topics: z.array(z.string()) });

/** A copy that was level with its source at least once: what a failover must know when the source cannot be asked. */
const levelSchema = z.strictObject({ topic: z.string(), copyTopicId: z.string() });

/** What `_umbra` is to those who keep records in it: entries are written all or none. */
export interface StateEntries {
  all<Schema extends z.ZodType>(prefix: string, schema: Schema): z.output<Schema>[];
  read<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined;
  write(entries: readonly (readonly [string, object | undefined])[], signal: AbortSignal): Promise<void>;
}

/** What an operation changes together when its topics become primary here. */
export interface Promotion {
  readonly operation: OperationRecord;
  readonly roles: readonly RoleRecord[];
  readonly cuts: readonly CutRecord[];
}

/** What the old primary changes together when it accepts the new terms. */
export interface Acceptance {
  readonly part: PartRecord;
  readonly roles: readonly RoleRecord[];
  readonly shadows: readonly ShadowRecord[];
}

/** The part of `_umbra` that is about moving roles: operations coordinated here, parts taken in those of the other site. */
export class OperationMemory {
  readonly #entries: StateEntries;

  constructor(entries: StateEntries) {
    this.#entries = entries;
  }

  operations(): readonly OperationRecord[] {
    return this.#entries.all(operationPrefix, operationRecordSchema);
  }

  operation(id: string): OperationRecord | undefined {
    return this.#entries.read(operationPrefix + id, operationRecordSchema);
  }

  /** Names of its topics; in the order of the plan. */
  topicsOf(id: string): readonly string[] {
    return this.#entries
      .all(`${namesPrefix}${id}/`, namesSchema)
      .toSorted((left, right) => left.page - right.page)
      .flatMap(({ topics }) => topics);
  }

  parts(): readonly PartRecord[] {
    return this.#entries.all(partPrefix, partRecordSchema);
  }

  part(operation: string): PartRecord | undefined {
    return this.#entries.read(partPrefix + operation, partRecordSchema);
  }

  cut(topic: string): CutRecord | undefined {
    return this.#entries.read(cutPrefix + topic, cutRecordSchema);
  }

  /** Of every topic that this site was made primary of by an operation, the newest each. */
  cuts(): readonly CutRecord[] {
    return this.#entries.all(cutPrefix, cutRecordSchema);
  }

  /** Whether this copy was level with its source at least once. */
  wasLevel(topic: string, copyTopicId: string): boolean {
    return this.#entries.read(levelPrefix + topic, levelSchema)?.copyTopicId === copyTopicId;
  }

  putLevel(
    copies: readonly { readonly topic: string; readonly copyTopicId: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    return this.#entries.write(
      copies.map((copy) => [levelPrefix + copy.topic, copy] as const),
      signal,
    );
  }

  /** A new operation with its topics; old ones that are over are forgotten. */
  begin(operation: OperationRecord, topics: readonly string[], signal: AbortSignal): Promise<void> {
    const pages = Array.from({ length: Math.ceil(topics.length / namesPerPage) }, (_, page) => ({
      operation: operation.id,
      page,
      topics: topics.slice(page * namesPerPage, (page + 1) * namesPerPage),
    }));
    return this.#entries.write(
      [
        ...this.#forgotten(),
        ...pages.map((page) => [`${namesPrefix}${operation.id}/${page.page}`, page] as const),
        [operationPrefix + operation.id, operation],
      ],
      signal,
    );
  }

  put(operation: OperationRecord, signal: AbortSignal): Promise<void> {
    return this.#entries.write([[operationPrefix + operation.id, operation]], signal);
  }

  putPart(part: PartRecord, signal: AbortSignal): Promise<void> {
    return this.#entries.write([[partPrefix + part.operation, part]], signal);
  }

  /** Parts in operations that their coordinator has forgotten: see {@link partsToForget}. */
  forgetParts(operations: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#entries.write(
      operations.map((operation) => [partPrefix + operation, undefined] as const),
      signal,
    );
  }

  /** The point of no return: new terms, the cut, no copies any more, and where the operation is. */
  promote({ operation, roles, cuts }: Promotion, signal: AbortSignal): Promise<void> {
    return this.#entries.write(
      [
        ...roles.map((role) => [rolePrefix + role.topic, role] as const),
        ...cuts.map((cut) => [cutPrefix + cut.topic, cut] as const),
        ...roles.flatMap(({ topic }) => [
          [shadowPrefix + topic, undefined] as const,
          [levelPrefix + topic, undefined] as const,
        ]),
        [operationPrefix + operation.id, operation],
      ],
      signal,
    );
  }

  /** The new terms are accepted, and what was primary here is a copy where `shadows` says so. */
  accept({ part, roles, shadows }: Acceptance, signal: AbortSignal): Promise<void> {
    return this.#entries.write(
      [
        ...roles.map((role) => [rolePrefix + role.topic, role] as const),
        ...shadows.map((shadow) => [shadowPrefix + shadow.topic, shadow] as const),
        [partPrefix + part.operation, part],
      ],
      signal,
    );
  }

  #forgotten(): readonly (readonly [string, undefined])[] {
    const standing = this.#standing();
    const over = this.operations()
      .filter(({ step }) => isOver(step))
      .toSorted((left, right) => right.startedAt.localeCompare(left.startedAt));
    return over
      .slice(operationsKeptMax - 1)
      .filter(({ id }) => !standing.has(id))
      .flatMap(({ id, topics }) => [
        [operationPrefix + id, undefined] as const,
        ...Array.from(
          { length: Math.ceil(topics / namesPerPage) },
          (_, page) => [`${namesPrefix}${id}/${page}`, undefined] as const,
        ),
      ]);
  }

  /** Operations by which a topic is primary where it is: no later term is known of it. */
  #standing(): ReadonlySet<string> {
    const roles = this.#entries.all(rolePrefix, roleRecordSchema);
    return new Set(
      roles.flatMap(({ topic, term }) => {
        const cut = this.cut(topic);
        return cut?.term === term ? [cut.operation] : [];
      }),
    );
  }
}

export interface PartsKnown {
  readonly parts: readonly PartRecord[];
  /** Of the coordinating site, read to its end just now. */
  readonly operations: readonly Pick<OperationRecord, 'id'>[];
}

/**
 * Parts of operations that the other site has forgotten: nothing can ask for them any more. As long as it shows one, a part
 * that were missing would be taken for one that was not begun with, and its topics would be fenced again, wherever they are by
 * now. So nothing is concluded from a list that is too short to have had anything taken from it. Pure.
 */
export function partsToForget({ parts, operations }: PartsKnown): readonly string[] {
  if (operations.length < operationsKeptMax) return [];
  const shown = new Set(operations.map(({ id }) => id));
  return parts.flatMap(({ operation, state }) => (isPartOver(state) && !shown.has(operation) ? [operation] : []));
}
