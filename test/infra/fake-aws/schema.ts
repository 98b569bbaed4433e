import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import {
  isPropertyList,
  isPropertyMap,
  type PropertyMap,
  type PropertyValue,
  SecretProperty,
  unknownValue,
} from '../../../src/provider/server/property.ts';

/** What `@pulumi/aws` says about one type of resource. */
export interface TypeSchema {
  readonly inputs: ReadonlyMap<string, Member>;
  /** Names that only AWS fills in. */
  readonly outputs: readonly string[];
}

interface Member {
  readonly required: boolean;
  /** As it stands in the type definitions. */
  readonly type: string;
}

const folder = dirname(createRequire(import.meta.url).resolve('@pulumi/aws/package.json'));
const schemas = new Map<string, TypeSchema>();
const shapes = new Map<string, ReadonlyMap<string, Member>>();
let inputTypes: string | undefined;

/**
 * Read from the package's own files: the constructor names every input and output, the definitions their types. Throws for a
 * type that the package does not have. The service behind it may refuse what passes here: quotas, formats, combinations.
 */
export function schemaOf(type: string): TypeSchema {
  const known = schemas.get(type);
  if (known !== undefined) return known;
  const [, module = '', name = ''] = type.split(':');
  const program = readFileSync(join(folder, `${module}.js`), 'utf8');
  const definitions = readFileSync(join(folder, `${module}.d.ts`), 'utf8');
  const args = shapeIn(definitions, `export interface ${name}Args {`);
  const constructed = program.slice(program.lastIndexOf('const args = argsOrState'));
  const passed = names(constructed, /resourceInputs\["(\w+)"\] = [^u]/g);
  const required = new Set(names(constructed, /Missing required property '(\w+)'/g));
  const inputs = passed.map(
    (each) => [each, { required: required.has(each), type: args.get(each)?.type ?? '' }] as const,
  );
  const schema = { inputs: new Map(inputs), outputs: names(constructed, /resourceInputs\["(\w+)"\] = undefined/g) };
  schemas.set(type, schema);
  return schema;
}

/** Every input that the type does not have, lacks or has in another kind, one line each with its path. */
export function objectionsTo(type: string, inputs: PropertyMap): readonly string[] {
  return againstMembers(schemaOf(type).inputs, inputs, '');
}

function againstMembers(members: ReadonlyMap<string, Member>, given: PropertyMap, at: string): readonly string[] {
  const strangers = Object.keys(given).filter((name) => !members.has(name));
  return [
    ...strangers.map((name) => `${at}${name}: is not an input`),
    ...[...members].flatMap(([name, { required, type }]) => {
      const value = given[name];
      if (value !== undefined) return againstType(type, value, `${at}${name}`);
      return required ? [`${at}${name}: is required`] : [];
    }),
  ];
}

function againstType(type: string, value: PropertyValue, at: string): readonly string[] {
  if (value === unknownValue) return [];
  if (value instanceof SecretProperty) return againstType(type, value.reveal(), at);
  const inner = unwrapped(type);
  if (inner.endsWith('[]')) {
    if (!isPropertyList(value)) return [`${at}: is not a list`];
    return value.flatMap((item, index) => againstType(inner.slice(0, -2), item, `${at}[${index}]`));
  }
  if (inner === 'string' || inner === 'number' || inner === 'boolean') {
    return typeof value === inner ? [] : [`${at}: is not a ${inner}`];
  }
  if (!inner.startsWith('inputs.')) return [];
  return isPropertyMap(value) ? againstMembers(shapeOf(inner), value, `${at}.`) : [`${at}: is not an object`];
}

/** `pulumi.Input<pulumi.Input<string>[] | undefined>` → `pulumi.Input<string>[]`. */
function unwrapped(type: string): string {
  const plain = type.replace(/\s*\|\s*undefined$/, '').trim();
  return plain.startsWith('pulumi.Input<') && plain.endsWith('>') ? unwrapped(plain.slice(13, -1)) : plain;
}

/** `inputs.msk.ClusterBrokerNodeGroupInfo`. */
function shapeOf(type: string): ReadonlyMap<string, Member> {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const [, space = '', name = ''] = type.split('.');
  inputTypes ??= readFileSync(join(folder, 'types/input.d.ts'), 'utf8');
  const from = inputTypes.indexOf(`export declare namespace ${space} {`);
  const shape = shapeIn(inputTypes.slice(from), `interface ${name} {`);
  shapes.set(type, shape);
  return shape;
}

function shapeIn(text: string, head: string): ReadonlyMap<string, Member> {
  const at = text.indexOf(head);
  if (at < 0) throw new Error(`@pulumi/aws has no "${head}"`);
  const body = bodyOf(
    text.slice(at + head.length).replace(/\/\*\*[\s\S]*?\*\//g, (comment) => ' '.repeat(Math.min(1, comment.length))),
  );
  const members = statementsIn(body).map((statement) => {
    const [, name = '', optional, type = ''] = /^(\w+)(\?)?:\s*([\s\S]*)$/.exec(statement) ?? [];
    return [name, { required: optional === undefined, type: type.replaceAll(/\s+/g, ' ') }] as const;
  });
  return new Map(members);
}

/** Up to the brace that ends it. */
function bodyOf(text: string): string {
  let depth = 1;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return text.slice(0, at);
  }
  throw new Error('the definitions of @pulumi/aws end within an interface');
}

/** Split at semicolons outside of braces. */
function statementsIn(body: string): readonly string[] {
  const found: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at < body.length; at += 1) {
    if (body[at] === '{') depth += 1;
    if (body[at] === '}') depth -= 1;
    if (body[at] !== ';' || depth > 0) continue;
    found.push(body.slice(start, at).trim());
    start = at + 1;
  }
  return found;
}

function names(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}
