import { credentials, type requestCallback, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import engineService from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import type { LogRequest } from '@pulumi/pulumi/proto/engine_pb.js';
import providerService from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import provider, { type DiffRequest, type UpdateRequest } from '@pulumi/pulumi/proto/provider_pb.js';
import statusMessages from '@pulumi/pulumi/proto/status_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Catalogue } from '../../src/provider/server/dispatch.ts';
import { connectEngineLog } from '../../src/provider/server/engine-log.ts';
import { serveProvider } from '../../src/provider/server/grpc-server.ts';
import { decodeProperties, encodeProperties, type PropertyMap } from '../../src/provider/server/property.ts';

/** A line that the engine was told about a resource. */
export interface Line {
  readonly urn: string;
  readonly severity: number;
  readonly message: string;
  readonly ephemeral: boolean;
}

export interface Unfinished {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly reasons: readonly string[];
}

/** Plays the engine: calls the plugin over gRPC as Pulumi does and collects the lines it sends back. */
export interface PluginClient {
  readonly lines: Line[];
  /** The texts of the lines that stay. */
  texts(): readonly string[];
  check(news: PropertyMap, olds?: PropertyMap): Promise<{ inputs: PropertyMap; failures: readonly string[] }>;
  diff(change: Change): Promise<{ changed: readonly string[]; replaces: readonly string[]; deleteFirst: boolean }>;
  create(news: PropertyMap, options?: { preview?: boolean }): Promise<{ id: string; outputs: PropertyMap }>;
  read(id: string, outputs: PropertyMap, inputs?: PropertyMap): Promise<Found>;
  update(change: Change, options?: { preview?: boolean }): Promise<PropertyMap>;
  delete(id: string, outputs: PropertyMap): Promise<void>;
  invoke(token: string, args: PropertyMap): Promise<{ result: PropertyMap; failures: readonly string[] }>;
  cancel(): Promise<void>;
  version(): Promise<string>;
  close(): void;
}

export interface Change {
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
  /** Default: the olds, which hold the inputs, too. */
  readonly oldInputs?: PropertyMap;
}

export interface Found {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly inputs: PropertyMap;
  readonly refreshFirst: boolean;
}

/** Serves the catalogue on a real port, with an engine on another. */
export async function startPlugin(catalogue: Catalogue, type: string): Promise<PluginClient> {
  const engine = await startEngine();
  const running = await serveProvider({
    version: '9.9.9',
    catalogue,
    log: connectEngineLog(`127.0.0.1:${engine.port}`),
  });
  const client = connectPlugin(running.port, type, engine.lines);
  return {
    ...client,
    close: () => {
      client.close();
      running.close();
      engine.server.forceShutdown();
    },
  };
}

/** A client of a plugin that runs already. */
export function connectPlugin(port: number, type: string, lines: Line[] = []): PluginClient {
  const rpc = new providerService.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const urn = `urn:pulumi:test::umbra::umbra:index:RegionPair$${type}::it`;
  return {
    lines,
    texts: () => lines.filter((line) => !line.ephemeral).map((line) => line.message),
    async check(news, olds = {}) {
      const request = new provider.CheckRequest();
      request.setUrn(urn);
      request.setNews(write(news));
      request.setOlds(write(olds));
      const response = await unary<InstanceType<typeof provider.CheckResponse>>((done) => rpc.check(request, done));
      const failures = response.getFailuresList().map((failure) => `${failure.getProperty()}| ${failure.getReason()}`);
      return { inputs: read(response.getInputs()), failures };
    },
    async diff(change) {
      const request = changeInto(new provider.DiffRequest(), urn, change);
      const response = await unary<InstanceType<typeof provider.DiffResponse>>((done) => rpc.diff(request, done));
      const some = response.getChanges() === provider.DiffResponse.DiffChanges.DIFF_SOME;
      const changed = response.getDiffsList();
      if (some !== changed.length > 0) throw new Error('the answer contradicts itself');
      return { changed, replaces: response.getReplacesList(), deleteFirst: response.getDeletebeforereplace() };
    },
    async create(news, { preview = false } = {}) {
      const request = new provider.CreateRequest();
      request.setUrn(urn);
      request.setPreview(preview);
      request.setProperties(write(news));
      const response = await unary<InstanceType<typeof provider.CreateResponse>>((done) => rpc.create(request, done));
      return { id: response.getId(), outputs: read(response.getProperties()) };
    },
    async read(id, outputs, inputs = outputs) {
      const request = new provider.ReadRequest();
      request.setUrn(urn);
      request.setId(id);
      request.setProperties(write(outputs));
      request.setInputs(write(inputs));
      const response = await unary<InstanceType<typeof provider.ReadResponse>>((done) => rpc.read(request, done));
      return {
        id: response.getId(),
        outputs: read(response.getProperties()),
        inputs: read(response.getInputs()),
        refreshFirst: response.getRefreshBeforeUpdate(),
      };
    },
    async update(change, { preview = false } = {}) {
      const request = changeInto(new provider.UpdateRequest(), urn, change);
      request.setPreview(preview);
      const response = await unary<InstanceType<typeof provider.UpdateResponse>>((done) => rpc.update(request, done));
      return read(response.getProperties());
    },
    async delete(id, outputs) {
      const request = new provider.DeleteRequest();
      request.setUrn(urn);
      request.setId(id);
      request.setProperties(write(outputs));
      await unary((done) => rpc.delete(request, done));
    },
    async invoke(token, args) {
      const request = new provider.InvokeRequest();
      request.setTok(token);
      request.setArgs(write(args));
      const response = await unary<InstanceType<typeof provider.InvokeResponse>>((done) => rpc.invoke(request, done));
      return {
        result: read(response.getReturn()),
        failures: response.getFailuresList().map((failure) => `${failure.getProperty()}| ${failure.getReason()}`),
      };
    },
    async cancel() {
      await unary((done) => rpc.cancel(new empty.Empty(), done));
    },
    async version() {
      const info = await unary<{ getVersion(): string }>((done) => rpc.getPluginInfo(new empty.Empty(), done));
      return info.getVersion();
    },
    close: () => rpc.close(),
  };
}

/** What an error says about a thing that exists but is not finished; undefined for any other error. */
export function unfinishedOf(error: unknown): Unfinished | undefined {
  const details = (error as ServiceError).metadata.get('grpc-status-details-bin')[0];
  if (!(details instanceof Buffer)) return undefined;
  const [packed] = statusMessages.Status.deserializeBinary(details).getDetailsList();
  const detail = provider.ErrorResourceInitFailed.deserializeBinary(packed!.getValue_asU8());
  return { id: detail.getId(), outputs: read(detail.getProperties()), reasons: detail.getReasonsList() };
}

/** The text that the engine would print for a call that is expected to fail. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as ServiceError).details;
  }
  throw new Error('it was not refused');
}

async function startEngine(): Promise<{ port: number; lines: Line[]; server: Server }> {
  const lines: Line[] = [];
  const server = new Server();
  server.addService(engineService.EngineService, {
    log: (call: { request: LogRequest }, done: requestCallback<InstanceType<typeof empty.Empty>>) => {
      const { request } = call;
      lines.push({
        urn: request.getUrn(),
        severity: request.getSeverity(),
        message: request.getMessage(),
        ephemeral: request.getEphemeral(),
      });
      done(null, new empty.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { port, lines, server };
}

function unary<A>(call: (done: (error: ServiceError | null, answer: A) => void) => unknown): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
}

function changeInto<R extends DiffRequest | UpdateRequest>(request: R, urn: string, change: Change): R {
  request.setUrn(urn);
  request.setId('it');
  request.setOlds(write(change.olds));
  request.setNews(write(change.news));
  request.setOldInputs(write(change.oldInputs ?? change.olds));
  return request;
}

function write(map: PropertyMap): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(map));
}

function read(message: Struct | undefined): PropertyMap {
  return decodeProperties(message?.toJavaScript());
}
