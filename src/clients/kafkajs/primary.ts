/** Where a client's connection goes to, or may go to. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** One site's cluster, as a worker of umbra tells it. */
export interface SitePlaces {
  /** `host:port`, to begin with. */
  readonly bootstrapServers: readonly string[];
  /** Every address that is known to lead there. */
  readonly brokers: readonly Destination[];
}

/** Who may be written to in this term, and who may not. */
export interface Primary {
  readonly site: string;
  /** Grows with every change of primary. */
  readonly term: number;
  /** Both sites had been asked when the worker answered; else it may not know of a higher term. */
  readonly proven: boolean;
  readonly places: SitePlaces;
  readonly standby: SitePlaces;
}

/**
 * What a worker answers to `GET /v1/bootstrap?topic=…`. Undefined where it names no primary: topics of the prefix have
 * different ones, or both sites claim one. Throws when it is no such answer.
 */
export function parsePrimary(answer: unknown): Primary | undefined {
  const { state, term, proven, primary, standby, ...places } = fieldsOf(answer, 'the answer');
  if (state !== 'settled') {
    if (typeof state === 'string') return undefined;
    throw new Error('the answer has no state');
  }
  if (typeof primary !== 'string') throw new Error('the answer names no primary');
  if (typeof term !== 'number' || !Number.isSafeInteger(term) || term < 0) throw new Error('the answer has no term');
  return {
    ...{ site: primary, term, proven: proven === true },
    places: placesOf(places, 'the primary'),
    standby: placesOf(fieldsOf(standby, 'the standby'), 'the standby'),
  };
}

/** Equal for the same address, however its name is spelt. */
export function keyOf({ host, port }: Destination): string {
  return `${host.toLowerCase()}:${port}`;
}

function placesOf({ bootstrapServers, brokers }: Fields, what: string): SitePlaces {
  if (!Array.isArray(bootstrapServers) || bootstrapServers.length === 0)
    throw new Error(`${what} has no bootstrapServers`);
  if (!Array.isArray(brokers)) throw new Error(`${what} has no brokers`);
  return {
    bootstrapServers: bootstrapServers.map((server: unknown) => {
      if (typeof server !== 'string') throw new Error(`${what} has a bootstrap server that is no text`);
      return server;
    }),
    brokers: brokers.map((broker: unknown) => {
      const { host, port } = fieldsOf(broker, `a broker of ${what}`);
      if (typeof host !== 'string' || typeof port !== 'number') throw new Error(`${what} has a broker without address`);
      return { host, port };
    }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} is no object`);
  return { ...value };
}
