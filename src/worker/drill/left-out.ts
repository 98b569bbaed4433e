import type { Script } from '../../drill/script.ts';
import type { CanaryTopic } from './canary-writing.ts';

/**
 * Canary topics that a script does not move although it has to: they were not made when it was. It would move real topics without
 * a witness; of L2 it would move nothing, and pass. Pure.
 */
export function canariesLeftOut(
  { level, legs }: Script,
  canaries: readonly Pick<CanaryTopic, 'name' | 'home'>[],
): readonly string[] {
  return canaries.flatMap(({ name, home }) => {
    const away = legs.filter(({ to, returns }) => to !== home && !returns);
    const isMoved = away.some(({ topics }) => topics === 'all' || (topics !== 'home' && topics.includes(name)));
    return isMoved || (away.length === 0 && level !== 'L2') ? [] : [name];
  });
}
