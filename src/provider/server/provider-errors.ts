import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import provider from '@pulumi/pulumi/proto/provider_pb.js';
import statusMessages from '@pulumi/pulumi/proto/status_pb.js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js';
import { Problem } from '../../worker/problems.ts';
import { encodeProperties, type PropertyMap } from './property.ts';

/** The thing exists but is not as wanted: the engine keeps it in the state and shows the reasons. */
export class UnfinishedError extends Error {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly reasons: readonly string[];

  constructor(made: { id: string; outputs: PropertyMap; reasons: readonly string[] }) {
    super(made.reasons.join('; '));
    this.name = 'UnfinishedError';
    this.id = made.id;
    this.outputs = made.outputs;
    this.reasons = made.reasons;
  }
}

/** For a person: what happened and, for a `Problem`, what to do next. One line, unless a log's end belongs to it. */
export function renderError(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  return error instanceof Problem ? `${text.replace(/[.;]+$/, '')}. ${error.remedy}` : text;
}

/**
 * Any error as the engine understands it. FAILED_PRECONDITION: nothing is left in doubt, so the engine notes no pending
 * operation. An unfinished creation travels in `grpc-status-details-bin`, as Pulumi's own SDKs send it.
 */
export function toServiceError(error: unknown): ServiceError {
  const message = renderError(error);
  const code = error instanceof UnfinishedError ? status.UNKNOWN : status.FAILED_PRECONDITION;
  const metadata = new Metadata();
  if (error instanceof UnfinishedError) metadata.set('grpc-status-details-bin', unfinishedDetails(error, message));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function unfinishedDetails(error: UnfinishedError, message: string): Buffer {
  const detail = new provider.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(structMessages.Struct.fromJavaScript(encodeProperties(error.outputs)));
  detail.setReasonsList([...error.reasons]);
  const packed = new anyMessages.Any();
  packed.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const state = new statusMessages.Status();
  state.setCode(status.UNKNOWN);
  state.setMessage(message);
  state.addDetails(packed);
  return Buffer.from(state.serializeBinary());
}
