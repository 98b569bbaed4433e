import { join } from 'node:path';
import { describe } from 'vitest';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { cutNetwork } from './failover/cut-network.ts';
import { hardLoss } from './failover/hard-loss.ts';
import { ofSchemas } from './failover/of-schemas.ts';
import { returning } from './failover/returning.ts';

const quarantine = testFolder('quarantine');
const moving = movingSites({ bothWays: true, quarantineFolder: (site) => join(quarantine, site) });

describe('a network that is cut', () => cutNetwork(moving));
describe('an old side that returns', () => returning(moving));
describe('a failover of the schema primary', () => ofSchemas(moving));
describe('a site that is lost under load', () => hardLoss(moving));
