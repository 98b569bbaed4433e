import type { MethodDefinition } from '@grpc/grpc-js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import languagePb from '@pulumi/pulumi/proto/language_pb.js';
import pluginPb from '@pulumi/pulumi/proto/plugin_pb.js';

/**
 * The methods of pulumirpc.LanguageRuntime that a stack's life needs, over the SDK's own messages. The SDK has the
 * service without types, so it is written down here. Not offered (the engine gets UNIMPLEMENTED and goes on or says
 * so): Handshake, GetRequiredPlugins (older engines), Template, RunPlugin, and all of code generation and packing.
 */
export const languageRuntime = {
  getPluginInfo: unary('GetPluginInfo', emptyPb.Empty, pluginPb.PluginInfo),
  getRequiredPackages: unary(
    'GetRequiredPackages',
    languagePb.GetRequiredPackagesRequest,
    languagePb.GetRequiredPackagesResponse,
  ),
  runtimeOptionsPrompts: unary(
    'RuntimeOptionsPrompts',
    languagePb.RuntimeOptionsRequest,
    languagePb.RuntimeOptionsResponse,
  ),
  getProgramDependencies: unary(
    'GetProgramDependencies',
    languagePb.GetProgramDependenciesRequest,
    languagePb.GetProgramDependenciesResponse,
  ),
  about: unary('About', languagePb.AboutRequest, languagePb.AboutResponse),
  installDependencies: {
    ...unary('InstallDependencies', languagePb.InstallDependenciesRequest, languagePb.InstallDependenciesResponse),
    responseStream: true as const,
  },
  run: unary('Run', languagePb.RunRequest, languagePb.RunResponse),
  cancel: unary('Cancel', emptyPb.Empty, emptyPb.Empty),
};

interface Message {
  serializeBinary(): Uint8Array;
}

interface MessageType<T extends Message> {
  deserializeBinary(bytes: Uint8Array): T;
}

function unary<Request extends Message, Response extends Message>(
  name: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
): MethodDefinition<Request, Response> & { requestStream: false; responseStream: false } {
  return {
    path: `/pulumirpc.LanguageRuntime/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(message.serializeBinary()),
    requestDeserialize: (bytes) => request.deserializeBinary(bytes),
    responseSerialize: (message) => Buffer.from(message.serializeBinary()),
    responseDeserialize: (bytes) => response.deserializeBinary(bytes),
  };
}
