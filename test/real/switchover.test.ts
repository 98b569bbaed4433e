import { describe } from 'vitest';
import { movingSites } from '../fixtures/moving-sites.ts';
import { followed, followedHooks } from './switchover/followed.ts';
import { givenUp } from './switchover/given-up.ts';
import { liveGroup } from './switchover/live-group.ts';
import { ofSchemas } from './switchover/of-schemas.ts';
import { underKills } from './switchover/under-kills.ts';
import { underLoad } from './switchover/under-load.ts';

const moving = movingSites({ repoint: followedHooks });

describe('a switchover that is given up', () => givenUp(moving));
describe('a switchover of topics that a group reads', () => liveGroup(moving));
describe('a switchover of the schema primary', () => ofSchemas(moving));
describe('a switchover under load', () => underLoad(moving));
describe('a switchover whose workers are killed', () => underKills(moving));
describe('applications that follow', () => followed(moving));
