import { describe } from 'vitest';
import { drillsIn } from '../fixtures/drilled.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { inMetrics } from './drills/in-metrics.ts';
import { killed } from './drills/killed.ts';
import { noLeaks } from './drills/no-leaks.ts';
import { planted } from './drills/planted.ts';
import { scheduled } from './drills/scheduled.ts';

const folder = testFolder('drills-many');
/** The shortest session that brokers take where nobody says otherwise: a killed worker is missed soon. */
const group = { sessionTimeoutMs: 6_000, heartbeatMs: 300 };
const moving = movingSites({ group, drills: (clusters) => drillsIn(folder, clusters) });

describe('drills as Prometheus sees them', () => inMetrics(moving));

describe('many drills one after the other', () => noLeaks(moving, folder));

describe('what is planted while a drill runs', () => planted(moving, folder));

describe('drills by a schedule', () => scheduled(moving, { folder, group }));

describe('controllers that are killed', () => killed(moving));
