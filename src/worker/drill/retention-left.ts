import { movesRealTopics } from '../../drill/level.ts';
import type { Script } from '../../drill/script.ts';
import { describeConfigs, type DescribedTopics, type TopicConfigs } from '../../kafka/config-admin.ts';
import { ConnectionError, MalformedError } from '../../kafka/errors.ts';
import { failed, type Found, passed } from './check.ts';
import type { DrillPorts } from './drill-ports.ts';

/** What an old primary that is slow to follow has not copied yet must be there still: so many times as long as topics are to be away. */
const headroom = 4;
const namedMax = 3;
const check = 'retention';
/** UNKNOWN_TOPIC_OR_PARTITION */
const unknownTopic = 3;

/** Do the topics that are going to be away keep records for long enough here? Asked only where they come home by themselves. */
export async function checkRetention(
  { clusters, site, link }: Pick<DrillPorts, 'clusters' | 'site' | 'link'>,
  script: Script,
): Promise<readonly Found[]> {
  const away = awayMs(script);
  if (!movesRealTopics(script.level) || away === undefined) return [];
  const moved = script.legs.flatMap(({ topics, returns }) => (returns ? [] : [topics]));
  const carried = (): readonly string[] => (link()?.topicViews() ?? []).map(({ name }) => name);
  const names = new Set(moved.flatMap((topics) => (typeof topics === 'string' ? carried() : topics)));
  try {
    const { configs, refused } = await describeConfigs(clusters[site], [...names]);
    return [...unseenOf(refused), retentionOf(configs, away)];
  } catch (error) {
    if (!(error instanceof ConnectionError) && !(error instanceof MalformedError)) throw error;
    return [failed(check, `it could not be asked for at site ${site}: ${error.message}`)];
  }
}

/** Pure: the first of those whose retention the site did not show, each with what is to be done. */
export function unseenOf(refused: DescribedTopics['refused']): readonly Found[] {
  return [...refused]
    .slice(0, namedMax)
    .map(([topic, { code, message }]) =>
      code === unknownTopic
        ? failed(check, `${topic}: it is not here yet: try again when its copy follows`)
        : failed(check, `${topic}: its retention cannot be seen: ${message}`),
    );
}

/** From the begin of the first move to the end of the last, as planned; undefined where nothing comes home. Pure. */
export function awayMs({ legs, phases }: Pick<Script, 'legs' | 'phases'>): number | undefined {
  if (!legs.some(({ returns }) => returns)) return undefined;
  const moves = phases.flatMap(({ does }, index) => (does === 'move' ? [index] : []));
  const between = phases.slice(moves[0], (moves.at(-1) ?? 0) + 1);
  return between.reduce((sum, { plannedMs }) => sum + plannedMs, 0);
}

/** Pure. */
export function retentionOf(configs: ReadonlyMap<string, TopicConfigs>, away: number): Found {
  const needed = away * headroom;
  const short = [...configs].flatMap(([topic, values]) => {
    const kept = Number(values.get('retention.ms')?.value ?? -1);
    const deletes = values.get('cleanup.policy')?.value?.includes('delete') === true;
    return deletes && kept >= 0 && kept < needed ? [`${topic} (${Math.round(kept / 1_000)} s)`] : [];
  });
  const bound = `${headroom} times the ${Math.round(away / 1_000)} s that it is to be away`;
  if (short.length === 0) return passed(check, `each topic keeps records for at least ${bound}`);
  const named = short.slice(0, namedMax).join(', ');
  const more = short.length > namedMax ? ` and ${short.length - namedMax} more` : '';
  return failed(check, `${named}${more} keep records for less than ${bound}: shorten "hold", or raise retention.ms`);
}
