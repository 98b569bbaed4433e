import { type handleUnaryCall, Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import plugin from '@pulumi/pulumi/proto/plugin_pb.js';
import service from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import provider, { type CheckRequest } from '@pulumi/pulumi/proto/provider_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { type Catalogue, resourceMethods } from './dispatch.ts';
import type { EngineLog } from './engine-log.ts';
import { toServiceError } from './provider-errors.ts';

export interface ProviderOptions {
  readonly version: string;
  readonly catalogue: Catalogue;
  readonly log: EngineLog;
}

export interface RunningProvider {
  readonly port: number;
  /** Aborts what is under way and stops listening. */
  close(): void;
}

/** Serves Pulumi's `ResourceProvider` on a free loopback port. Omitted: components, parameters, mappings, list. */
export async function serveProvider(options: ProviderOptions): Promise<RunningProvider> {
  const server = new Server();
  const shutdown = new AbortController();
  server.addService(service.ResourceProviderService, {
    ...providerMethods(options.version, shutdown),
    ...resourceMethods(options, (work) => unary(work, shutdown.signal)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error !== null) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    close: () => {
      shutdown.abort(new Error('the plugin was ended'));
      server.forceShutdown();
      options.log.close();
    },
  };
}

/** What concerns the provider as a whole. It has no configuration: each resource says what it talks to. */
function providerMethods(version: string, shutdown: AbortController): UntypedServiceImplementation {
  const answer = <Q, A>(work: (request: Q) => A): handleUnaryCall<Q, A> =>
    unary((request: Q) => Promise.resolve(work(request)), new AbortController().signal);
  return {
    getPluginInfo: answer(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(version);
      return info;
    }),
    getSchema: answer(() => {
      const response = new provider.GetSchemaResponse();
      response.setSchema('{}');
      return response;
    }),
    checkConfig: answer((request: CheckRequest) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: answer(() => new provider.DiffResponse()),
    configure: answer(() => {
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    cancel: answer(() => {
      shutdown.abort(new Error('cancelled'));
      return new empty.Empty();
    }),
  };
}

/** Adapts a promise to grpc-js. The signal is aborted when the engine hangs up, cancels or the plugin ends. */
function unary<Q, A>(
  work: (request: Q, signal: AbortSignal) => Promise<A>,
  shutdown: AbortSignal,
): handleUnaryCall<Q, A> {
  return (call, callback) => {
    const hangUp = new AbortController();
    call.on('cancelled', () => hangUp.abort(new Error('the engine hung up')));
    const signal = AbortSignal.any([shutdown, hangUp.signal]);
    Promise.resolve(call.request)
      .then((request) => work(request, signal))
      .then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(toServiceError(error)),
      );
  };
}
