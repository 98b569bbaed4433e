/** Where a broker accepts connections. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Of `host:port`, IPv6 hosts in brackets, as configuration has it (`bootstrapServerSchema`). */
export function parseAddress(server: string): Address {
  const colon = server.lastIndexOf(':');
  return { host: server.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(server.slice(colon + 1)) };
}

/** The same back. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
