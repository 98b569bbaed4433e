#!/usr/bin/env node
// `npx pulumi …` in this project: the real Pulumi CLI with the project's own state folder and plugins.
import { bootstrap } from './bootstrap.mjs';

await bootstrap('pulumi.ts', { quiet: true });
