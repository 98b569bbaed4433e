import { Validator } from '@seriousme/openapi-schema-validator';
import { pino } from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import { openApi } from '../../src/api/openapi.ts';
import { routes } from '../../src/api/routes.ts';
import { createApi } from '../../src/api/server.ts';
import { expectAsDocumented } from './document.ts';
import { sampleOf, urlOf } from './samples.ts';
import { stubService } from './stub-service.ts';

const api = createApi({ service: stubService(), host: '127.0.0.1', logger: pino({ level: 'silent' }) });
afterAll(() => api.close());

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const verdict = await validator.validate(structuredClone(openApi(routes)));
    expect(verdict).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  test('is what the worker serves', async () => {
    const answer = await api.inject({ url: '/v1/openapi.json' });
    expect(answer.json()).toEqual(JSON.parse(JSON.stringify(openApi(routes))));
  });

  test('has every route of the table, under a name of its own', () => {
    const operations = Object.entries(openApi(routes).paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { operationId: string }>).map(
        ([method, { operationId }]) => [`${method.toUpperCase()} ${path}`, operationId] as const,
      ),
    );
    const declared = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(operations.map(([name]) => name).sort()).toEqual(declared.sort());
    expect(new Set(operations.map(([, id]) => id)).size).toBe(operations.length);
  });
});

// A stream has no end: it has tests of its own.
const ending = routes.filter(({ answer }) => answer.kind !== 'stream');

test.each(ending.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s answers as the document says',
  async (_name, route) => {
    const { params, body } = sampleOf(route);
    const payload = body === undefined ? {} : { payload: body };
    const answer = await api.inject({ method: route.method, url: urlOf(route, params), ...payload });
    expect(answer.statusCode, answer.body).toBeLessThan(300);
    const contentType = answer.headers['content-type'];
    expectAsDocumented(route, { status: answer.statusCode, contentType: contentType, body: answer.body });
  },
);
