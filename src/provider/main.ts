import { realCatalogue } from './catalogue.ts';
import { projectRoot } from './project-root.ts';
import { providerVersion } from './resources/provider-version.ts';
import { connectEngineLog, silentEngineLog } from './server/engine-log.ts';
import { serveProvider } from './server/grpc-server.ts';

// Started by the Pulumi engine, whose address is the last argument. The engine reads the port from the first line.

// The engine hands every plugin the stack's configuration, decrypted. Clusters and workers that are started from here
// must not inherit it.
delete process.env['PULUMI_CONFIG'];
delete process.env['PULUMI_CONFIG_PASSPHRASE'];

const orphanCheckMs = 2_000;

const engine = process.argv.at(-1);
const provider = await serveProvider({
  version: providerVersion,
  catalogue: realCatalogue(projectRoot(process.env, process.cwd())),
  log: engine !== undefined && /:\d+$/.test(engine) ? connectEngineLog(engine) : silentEngineLog(),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    provider.close();
  });
}
// An engine that was killed says nothing: a plugin without its parent has nobody to serve.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) provider.close();
}, orphanCheckMs).unref();
process.stdout.write(`${provider.port}\n`);
