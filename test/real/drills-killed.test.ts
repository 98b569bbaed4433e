import { drillsIn } from '../fixtures/drilled.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { killed } from './drills/killed.ts';

const folder = testFolder('drills-killed');

killed(movingSites({ drills: (clusters) => drillsIn(folder, clusters) }));
