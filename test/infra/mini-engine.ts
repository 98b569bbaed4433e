import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type requestCallback, Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import engineService from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engine, { type LogRequest } from '@pulumi/pulumi/proto/engine_pb.js';
import monitorService from '@pulumi/pulumi/proto/resource_grpc_pb.js';
import monitor, {
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
  type ResourceInvokeRequest,
} from '@pulumi/pulumi/proto/resource_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Catalogue } from '../../src/provider/server/dispatch.ts';
import { decodeProperties, encodeProperties, type PropertyMap } from '../../src/provider/server/property.ts';
import { checkFake, createFake, type FakeResource, invokeFake, previewFake } from './fake-aws/resources.ts';

/**
 * Plays the Pulumi engine for one run of the real program: the program and the SDK are real and run in a process of
 * their own, the handlers are the provider's, and nothing is kept, compared or deleted. What this cannot show (state,
 * diffs, plugins) is shown by the real engine in test/real.
 */
export interface ProgramRun {
  readonly exitCode: number | null;
  readonly registrations: readonly Registration[];
  readonly stackOutputs: PropertyMap;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** What the program wrote beside the engine. */
  readonly stderr: string;
  /** Functions of the provider that were called, before or after registrations. */
  readonly invokes: readonly string[];
}

export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly version: string;
  readonly inputs: PropertyMap;
  /** URNs this one waits for. */
  readonly dependencies: readonly string[];
  /** URN of the provider that is to make it, where the program says which. */
  readonly provider: string | undefined;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
}

export interface RunOptions {
  readonly catalogue: Catalogue;
  /** `umbra:target` → text, as Pulumi hands it over. */
  readonly config?: Readonly<Record<string, string>>;
  readonly secretKeys?: readonly string[];
  readonly preview?: boolean;
}

const root = join(import.meta.dirname, '../..');
const runtime = join(root, 'node_modules/@pulumi/pulumi/cmd/run/index.js');
/** Loading the SDK is most of a run: its compiled form is kept between runs. */
const compileCache = join(root, 'node_modules/.cache/umbra-test-program');
const runMs = 60_000;
const logSeverity = engine.LogSeverity;

export async function runProgram(options: RunOptions): Promise<ProgramRun> {
  const seen = new Recorder(options);
  const server = new Server();
  server.addService(monitorService.ResourceMonitorService, monitorMethods(seen));
  server.addService(engineService.EngineService, engineMethods(seen));
  const address = `127.0.0.1:${await listen(server)}`;
  const preview = options.preview === true ? ['--dry-run'] : [];
  const target = [`--monitor=${address}`, `--engine=${address}`, `--pwd=${root}`, ...preview];
  const child = spawn(process.execPath, [runtime, ...target, '--project=umbra', '--stack=test', 'infra/index.ts'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: runMs,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: compileCache,
      PULUMI_CONFIG: JSON.stringify(options.config ?? {}),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(options.secretKeys ?? []),
    },
  });
  try {
    const [stderr, exit] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return { ...seen.result(), exitCode: (exit as [number | null])[0], stderr };
  } finally {
    child.kill('SIGKILL');
    server.forceShutdown();
  }
}

class Recorder {
  readonly options: RunOptions;
  readonly registrations: Registration[] = [];
  readonly logs: { readonly severity: number; readonly message: string }[] = [];
  readonly invokes: string[] = [];
  stackOutputs: PropertyMap = {};

  constructor(options: RunOptions) {
    this.options = options;
  }

  result(): Omit<ProgramRun, 'exitCode' | 'stderr'> {
    const messages = (severity: number): string[] =>
      this.logs.filter((log) => log.severity === severity).map((log) => log.message);
    const { registrations, stackOutputs, invokes } = this;
    const [errors, warnings] = [messages(logSeverity.ERROR), messages(logSeverity.WARNING)];
    return { registrations, stackOutputs, invokes, errors, warnings };
  }

