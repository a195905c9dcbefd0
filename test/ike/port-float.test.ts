import { expect, test } from 'vitest';
import { established } from '../support/pair.ts';

const marker = [0, 0, 0, 0];

test('the initiator moves to 4500 from IKE_AUTH on, and only then', () => {
  const two = established({ nat: 'initiator' });
  // 1  HDR, SAi1, KEi, Ni, N, N                    500   -->  500
  // 2  <--  HDR, SAr1, KEr, Nr, N, N             61001   <--  500
  // 3  HDR, SK {IDi, AUTH, SAi2, TSi, TSr}        4500   --> 4500, non-ESP marker
  // 4  <--  HDR, SK {IDr, AUTH, SAr2, TSi, TSr}  61002   <-- 4500, non-ESP marker
  expect(two.wire.map(({ from, source, destination }) => [from, source.port, destination.port])).toEqual([
    ['alice', 500, 500],
    ['gw', 500, 61_001],
    ['alice', 4500, 4500],
    ['gw', 4500, 61_002],
  ]);
  expect(two.wire.map(({ payload }) => [...payload.subarray(0, 4)].every((octet) => octet === 0))).toEqual([false, false, true, true]);
  expect([...two.wire[2]!.payload.subarray(0, 4)]).toEqual(marker);
  expect(two.alice.events('port-float')).toMatchObject([{ from: { local: 500, remote: 500 }, to: { local: 4500, remote: 4500 } }]);
  expect(two.gw.events('port-float')).toMatchObject([{ from: { local: 500, remote: 61_001 }, to: { local: 4500, remote: 61_002 } }]);
});

test('without a NAT nothing moves', () => {
  const two = established();
  expect(two.wire.flatMap(({ source, destination }) => [source.port, destination.port])).toEqual(Array(8).fill(500));
  expect(two.alice.events('port-float')).toEqual([]);
});

test('a daemon may start on 4500: it stays there, with the marker from the first message on, and encapsulates only behind a NAT', () => {
  for (const nat of ['none', 'initiator'] as const) {
    const two = established({ nat, alice: { startPort: 4500 } });
    expect(two.wire.every(({ source, payload }) => source.port === 4500 && payload.subarray(0, 4).every((octet) => octet === 0))).toBe(true);
    expect(two.alice.events('port-float')).toEqual([]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: nat === 'none' ? 'none' : 'udp' }]);
  }
});

test('the stack hears the ports that ESP goes by: those of IKE, as each side sees them', () => {
  const two = established({ nat: 'initiator' });
  const ports = (sas: typeof two.gw.stack.sas): (string | undefined)[] =>
    [...sas.values()].map(({ source, destination, nattSourcePort, nattDestinationPort }) => `${source!.address}:${nattSourcePort} ${destination!.address}:${nattDestinationPort}`);
  expect(ports(two.gw.stack.sas)).toEqual(['203.0.113.7:61002 198.51.100.1:4500', '198.51.100.1:4500 203.0.113.7:61002']);
  expect(ports(two.alice.stack.sas)).toEqual(['198.51.100.1:4500 192.168.1.10:4500', '192.168.1.10:4500 198.51.100.1:4500']);
});
