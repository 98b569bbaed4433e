import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { openApi } from '../../src/api/openapi.ts';
import type { Route } from '../../src/api/route.ts';
import { routes } from '../../src/api/routes.ts';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(openApi(routes), 'document');

/** Fails unless the OpenAPI document promises this answer: its status, its content type, and every field of it. */
export function expectAsDocumented({ method, path }: Pick<Route, 'method' | 'path'>, answer: WireAnswer): void {
  const what = `${method} ${path} ${answer.status}`;
  const type = (answer.contentType ?? '').replace(/; charset=utf-8$/, '');
  if (answer.status === 204) {
    expect(answer.body, what).toBe('');
    expect(ajv.getSchema(place(path, method, answer.status)), what).toBeDefined();
    return;
  }
  const types = [type, `${type}; charset=utf-8`].map((name) => place(path, method, answer.status, name));
  const validate = types.map((at) => ajv.getSchema(`${at}/schema`)).find((found) => found !== undefined);
  expect(validate, `${what} as ${type} is in the document`).toBeDefined();
  const value: unknown = type.endsWith('json') ? JSON.parse(answer.body) : answer.body;
  expect(validate?.(value), `${what}: ${ajv.errorsText(validate?.errors)}: ${answer.body.slice(0, 500)}`).toBe(true);
}

function place(path: string, method: string, status: number, type?: string): string {
  const steps = ['paths', path.replaceAll(/:(\w+)/g, '{$1}'), method.toLowerCase(), 'responses', String(status)];
  const all = type === undefined ? steps : [...steps, 'content', type];
  return `document#/${all.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
}