  /** Checks the inputs as the engine would and makes the outputs with the provider's handlers. */
  async register(request: RegisterResourceRequest): Promise<{ urn: string; id: string; outputs: PropertyMap }> {
    const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
    const parents = parent.split('::')[2];
    const nested = parents === undefined || parents === 'pulumi:pulumi:Stack' ? type : `${parents}$${type}`;
    const urn = `urn:pulumi:test::umbra::${nested}::${name}`;
    const inputs = decodeProperties(request.getObject()?.toJavaScript());
    const dependencies = request.getDependenciesList();
    const [custom, version] = [request.getCustom(), request.getVersion()];
    const provider = providerUrn(request.getProvider());
    const [protect, retainOnDelete] = [request.getProtect() === true, request.getRetainondelete() === true];
    const ignoreChanges = request.getIgnorechangesList();
    const options = { provider, protect, retainOnDelete, ignoreChanges };
    this.registrations.push({ urn, type, name, parent, custom, version, inputs, dependencies, ...options });
    if (!custom) return { urn, id: '', outputs: inputs };
    if (type.startsWith('pulumi:providers:')) return { urn, id: this.#preview ? '' : `id-of-${name}`, outputs: inputs };
    if (type.startsWith('aws:'))
      return { urn, ...this.#ofAws({ type, name, inputs, region: this.regionOf(provider) }) };
    const resource = await this.options.catalogue.resource(type);
    const checked = resource.check(inputs, {});
    if (checked.failures.length > 0) throw new Error(checked.failures.map((failure) => failure.reason).join('; '));
    const report = { info: () => undefined, warn: () => undefined, progress: () => undefined };
    const job = { signal: AbortSignal.timeout(runMs), report };
    if (this.#preview) return { urn, id: '', outputs: resource.previewCreate(checked.inputs, job) };
    return { urn, ...(await resource.create(checked.inputs, job)) };
  }

  /** With the stand-in for AWS, as the real engine in test/real. */
  #ofAws(resource: FakeResource): { id: string; outputs: PropertyMap } {
    const { inputs, failures } = checkFake(resource, {});
    if (failures.length > 0) throw new Error(`${resource.type} ${resource.name}: ${failures.join('; ')}`);
    return this.#preview
      ? { id: '', outputs: previewFake({ ...resource, inputs }) }
      : createFake({ ...resource, inputs });
  }

  get #preview(): boolean {
    return this.options.preview === true;
  }

  /** Throws where no provider was named: the real engine would take one of the shell's making. */
  regionOf(provider: string | undefined): string {
    const region = this.registrations.find(({ urn }) => urn === provider)?.inputs['region'];
    if (typeof region !== 'string') throw new Error('no provider was named: it would be made by the default one');
    return region;
  }
}

/** `urn::id` → urn; the last part is the id. */
function providerUrn(reference: string): string | undefined {
  return reference === '' ? undefined : reference.split('::').slice(0, -1).join('::');
}

function monitorMethods(seen: Recorder): UntypedServiceImplementation {
  return {
    supportsFeature: method((request: { getId(): string }) => {
      const response = new monitor.SupportsFeatureResponse();
      response.setHassupport(request.getId() === 'secrets');
      return Promise.resolve(response);
    }),
    registerResource: method(async (request: RegisterResourceRequest) => {
      const { urn, id, outputs } = await seen.register(request);
      const response = new monitor.RegisterResourceResponse();
      response.setUrn(urn);
      response.setId(id);
      response.setObject(write(outputs));
      return response;
    }),
    registerResourceOutputs: method((request: RegisterResourceOutputsRequest) => {
      const outputs = decodeProperties(request.getOutputs()?.toJavaScript());
      if (request.getUrn().includes('pulumi:pulumi:Stack')) seen.stackOutputs = outputs;
      return Promise.resolve(new empty.Empty());
    }),
    invoke: method(async (request: ResourceInvokeRequest) => {
      seen.invokes.push(`${request.getTok()} after ${seen.registrations.length - 1} resources`);
      const args = decodeProperties(request.getArgs()?.toJavaScript());
      const call = async (): Promise<PropertyMap> => {
        const invoke = await seen.options.catalogue.invoke(request.getTok());
        return (await invoke.call(args, AbortSignal.timeout(runMs))).outputs;
      };
      const ofAws = request.getTok().startsWith('aws:');
      const outputs = ofAws
        ? invokeFake(request.getTok(), seen.regionOf(providerUrn(request.getProvider())))
        : await call();
      const response = new monitor.ResourceInvokeResponse();
      response.setReturn(write(outputs));
      return response;
    }),
    signalAndWaitForShutdown: method(() => Promise.resolve(new empty.Empty())),
  };
}

function engineMethods(seen: Recorder): UntypedServiceImplementation {
  return {
    log: method((request: LogRequest) => {
      seen.logs.push({ severity: request.getSeverity(), message: request.getMessage() });
      return Promise.resolve(new empty.Empty());
    }),
    getRootResource: method(() => Promise.resolve(new engine.GetRootResourceResponse())),
    setRootResource: method(() => Promise.resolve(new engine.SetRootResourceResponse())),
  };
}

function method<Q, A>(answer: (request: Q) => Promise<A>) {
  return (call: { request: Q }, done: requestCallback<A>): void => {
    answer(call.request).then(
      (response) => done(null, response),
      (error: unknown) => done(Object.assign(new Error(String(error)), { code: 2, details: String(error) }) as never),
    );
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function write(map: PropertyMap): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(map));
}
