// The stand-in for Pulumi's Node language host: a gRPC server on a free loopback port, whose number is the first line
// of standard output. Pulumi starts it through the launcher beside the CLI and ends it when the command is over.
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import languagePb from '@pulumi/pulumi/proto/language_pb.js';
import pluginPb from '@pulumi/pulumi/proto/plugin_pb.js';
import { compileCacheDir } from '../../src/local/compile-cache.mjs';
import { exitAfterShownError, planProgram } from './program.ts';
import { languageRuntime } from './service.ts';

const engineAddress = process.argv.filter((arg) => !arg.startsWith('-')).at(2) ?? '';
const parentWatchMs = 1_000;
const programs = new Set<ChildProcess>();

type Call<Request, Response> = grpc.ServerUnaryCall<Request, Response>;

/** Runs the program to its end; a cancelled call ends the program. */
async function run(call: Call<languagePb.RunRequest, languagePb.RunResponse>): Promise<languagePb.RunResponse> {
  const { request } = call;
  const start = planProgram(request, engineAddress);
  const runner = createRequire(join(request.getPwd(), 'program.js')).resolve('@pulumi/pulumi/cmd/run');
  const child = spawn(process.execPath, [...start.nodeArgs, runner, ...start.args], {
    // Most of what a program runs for is loading the SDK.
    env: { NODE_COMPILE_CACHE: compileCacheDir(process.env), ...process.env, ...start.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  programs.add(child);
  call.on('cancelled', () => child.kill());
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(renderOutcome(code, signal)));
    });
  } finally {
    programs.delete(child);
  }
}

function renderOutcome(code: number | null, signal: NodeJS.Signals | null): languagePb.RunResponse {
  const response = new languagePb.RunResponse();
  if (code === 0) return response;
  if (code === exitAfterShownError) return response.setBail(true);
  return response.setError(`the program ended with ${code === null ? (signal ?? 'a signal') : `exit code ${code}`}`);
}

function about(): languagePb.AboutResponse {
  return new languagePb.AboutResponse().setExecutable(process.execPath).setVersion(process.version);
}

function endPrograms(): emptyPb.Empty {
  for (const child of programs) child.kill();
  return new emptyPb.Empty();
}

function answer<Request, Response>(
  work: (call: Call<Request, Response>) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  const settle = async (call: Call<Request, Response>): Promise<Response> => work(call);
  return (call, callback) => {
    settle(call).then(
      (response) => callback(null, response),
      (error: unknown) =>
        callback({ code: grpc.status.UNKNOWN, message: error instanceof Error ? error.message : String(error) }),
    );
  };
}

const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
server.addService(languageRuntime, {
  getPluginInfo: answer(() => new pluginPb.PluginInfo()),
  // The project's own provider is named in Pulumi.yaml; others are found when the program first uses them.
  getRequiredPackages: answer(() => new languagePb.GetRequiredPackagesResponse()),
  runtimeOptionsPrompts: answer(() => new languagePb.RuntimeOptionsResponse()),
  getProgramDependencies: answer(() => new languagePb.GetProgramDependenciesResponse()),
  about: answer(about),
  // The packages are there: without them this file would not run.
  installDependencies: (call: grpc.ServerWritableStream<unknown, unknown>) => call.end(),
  run: answer(run),
  cancel: answer(endPrograms),
});

function shutDown(): void {
  endPrograms();
  server.forceShutdown();
  clearInterval(parentWatch);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, shutDown);

// A killed engine ends nobody: this process then gets another parent.
const parent = process.ppid;
const parentWatch = setInterval(() => {
  if (process.ppid !== parent) shutDown();
}, parentWatchMs);

server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
