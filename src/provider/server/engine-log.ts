import { credentials, Metadata } from '@grpc/grpc-js';
import engineClient from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engineMessages, { type LogSeverity } from '@pulumi/pulumi/proto/engine_pb.js';
import type { Report } from './handler.ts';

/** The engine waits for no line; this bounds how long a call waits for its lines to arrive. */
const flushMs = 5_000;

/** Lines about one resource. `flush` before the call is answered: the engine closes the resource's heading then. */
export interface ResourceReport extends Report {
  flush(): Promise<void>;
}

export interface EngineLog {
  of(urn: string): ResourceReport;
  close(): void;
}

/** Talks to the engine that started the plugin; its address is the plugin's last argument. */
export function connectEngineLog(address: string): EngineLog {
  const client = new engineClient.EngineClient(address, credentials.createInsecure());
  const send = (line: { urn: string; message: string; severity: LogSeverity; ephemeral: boolean }): Promise<void> => {
    const request = new engineMessages.LogRequest();
    request.setUrn(line.urn);
    request.setMessage(line.message);
    request.setSeverity(line.severity);
    request.setEphemeral(line.ephemeral);
    return new Promise((resolve) => {
      client.log(request, new Metadata(), { deadline: Date.now() + flushMs }, (error) => {
        // Losing a line must not fail the work; the engine's debug log shows the plugin's stderr.
        if (error !== null) process.stderr.write(`the engine took no line: ${error.message}\n`);
        resolve();
      });
    });
  };
  return {
    of(urn) {
      // One after the other: lines that travel at the same time would be shown in any order.
      let sent = Promise.resolve();
      const line = (severity: LogSeverity, ephemeral: boolean) => (message: string) => {
        sent = sent.then(() => send({ urn, message, severity, ephemeral }));
      };
      const { INFO, WARNING } = engineMessages.LogSeverity;
      return {
        info: line(INFO, false),
        warn: line(WARNING, false),
        progress: line(INFO, true),
        flush: () => sent,
      };
    },
    close: () => client.close(),
  };
}

/** For callers without an engine (tests of the plugin alone): lines go nowhere. */
export function silentEngineLog(): EngineLog {
  const nothing = (): void => undefined;
  const report = { info: nothing, warn: nothing, progress: nothing, flush: () => Promise.resolve() };
  return { of: () => report, close: nothing };
}
