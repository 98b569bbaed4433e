import { serveFakeAws } from './server.ts';

// Started by the engine as the plugin `aws`; the first line it prints is its port.
const { UMBRA_FAKE_AWS_LOG: log, UMBRA_FAKE_AWS_S3_ENDPOINT: s3Endpoint } = process.env;
const [, , version = ''] = process.argv;
console.log(await serveFakeAws({ version, log, s3Endpoint }));
