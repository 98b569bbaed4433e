import { appendFileSync } from 'node:fs';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import plugin from '@pulumi/pulumi/proto/plugin_pb.js';
import service from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import provider, {
  type CheckRequest,
  type ConfigureRequest,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type InvokeRequest,
  type ReadRequest,
  type UpdateRequest,
} from '@pulumi/pulumi/proto/provider_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import {
  decodeProperties,
  encodeProperties,
  equalProperties,
  type PropertyMap,
  unknownValue,
} from '../../../src/provider/server/property.ts';
import { checkFake, createFake, invokeFake, previewFake, replacedBy, updateRefusal } from './resources.ts';

/** One request as the log has it: secrets are `****`, what is not known yet is `?`. */
export interface LoggedRequest {
  readonly method: 'create' | 'update' | 'delete' | 'read' | 'invoke';
  readonly preview: boolean;
  readonly region: string;
  /** Of the resource, or the token of the function. */
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface FakeAwsOptions {
  readonly version: string;
  /** File for one {@link LoggedRequest} per line. */
  readonly log?: string | undefined;
  /** Where a bucket that is created is created too: `http://127.0.0.1:5000`. */
  readonly s3Endpoint?: string | undefined;
}

/**
 * Plays the AWS provider of Pulumi for the real engine, one region per process as the engine configures it. Inputs are held
 * against the types of `@pulumi/aws`; nothing is kept but what the engine keeps.
 */
export async function serveFakeAws(options: FakeAwsOptions): Promise<number> {
  const server = new Server();
  server.addService(service.ResourceProviderService, new FakeAws(options).methods());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

class FakeAws {
  readonly #options: FakeAwsOptions;
  #region = 'not configured';

  constructor(options: FakeAwsOptions) {
    this.#options = options;
  }

  methods(): UntypedServiceImplementation {
    return { ...this.#ofProvider(), ...this.#ofResources() };
  }

  #ofProvider(): UntypedServiceImplementation {
    return {
      getPluginInfo: unary(() => {
        const info = new plugin.PluginInfo();
        info.setVersion(this.#options.version);
        return info;
      }),
      checkConfig: unary((request: CheckRequest) => {
        const response = new provider.CheckResponse();
        response.setInputs(request.getNews());
        return response;
      }),
      // As the real one: another region is another provider, and everything that it made has to be made anew.
      diffConfig: unary((request: DiffRequest) => {
        const [before, next] = [read(request.getOldInputs()), read(request.getNews())];
        return difference(changedIn(before, next), (changed) => changed.filter((name) => name === 'region'));
      }),
      configure: unary((request: ConfigureRequest) => {
        const region = read(request.getArgs())['region'];
        if (typeof region !== 'string') throw new Error('the provider was configured without a region');
        this.#region = region;
        const response = new provider.ConfigureResponse();
        response.setAcceptsecrets(true);
        response.setSupportspreview(true);
        return response;
      }),
      invoke: unary((request: InvokeRequest) => {
        const [token, inputs] = [request.getTok(), read(request.getArgs())];
        this.#log({ method: 'invoke', preview: false, type: token, name: '', inputs });
        const response = new provider.InvokeResponse();
        response.setReturn(write(invokeFake(token, this.#region)));
        return response;
      }),
      cancel: unary(() => new empty.Empty()),
    };
  }

  #ofResources(): UntypedServiceImplementation {
    return {
      check: unary((request: CheckRequest) => {
        const { type, name } = partsOf(request.getUrn());
        const { inputs, failures } = checkFake(
          { type, name, inputs: read(request.getNews()) },
          read(request.getOlds()),
        );
        const response = new provider.CheckResponse();
        response.setInputs(write(inputs));
        response.setFailuresList(
          failures.map((reason) => {
            const failure = new provider.CheckFailure();
            failure.setReason(reason);
            return failure;
          }),
        );
        return response;
      }),
      diff: unary((request: DiffRequest) => {
        const { type } = partsOf(request.getUrn());
        const changed = changedIn(read(request.getOldInputs()), read(request.getNews()));
        return difference(changed, (names) => replacedBy(type, names));
      }),
      create: unary(async (request: CreateRequest) => {
        const resource = { ...partsOf(request.getUrn()), region: this.#region, inputs: read(request.getProperties()) };
        this.#log({ method: 'create', preview: request.getPreview(), ...resource });
        const response = new provider.CreateResponse();
        if (request.getPreview()) {
          response.setProperties(write(previewFake(resource)));
          return response;
        }
        const { id, outputs } = createFake(resource);
        if (resource.type === 'aws:s3/bucket:Bucket') await this.#bucketOutside(id);
        response.setId(id);
        response.setProperties(write(outputs));
        return response;
      }),
      read: unary((request: ReadRequest) => {
        const response = new provider.ReadResponse();
        response.setId(request.getId());
        response.setProperties(request.getProperties());
        response.setInputs(request.getInputs());
        return response;
      }),
      update: unary((request: UpdateRequest) => {
        const { type, name } = partsOf(request.getUrn());
        const [before, inputs] = [read(request.getOlds()), read(request.getNews())];
        this.#log({ method: 'update', preview: request.getPreview(), type, name, inputs });
        const refusal = updateRefusal(type, before, inputs);
        if (refusal !== undefined) throw new Error(refusal);
        const response = new provider.UpdateResponse();
        response.setProperties(write({ ...before, ...inputs }));
        return response;
      }),
      delete: unary((request: DeleteRequest) => {
        const { type, name } = partsOf(request.getUrn());
        this.#log({ method: 'delete', preview: false, type, name, inputs: {} });
        return new empty.Empty();
      }),
    };
  }

  #log(request: Omit<LoggedRequest, 'region' | 'inputs'> & { readonly inputs: PropertyMap }): void {
    const { log } = this.#options;
    if (log === undefined) return;
    const { method, preview, type, name, inputs } = request;
    const hidden = (_key: string, value: unknown): unknown => (value === unknownValue ? '?' : value);
    appendFileSync(log, `${JSON.stringify({ method, preview, region: this.#region, type, name, inputs }, hidden)}\n`);
  }

  async #bucketOutside(bucket: string): Promise<void> {
    const { s3Endpoint } = this.#options;
    if (s3Endpoint === undefined) return;
    const response = await fetch(`${s3Endpoint}/${bucket}`, { method: 'PUT' });
    if (!response.ok) throw new Error(`PUT ${bucket} at ${s3Endpoint}: ${response.status} ${await response.text()}`);
  }
}

function unary<Q, A>(answer: (request: Q) => A | Promise<A>): handleUnaryCall<Q, A> {
  return (call, callback) => {
    Promise.resolve(call.request)
      .then(answer)
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const details = error instanceof Error ? error.message : String(error);
          callback({ name: 'Error', message: details, code: status.UNKNOWN, details });
        },
      );
  };
}

function changedIn(before: PropertyMap, next: PropertyMap): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(next)].filter((name) => !name.startsWith('__')));
  return [...names].filter((name) => !equalProperties(before[name], next[name]));
}

function difference(
  changed: readonly string[],
  replacing: (changed: readonly string[]) => readonly string[],
): InstanceType<typeof provider.DiffResponse> {
  const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
  const response = new provider.DiffResponse();
  response.setChanges(changed.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList([...changed]);
  response.setReplacesList([...replacing(changed)]);
  return response;
}

function partsOf(urn: string): { readonly type: string; readonly name: string } {
  const [, , types = '', name = ''] = urn.split('::');
  return { type: types.split('$').at(-1) ?? '', name };
}

function read(message: Struct | undefined): PropertyMap {
  return decodeProperties(message?.toJavaScript());
}

function write(map: PropertyMap): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(map));
}
