import { BlockList, isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

export type ReachableUrl =
  | { readonly kind: 'one'; readonly url: string }
  /** Nobody but a person knows which of them the other workers reach. */
  | { readonly kind: 'several'; readonly addresses: readonly string[] };

/** Of one link only; containers of some orchestrators have one of these beside their own, for the metadata service. */
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

/**
 * Pure: where the other workers of a site reach a worker that binds `host` and listens on `listening`. Bound to every
 * address that is the one address this machine or container has, IPv4 before IPv6; without any, `listening` itself.
 */
export function chooseReachableUrl(host: string, listening: string, interfaces: Interfaces): ReachableUrl {
  const families = { '0.0.0.0': ['IPv4'], '::': ['IPv4', 'IPv6'] }[host] ?? [];
  const all = Object.values(interfaces).flatMap((each) => each ?? []);
  for (const family of families) {
    const addresses = all.flatMap((each) => (each.family === family && isForOthers(each) ? [each.address] : []));
    const [only, ...others] = new Set(addresses);
    if (only === undefined) continue;
    if (others.length > 0) return { kind: 'several', addresses: [only, ...others] };
    return { kind: 'one', url: withHost(listening, only) };
  }
  return { kind: 'one', url: listening };
}

function isForOthers({ internal, address }: NetworkInterfaceInfo): boolean {
  return !internal && !linkLocal.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function withHost(url: string, address: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
