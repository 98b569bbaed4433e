// Stands in for the command line in tests of how a worker process is run. Started as: stub-worker.mjs worker --config F
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const [verb, flag, file] = process.argv.slice(2);
if (verb !== 'worker' || flag !== '--config') throw new Error(`unexpected arguments ${verb} ${flag}`);
const { api, logLevel } = JSON.parse(readFileSync(file, 'utf8'));
if (logLevel === 'error') {
  console.error('cannot go on like this');
  process.exit(5);
}
let asked = 0;
createServer((request, response) => {
  const ready = request.url === '/readyz' && ++asked > 2;
  response.writeHead(ready ? 200 : 503).end('warming up');
}).listen(api.port, api.host);
process.on('SIGTERM', () => process.exit(0));
