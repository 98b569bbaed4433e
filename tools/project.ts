import { dirname, join } from 'node:path';

/** The clone these tools belong to. */
export const projectRoot = dirname(import.meta.dirname);

/** Everything that runs on this machine for this clone keeps its state in here; `npm run down` removes it but for quarantines. */
export const stateFolder = join(projectRoot, '.umbra');
