import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { addressBytes, ip, type IpAddress } from '../../src/core/address.ts';
import { sameBytes } from '../../src/core/bytes.ts';
import { natDetectionNotifies, natVerdict } from '../../src/ike/v2/nat-detection.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { notifyTypes, type Payload } from '../../src/wire/ike/message.ts';
import { established, pair, type Datagram } from '../support/pair.ts';

type Position = 'none' | 'initiator' | 'responder' | 'both';

/** What each side must conclude, by where the boxes stand. */
const verdicts: [Position, { alice: [boolean, boolean]; gw: [boolean, boolean] }][] = [
  ['none', { alice: [false, false], gw: [false, false] }],
  ['initiator', { alice: [true, false], gw: [false, true] }],
  ['responder', { alice: [false, true], gw: [true, false] }],
  ['both', { alice: [true, true], gw: [true, true] }],
];

describe.each(verdicts)('NAT in front of: %s', (nat, { alice, gw }) => {
  test('each side concludes which side stands behind it', () => {
    const two = established({ nat });
    for (const [party, [localBehindNat, remoteBehindNat]] of [[two.alice, alice], [two.gw, gw]] as const) {
      expect(party.events('nat-detection')).toMatchObject([{ supported: true, localBehindNat, remoteBehindNat }]);
    }
  });

  test('the tunnel is up, in UDP only where there is a NAT', () => {
    const two = established({ nat });
    const encapsulation = nat === 'none' ? 'none' : 'udp';
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established', encapsulation, selectors: '10.98.0.0/24 === 10.99.0.0/24' }]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation, selectors: '10.99.0.0/24 === 10.98.0.0/24' }]);
    expect([...two.gw.stack.sas.values()].map(({ nattType }) => nattType)).toEqual(nat === 'none' ? [0, 0] : [2, 2]);
  });
});

const payloadsOf = ({ payload }: Datagram): readonly Payload[] => {
  const message = decodeMessage(payload);
  if (!message.ok || 'bodyAt' in message.value) throw new Error('not a message in the clear');
  return message.value.payloads;
};

/** SHA-1(SPIi | SPIr | IP | port), RFC 7296 §2.23, computed here. */
function hash(message: Datagram, address: IpAddress, port: number): Uint8Array {
  return createHash('sha1').update(message.payload.subarray(0, 16)).update(addressBytes(address)).update(Uint8Array.of(port >> 8, port & 255)).digest();
}

test('the notifies are the hashes of what the sender believes the addresses to be, SPIr zero in the first', () => {
  const { wire } = established({ nat: 'initiator' });
  const [request, answer] = wire as [Datagram, Datagram];
  expect(request.payload.subarray(8, 16)).toEqual(new Uint8Array(8));
  for (const [message, source, sourcePort, destination, destinationPort] of [
    [request, ip('192.168.1.10'), 500, ip('198.51.100.1'), 500],
    [answer, ip('198.51.100.1'), 500, ip('203.0.113.7'), 61_001],
  ] as const) {
    const notify = (type: number): Uint8Array[] => payloadsOf(message).flatMap((payload) => (payload.type === 'Notify' && payload.notifyType === type ? [payload.data] : []));
    expect(notify(notifyTypes.NAT_DETECTION_SOURCE_IP).map((data) => sameBytes(data, hash(message, source, sourcePort)))).toEqual([true]);
    expect(notify(notifyTypes.NAT_DETECTION_DESTINATION_IP).map((data) => sameBytes(data, hash(message, destination, destinationPort)))).toEqual([true]);
  }
});

test.each(['alice', 'gw'] as const)('nobody detects anything when %s has NAT traversal turned off', (who) => {
  const two = pair({ nat: 'initiator', [who]: { natTraversal: false } }).initiate().settle();
  expect(two.wire.every(({ source, destination }) => source.port === 500 && [500, 61_001].includes(destination.port))).toBe(true);
  expect([...two.alice.events('nat-detection'), ...two.gw.events('nat-detection')].some(({ supported }) => supported)).toBe(false);
  expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'none' }]);
  expect([...two.alice.stack.sas.values()].map(({ nattType }) => nattType)).toEqual([undefined, undefined]);
});

test('a host with several addresses may send a source hash for each: one that fits is enough', () => {
  const [local, peer] = [{ address: ip('198.51.100.1'), port: 500 }, { address: ip('203.0.113.7'), port: 500 }];
  const spis = { initiatorSpi: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), responderSpi: new Uint8Array(8) };
  const [there] = natDetectionNotifies(spis, [{ address: ip('192.0.2.1'), port: 500 }], local);
  const [here, destination] = natDetectionNotifies(spis, [peer], local);
  expect(natVerdict([there!, here!, destination!], spis, local, peer)).toEqual({ supported: true, localBehindNat: false, remoteBehindNat: false });
  expect(natVerdict([there!, destination!], spis, local, peer)).toEqual({ supported: true, localBehindNat: false, remoteBehindNat: true });
});
