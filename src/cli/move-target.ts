import { z } from 'zod';
import type { ApiClient } from '../api/client.ts';
import { otherSite, type SiteId, siteIdSchema, sites } from '../pair/site.ts';
import { schemasTopic } from '../schema-primary/schema-primary.ts';
import type { MoveRequestInput } from '../worker/moves/operation-view.ts';
import { Problem } from '../worker/problems.ts';
import { knownWorkers, type KnownWorker } from './discovery.ts';
import type { VerbContext } from './verb.ts';

/** What a person says. A failback is a switchover that leads home. */
const moveWords = ['failover', 'switchover', 'failback'] as const;

export type MoveWord = (typeof moveWords)[number];

export const moveOptionsSchema = z.looseObject({
  all: z.boolean().default(false),
  to: siteIdSchema.optional(),
  oldSideUnconfirmed: z.boolean().default(false),
  includeUnready: z.boolean().default(false),
  withoutIdBarrier: z.boolean().default(false),
});

export interface MoveTarget {
  /** Of the site that is to be primary. */
  readonly client: ApiClient;
  readonly request: MoveRequestInput;
}

/** Throws Problem INVALID_INPUT. */
export function moveWord(given: unknown): MoveWord {
  const word = moveWords.find((each) => each === given);
  if (word !== undefined) return word;
  throw new Problem(
    'INVALID_INPUT',
    `argument 1: must be ${moveWords.join(', ')} or reconcile, not "${String(given)}"`,
  );
}

/** What is to be asked of which worker: names tell the site by their prefix, and where nobody names any the roles do. */
export async function moveTarget(
  context: VerbContext,
  word: MoveWord,
  given: unknown,
  asked: z.output<typeof moveOptionsSchema>,
): Promise<MoveTarget> {
  const names = z.array(z.string()).parse(given ?? []);
  if (asked.all === names.length > 0) {
    throw new Problem(
      'INVALID_INPUT',
      asked.all ? 'name topics or give "--all", not both' : 'name topics, or give "--all"',
    );
  }
  const workers = await knownWorkers(context.options, context.io.cwd);
  const found = await bySite(workers, context.signal);
  const to = asked.to ?? (await destinationOf({ word, names, ...found }, context.signal));
  const client = found.clients.get(to);
  if (client === undefined) throw new Problem('UNREACHABLE', `no worker of site ${to} answers`);
  const { oldSideUnconfirmed, includeUnready, withoutIdBarrier } = asked;
  const topics = asked.all ? (word === 'failback' ? 'home' : 'all') : names;
  const kind = word === 'failover' ? 'failover' : 'switchover';
  return { client, request: { kind, topics, oldSideUnconfirmed, includeUnready, withoutIdBarrier } };
}

interface SitesFound {
  readonly clients: ReadonlyMap<SiteId, ApiClient>;
  readonly prefixes: Readonly<Record<SiteId, string>> | undefined;
  /** As declared: where `_schemas` is at home. */
  readonly schemaPrimary: SiteId | undefined;
}

async function bySite(workers: readonly KnownWorker[], signal: AbortSignal): Promise<SitesFound> {
  const clients = new Map<SiteId, ApiClient>();
  let prefixes: SitesFound['prefixes'];
  let schemaPrimary: SitesFound['schemaPrimary'];
  await Promise.all(
    workers.map(async ({ client }) => {
      try {
        const pair = await client.pair(signal);
        clients.set(pair.site, client);
        prefixes ??= pair.prefixes;
        schemaPrimary ??= pair.schemaPrimary;
      } catch (error) {
        // The other side may be gone: that is what failovers are for.
        if (!(error instanceof Problem)) throw error;
      }
    }),
  );
  return { clients, prefixes, schemaPrimary };
}

interface Sought extends SitesFound {
  readonly word: MoveWord;
  readonly names: readonly string[];
}

async function destinationOf(sought: Sought, signal: AbortSignal): Promise<SiteId> {
  const { word, names, clients } = sought;
  const homes =
    names.length > 0
      ? new Set(names.map((name) => homeOfName(name, sought)))
      : word === 'failback'
        ? await homesOfMoved(clients, signal)
        : new Set<SiteId>();
  const [home] = homes;
  if (homes.size !== 1 || home === undefined) {
    const why =
      word === 'failback' && names.length === 0 && homes.size === 0
        ? 'every topic is at home, as far as the workers that answer know: give "--to a" or "--to b"'
        : 'which site is to be primary cannot be told: give "--to a" or "--to b"';
    throw new Problem('INVALID_INPUT', why);
  }
  return word === 'failback' ? home : otherSite(home);
}

function homeOfName(name: string, { prefixes, schemaPrimary }: SitesFound): SiteId | undefined {
  if (name === schemasTopic) return schemaPrimary;
  return sites.find((site) => prefixes !== undefined && name.startsWith(prefixes[site]));
}

async function homesOfMoved(clients: SitesFound['clients'], signal: AbortSignal): Promise<ReadonlySet<SiteId>> {
  const roles = await Promise.all([...clients.values()].map((client) => client.roles(signal)));
  return new Set(roles.flat().flatMap(({ home, primary }) => (home === primary ? [] : [home])));
}
