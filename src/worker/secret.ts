/** For the edges, which know the worker and not what it stands on. */
export { Secret } from '../kafka/secret.ts';
