import { UnfinishedError } from './provider-errors.ts';
import type { Resource, Stored } from './resource.ts';

/**
 * Keeps what this run has made from being deleted by the same run. A resource that only got another name, or that is
 * replaced by force, is created first and deleted then; as both are one and the same thing in the world, creating finds it
 * there and deleting would take it away. `thingOf` says which thing it is; the id where the id alone says it.
 */
export function sparingRenamed(resource: Resource, thingOf: (stored: Stored) => string = ({ id }) => id): Resource {
  const made = new Set<string>();
  return {
    ...resource,
    async create(news, job) {
      try {
        const stored = await resource.create(news, job);
        made.add(thingOf(stored));
        return stored;
      } catch (error) {
        // It is there, too.
        if (error instanceof UnfinishedError) made.add(thingOf(error));
        throw error;
      }
    },
    async delete(state, job) {
      if (!made.has(thingOf(state))) {
        await resource.delete(state, job);
        return;
      }
      job.report.info(`only the name is forgotten: ${state.id} was declared anew by this run, and stays as it is`);
    },
  };
}
