import { type handleUnaryCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import provider, {
  type CheckRequest,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type InvokeRequest,
  type ReadRequest,
  type UpdateRequest,
} from '@pulumi/pulumi/proto/provider_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import type { EngineLog } from './engine-log.ts';
import type { CheckFailure, Job } from './handler.ts';
import type { Invoke } from './invoke.ts';
import { decodeProperties, encodeProperties, type PropertyMap } from './property.ts';
import type { Difference, Replacing, Resource } from './resource.ts';

/** What the plugin serves. Handlers are loaded at their first use: the plugin must start fast. */
export interface Catalogue {
  /** Rejects when the provider has no such type. */
  resource(type: string): Promise<Resource>;
  invoke(token: string): Promise<Invoke>;
}

type Answer = <Q, A>(work: (request: Q, signal: AbortSignal) => Promise<A>) => handleUnaryCall<Q, A>;

interface Site {
  readonly catalogue: Catalogue;
  readonly log: EngineLog;
}

/** The methods about single resources: messages to property maps and back, nothing else. */
export function resourceMethods(site: Site, answer: Answer): UntypedServiceImplementation {
  return { ...pureMethods(site, answer), ...effectMethods(site, answer) };
}

function pureMethods({ catalogue }: Site, answer: Answer): UntypedServiceImplementation {
  return {
    check: answer(async (request: CheckRequest) => {
      const resource = await catalogue.resource(typeOf(request.getUrn()));
      const { inputs, failures } = resource.check(read(request.getNews()), read(request.getOlds()));
      const response = new provider.CheckResponse();
      response.setInputs(write(inputs));
      response.setFailuresList(failures.map(failureMessage));
      return response;
    }),
    diff: answer(async (request: DiffRequest) => {
      const resource = await catalogue.resource(typeOf(request.getUrn()));
      return differenceMessage(resource.diff(replacing(request)));
    }),
    invoke: answer(async (request: InvokeRequest, signal) => {
      const invoke = await catalogue.invoke(request.getTok());
      const { outputs, failures } = await invoke.call(read(request.getArgs()), signal);
      const response = new provider.InvokeResponse();
      response.setReturn(write(outputs));
      response.setFailuresList(failures.map(failureMessage));
      return response;
    }),
  };
}

function effectMethods(site: Site, answer: Answer): UntypedServiceImplementation {
  const run = async <T>(
    request: { getUrn(): string },
    signal: AbortSignal,
    work: (resource: Resource, job: Job) => Promise<T>,
  ): Promise<T> => {
    const resource = await site.catalogue.resource(typeOf(request.getUrn()));
    const report = site.log.of(request.getUrn());
    try {
      return await work(resource, { signal, report });
    } finally {
      await report.flush();
    }
  };
  return {
    create: answer((request: CreateRequest, signal) =>
      run(request, signal, async (resource, job) => {
        const response = new provider.CreateResponse();
        const news = read(request.getProperties());
        if (request.getPreview()) {
          response.setProperties(write(await Promise.resolve(resource.previewCreate(news, job))));
          return response;
        }
        const { id, outputs } = await resource.create(news, job);
        response.setId(id);
        response.setProperties(write(outputs));
        response.setRefreshBeforeUpdate(true);
        return response;
      }),
    ),
    read: answer((request: ReadRequest, signal) =>
      run(request, signal, async (resource, job) => {
        const stored = { id: request.getId(), outputs: read(request.getProperties()) };
        const now = await resource.read(stored, read(request.getInputs()), job);
        const response = new provider.ReadResponse();
        if (now === undefined) return response; // an empty id: it is gone
        response.setId(now.id);
        response.setProperties(write(now.outputs));
        response.setInputs(write(now.inputs));
        response.setRefreshBeforeUpdate(true);
        return response;
      }),
    ),
    update: answer((request: UpdateRequest, signal) =>
      run(request, signal, async (resource, job) => {
        const change = replacing(request);
        const outputs = request.getPreview()
          ? await resource.previewUpdate(change, job)
          : await resource.update(change, job);
        const response = new provider.UpdateResponse();
        response.setProperties(write(outputs));
        response.setRefreshBeforeUpdate(true);
        return response;
      }),
    ),
    delete: answer((request: DeleteRequest, signal) =>
      run(request, signal, async (resource, job) => {
        await resource.delete({ id: request.getId(), outputs: read(request.getProperties()) }, job);
        return new empty.Empty();
      }),
    ),
  };
}

function differenceMessage(difference: Difference): InstanceType<typeof provider.DiffResponse> {
  const response = new provider.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
  response.setChanges(difference.changed.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList([...difference.changed]);
  response.setReplacesList([...difference.replaces]);
  response.setDeletebeforereplace(difference.replaces.length > 0);
  return response;
}

function failureMessage(failure: CheckFailure): InstanceType<typeof provider.CheckFailure> {
  const message = new provider.CheckFailure();
  message.setProperty(failure.property);
  message.setReason(failure.reason);
  return message;
}

function replacing(request: DiffRequest | UpdateRequest): Replacing {
  return { olds: read(request.getOlds()), oldInputs: read(request.getOldInputs()), news: read(request.getNews()) };
}

/** `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>` */
function typeOf(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? '';
}

function read(message: Struct | undefined): PropertyMap {
  return decodeProperties(message?.toJavaScript());
}

function write(map: PropertyMap): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(map));
}
