import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { chooseReachableUrl } from '../../src/cli/reachable-url.ts';

const listening = 'http://127.0.0.1:8080';

function at(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, internal, netmask: '', mac: '', cidr: null };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}
const lo = [at('127.0.0.1', true), at('::1', true)];

describe('where the other workers reach one that is bound to every address', () => {
  test('a container has one address, and that is it', () => {
    const found = chooseReachableUrl('0.0.0.0', listening, { lo, eth0: [at('10.1.2.3')] });
    expect(found).toEqual({ kind: 'one', url: 'http://10.1.2.3:8080' });
  });

  test('addresses of one link only, such as that of a metadata service, do not count', () => {
    const eth0 = [at('169.254.172.2'), at('fe80::1')];
    const found = chooseReachableUrl('::', listening, { lo, eth0, eth1: [at('10.1.2.3'), at('fe80::2')] });
    expect(found).toEqual({ kind: 'one', url: 'http://10.1.2.3:8080' });
  });

  test('IPv6 alone is taken where it is bound, in brackets', () => {
    const interfaces = { lo, eth0: [at('fd00::7')] };
    expect(chooseReachableUrl('::', 'http://[::1]:8080', interfaces)).toEqual({
      kind: 'one',
      url: 'http://[fd00::7]:8080',
    });
    expect(chooseReachableUrl('0.0.0.0', listening, interfaces)).toEqual({ kind: 'one', url: listening });
  });

  test('of several addresses none is guessed', () => {
    const found = chooseReachableUrl('0.0.0.0', listening, { lo, eth0: [at('10.1.2.3')], eth1: [at('10.9.0.3')] });
    expect(found).toEqual({ kind: 'several', addresses: ['10.1.2.3', '10.9.0.3'] });
  });

  test('without any, and bound to one address, it is where it listens', () => {
    expect(chooseReachableUrl('0.0.0.0', listening, { lo })).toEqual({ kind: 'one', url: listening });
    const bound = 'http://10.1.2.3:8080';
    expect(chooseReachableUrl('10.1.2.3', bound, { eth0: [at('10.1.2.3'), at('10.9.0.3')] })).toEqual({
      kind: 'one',
      url: bound,
    });
  });
});
