import { describe, expect, test } from 'vitest';
import { ip, type Endpoint } from '../../src/core/address.ts';
import { established, type Pair, type PairOptions } from '../support/pair.ts';

const spiIn = (two: Pair, who: 'alice' | 'gw'): number => two[who].stack.to(two[who].config.address)[0]!.sa!.spi;
const path = (two: Pair): string[] =>
  [...two.gw.stack.sas.values()].map(({ source, destination, nattSourcePort, nattDestinationPort }) => `${source!.address}:${nattSourcePort} ${destination!.address}:${nattDestinationPort}`);

/** The box has forgotten its mappings, or goes out by another address; then alice says something. */
function remap(options: PairOptions, change: (two: Pair) => void): Pair {
  const two = established(options);
  change(two);
  return two.command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
}
const flush = (two: Pair): void => two.aliceBox!.flush();

/** SADB_X_NAT_T_NEW_MAPPING: authenticated ESP came from here. */
function newMapping(two: Pair, who: 'alice' | 'gw', { address, port }: Endpoint): Pair {
  const blank = { protocol: 0, prefixLength: 32, port: 0 };
  return two.stackSays(who, {
    type: 'SADB_X_NAT_T_NEW_MAPPING',
    sa: { spi: spiIn(two, who), replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 },
    source: { ...blank, address: ip('203.0.113.7') }, nattSourcePort: 61_002,
    destination: { ...blank, address }, nattDestinationPort: port,
  });
}

describe('the peer behind a NAT comes from another port', () => {
  test('in an IKE message: the IKE SA and both SAs of the child follow', () => {
    const two = remap({ nat: 'initiator' }, flush);
    expect(two.gw.events('peer-moved')).toMatchObject([{ from: { port: 61_002 }, to: { address: '203.0.113.7', port: 61_003 }, by: 'ike' }]);
    expect(path(two)).toEqual(['203.0.113.7:61003 198.51.100.1:4500', '198.51.100.1:4500 203.0.113.7:61003']);
    expect(two.gw.stack.of('SADB_X_SPDUPDATE')).toEqual([]); // the tunnel's ends have no ports
    two.command('gw', { kind: 'probe', connection: 'tunnel' });
    expect(two.wire.at(-1)!.destination.port).toBe(61_003);
  });

  test('in ESP: the same', () => {
    const two = newMapping(established({ nat: 'initiator' }), 'gw', { address: ip('203.0.113.7'), port: 61_777 });
    expect(two.gw.events('peer-moved')).toMatchObject([{ to: { port: 61_777 }, by: 'esp' }]);
    expect(path(two)).toEqual(['203.0.113.7:61777 198.51.100.1:4500', '198.51.100.1:4500 203.0.113.7:61777']);
  });
});

test('the peer comes from another address: SAs are moved with their counters, and the policies get the new ends', () => {
  const two = remap({ nat: 'initiator' }, ({ aliceBox }) => (aliceBox!.outside = ip('203.0.113.200')));
  expect(path(two)).toEqual(['203.0.113.200:61002 198.51.100.1:4500', '198.51.100.1:4500 203.0.113.200:61002']);
  expect([...two.gw.stack.policies.values()].flatMap(({ policy }) => policy!.requests.map(({ tunnel }) => tunnel))).toEqual([
    { source: '203.0.113.200', destination: '198.51.100.1' },
    { source: '198.51.100.1', destination: '203.0.113.200' },
  ]);
  expect(two.gw.stack.of('SADB_ADD')).toHaveLength(1);
});

test('all child SAs follow, those of a rekey under way too', () => {
  const two = established({ nat: 'initiator' });
  two.link = (datagram) => (datagram.from === 'gw' ? [] : [datagram]);
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
  newMapping(two, 'gw', { address: ip('203.0.113.7'), port: 61_777 });
  expect(path(two)).toEqual(['203.0.113.7:61777 198.51.100.1:4500', '198.51.100.1:4500 203.0.113.7:61777', '203.0.113.7:61777 198.51.100.1:4500']);
});

describe('the peer is not followed', () => {
  test('when this side stands behind a NAT itself: anybody who can replay a packet could lead it astray', () => {
    const two = remap({ nat: 'both' }, flush);
    expect(two.gw.events('peer-moved')).toEqual([]);
    newMapping(two, 'gw', { address: ip('203.0.113.7'), port: 61_777 });
    expect(two.gw.events('peer-moved')).toEqual([]);
    expect(path(two)[0]).toBe('203.0.113.7:61002 10.0.0.2:4500');
  });

  test('although its answer still goes to where the request came from', () => {
    const two = remap({ nat: 'both' }, flush);
    expect(two.wire.at(-1)).toMatchObject({ from: 'gw', destination: { port: 61_003 } });
  });

  test('when it is not behind a NAT', () => {
    const two = established();
    two.link = (datagram) => [{ ...datagram, source: { address: ip('203.0.113.99'), port: 500 } }];
    two.command('alice', { kind: 'probe', connection: 'tunnel' });
    two.settle();
    expect(two.gw.events('peer-moved')).toEqual([]);
  });

  const elsewhere = { address: ip('192.0.2.66'), port: 6666 };

  test('to where a replayed request came from', () => {
    const two = established({ nat: 'initiator' });
    two.deliver('gw', elsewhere, { address: two.gw.config.address, port: 4500 }, two.wire[2]!.payload);
    expect(two.gw.events('peer-moved')).toEqual([]);
  });

  test('to where a forged request came from', () => {
    const two = established({ nat: 'initiator' });
    two.command('alice', { kind: 'probe', connection: 'tunnel' });
    const forgery = two.wire.at(-1)!.payload.slice();
    forgery[forgery.length - 1]! ^= 1;
    two.deliver('gw', elsewhere, { address: two.gw.config.address, port: 4500 }, forgery);
    expect(two.gw.drops()).toEqual(['ike-authentication']);
    expect(two.gw.events('peer-moved')).toEqual([]);
  });
});

test('the successor of a rekeyed IKE SA follows as well', () => {
  const two = established({ nat: 'initiator' });
  two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
  newMapping(two, 'gw', { address: ip('203.0.113.7'), port: 61_777 });
  expect(two.gw.events('peer-moved')).toHaveLength(1);
});
