import { z } from 'zod';
import type { ResourceRule, Rule } from './rule.ts';

const digest = /@sha256:[0-9a-f]{64}$/;
const containersSchema = z.array(z.looseObject({ name: z.string().optional(), image: z.string() }));

/** What runs. */
export const imageRules: readonly Rule[] = [
  {
    ...{ of: 'resource', name: 'images-by-digest', level: 'mandatory' },
    holds: 'images are named by digest: a tag may mean another program tomorrow',
    remedy: 'write "<name>@sha256:<64 hex digits>"',
    types: ['aws:ecs/taskDefinition:TaskDefinition'],
    judge: ({ props: { containerDefinitions } }) => {
      if (typeof containerDefinitions !== 'string') return [];
      const containers = read(containerDefinitions);
      if (containers === undefined) return ['has container definitions that cannot be read'];
      return containers
        .filter(({ image }) => !digest.test(image))
        .map(({ name = '?', image }) => `runs ${image} in the container ${name}, which is no digest`);
    },
  },
] satisfies readonly ResourceRule[];

function read(text: string): z.output<typeof containersSchema> | undefined {
  try {
    return containersSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
