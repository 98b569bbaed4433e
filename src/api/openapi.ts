import { z } from 'zod';
import { drillPlanSchema, drillViewSchema, runAnswerViewSchema } from '../worker/drill/drill-view.ts';
import { drillFindingSchema } from '../worker/state/drill-memory.ts';
import { linkAclsViewSchema } from '../worker/acl-view.ts';
import { bootstrapViewSchema } from '../worker/bootstrap/bootstrap-view.ts';
import { problems, type ProblemCode } from '../worker/problems.ts';
import { linkConfigsViewSchema, linkGroupsViewSchema, linkSchemasViewSchema } from '../worker/sync-views.ts';
import {
  faultViewSchema,
  lagViewSchema,
  linkViewSchema,
  pairViewSchema,
  partitionViewSchema,
  proofViewSchema,
  topicDetailViewSchema,
  topicViewSchema,
  violationViewSchema,
} from '../worker/views.ts';
import { movePlanSchema, operationViewSchema, partViewSchema } from '../worker/moves/operation-view.ts';
import { rebuildPlanSchema, rebuildViewSchema } from '../worker/rebuild/rebuild-view.ts';
import { problemBodySchema, problemContentType } from './problem-json.ts';
import type { AnswerShape, Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of the document as an answer: what it says inside is the business of OpenAPI 3.1, by which tests validate it. */
export const openApiSchema = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.unknown()),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

export type OpenApiDocument = z.output<typeof openApiSchema>;

/** Schemas that are named in the document; every other one stands where it is used. */
const named = {
  Acls: linkAclsViewSchema,
  Bootstrap: bootstrapViewSchema,
  Configs: linkConfigsViewSchema,
  Drill: drillViewSchema,
  DrillFinding: drillFindingSchema,
  DrillPlan: drillPlanSchema,
  DrillRun: runAnswerViewSchema,
  Fault: faultViewSchema,
  Groups: linkGroupsViewSchema,
  Lag: lagViewSchema,
  MovePlan: movePlanSchema,
  Operation: operationViewSchema,
  OperationPart: partViewSchema,
  Link: linkViewSchema,
  Pair: pairViewSchema,
  Partition: partitionViewSchema,
  Problem: problemBodySchema,
  Proof: proofViewSchema,
  Rebuild: rebuildViewSchema,
  RebuildPlan: rebuildPlanSchema,
  Schemas: linkSchemasViewSchema,
  Topic: topicViewSchema,
  TopicDetail: topicDetailViewSchema,
  Violation: violationViewSchema,
};

/**
 * The OpenAPI 3.1 document of these routes, made of the very schemas that parse their input and describe their answers.
 * It says nothing about the pair, only about this version of umbra.
 */
export function openApi(routes: readonly Route[]): OpenApiDocument {
  const schemas = answerSchemas(routes);
  const paths = new Map<string, Record<string, Json>>();
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths.set(path, { ...paths.get(path), [route.method.toLowerCase()]: operation(route, schemas) });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'umbra worker',
      version: '1',
      description:
        'Every worker of a site answers for the site. Offsets are decimal text (64 bits), times ISO 8601 in UTC. ' +
        'A worker without tokens listens on loopback only and asks for none.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, schemas.get(schema)])),
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

/** Those of answers and the named ones, through one registry: what is named is referred to wherever it is used. */
function answerSchemas(routes: readonly Route[]): ReadonlyMap<z.ZodType, Json> {
  const ids = new Map<z.ZodType, string>(Object.entries(named).map(([name, schema]) => [schema, name]));
  for (const { method, path, answer } of routes) {
    if (answer.kind === 'json' && !ids.has(answer.schema)) ids.set(answer.schema, `${method} ${path}`);
  }
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of ids) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: referenceTo, io: 'output' });
  return new Map([...ids].map(([schema, id]) => [schema, bare(schemas[id] ?? {})]));
}

function operation(route: Route, schemas: ReadonlyMap<z.ZodType, Json>): Json {
  const { summary, access, body } = route;
  return {
    operationId: operationId(route),
    summary,
    ...(access === 'open' ? { security: [] } : { security: [{ bearer: [access] }] }),
    parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: inputSchema(body) } } } }),
    responses: { ...goodAnswer(route.answer, schemas), ...refusals(route.problems) },
  };
}

/** `get /v1/topics/:name/rebuild` → `getTopicsNameRebuild`. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/v1\//, '').match(/[a-z]+/gi) ?? [];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parameters(place: 'path' | 'query', schema: z.ZodObject): readonly Json[] {
  const { properties = {}, required = [] } = inputSchema(schema) as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    ...{ name, in: place, required: required.includes(name), schema: property },
  }));
}

function goodAnswer(answer: AnswerShape, schemas: ReadonlyMap<z.ZodType, Json>): Json {
  switch (answer.kind) {
    case 'empty':
      return { 204: { description: 'Done' } };
    case 'text':
    case 'stream':
      return { 200: { description: 'Text', content: { [answer.contentType]: { schema: { type: 'string' } } } } };
    case 'json': {
      const name = Object.entries(named).find(([, schema]) => schema === answer.schema)?.[0];
      const schema = name === undefined ? schemas.get(answer.schema) : reference(name);
      return { 200: { description: 'Answered', content: { 'application/json': { schema } } } };
    }
  }
}

/** By status: which codes it stands for, each with its remedy. */
function refusals(codes: readonly ProblemCode[]): Json {
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `${code}: ${problems[code].remedy}`).join('\n'),
        content: {
          [problemContentType]: {
            schema: { allOf: [reference('Problem'), { properties: { code: { enum: those } } }] },
          },
        },
      },
    ]),
  );
}

function inputSchema(schema: z.ZodType): Json {
  return bare(z.toJSONSchema(schema, { io: 'input' }));
}

/** As it stands inside of a document that says for all which dialect it is. */
function bare({ $schema: _dialect, $id: _id, ...schema }: Json): Json {
  return schema;
}

function reference(name: string): Json {
  return { $ref: referenceTo(name) };
}

function referenceTo(name: string): string {
  return `#/components/schemas/${name}`;
}
