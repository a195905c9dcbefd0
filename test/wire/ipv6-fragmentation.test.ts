/** IPv6 packets cut into fragments and put together (RFC 8200 §4.5). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, toHex } from '../../src/core/bytes.ts';
import { after, seconds, start } from '../../src/core/time.ts';
import { fragmentIpv6 } from '../../src/wire/fragmentation.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { encodeIpv6, ipv6HeaderLength } from '../../src/wire/ipv6.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { Reassembly } from '../../src/wire/reassembly.ts';

const ends = { source: ip('2001:db8::1'), destination: ip('2001:db8::2') };
const packet = (length: number): Uint8Array => encodeIpv6({ ...ends, nextHeader: protocols.udp, payload: Uint8Array.from({ length }, (_, i) => i & 0xff) });
const put = (pieces: readonly Uint8Array[]) => {
  const reassembly = new Reassembly();
  return pieces.map((piece) => reassembly.add(start, piece)).at(-1)!.packet;
};

test('the fragment header, octet by octet: next header, offset, more, identification; in front of it the fixed header says 44', () => {
  const [first, second, ...more] = fragmentIpv6(packet(1500), 1280, 0x0000_1234);
  expect(more).toEqual([]);
  // Payload Length 1240, Next Header 44; UDP, offset 0, more, id
  expect([toHex(first!.subarray(4, 7)), toHex(first!.subarray(40, 48)), first!.length]).toEqual(['04d82c', '1100000100001234', 1280]);
  // offset 1232, and no more
  expect([toHex(second!.subarray(4, 7)), toHex(second!.subarray(40, 48)), second!.length]).toEqual(['01142c', '110004d000001234', 48 + 268]);
});

test('what fits stays as it is', () => expect(fragmentIpv6(packet(1240), 1280, 1)).toEqual([packet(1240)]));

test('a fragment that is too long is cut again, and keeps its identification and its place', () => {
  const [first, second] = fragmentIpv6(packet(4000), 3000, 7);
  const smaller = [...fragmentIpv6(first!, 1280, 8), ...fragmentIpv6(second!, 1280, 8)];
  expect(smaller).toHaveLength(4);
  expect(put(smaller.toReversed())).toEqual(packet(4000));
});

test('cut at any length, in any order, each twice: the packet is whole again with the last piece', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1300, max: 9000 }), fc.integer({ min: 1280, max: 3000 }), fc.nat(), (length, mtu, turn) => {
      const whole = packet(length);
      const pieces = fragmentIpv6(whole, mtu, 9);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(mtu);
      const turned = pieces.map((_, i) => pieces[(i + turn) % pieces.length]!);
      const reassembly = new Reassembly();
      const made = turned.flatMap((piece) => (pieces.length === 1 ? [piece] : [piece, piece])).flatMap((piece) => reassembly.add(start, piece).packet ?? []);
      expect(made[0]).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test('extension headers in front of the fragment header stay in front of the whole (RFC 8200 §4.5)', () => {
  const [first, second] = fragmentIpv6(packet(1500), 1280, 3);
  const hopByHop = fromHex('2c00010400000000'); // then a fragment header; a padding option of six octets
  const behindHopByHop = (piece: Uint8Array): Uint8Array => encodeIpv6({ ...ends, nextHeader: protocols.hopByHop, payload: concat(hopByHop, piece.subarray(ipv6HeaderLength)) });
  const whole = put([behindHopByHop(second!), behindHopByHop(first!)])!;
  expect(toHex(whole.subarray(40, 48))).toBe('1100010400000000');
  expect(decodeIp(whole)).toMatchObject({ ok: true, value: { protocol: protocols.udp, payload: packet(1500).subarray(40) } });
});

test('overlap ends the datagram, and what is still to come of it (RFC 5722 §4)', () => {
  const pieces = fragmentIpv6(packet(4000), 1280, 5);
  const reassembly = new Reassembly();
  reassembly.add(start, pieces[0]!);
  const other = pieces[0]!.slice();
  other[60]! ^= 1;
  expect(reassembly.add(start, other).discarded).toMatchObject([{ reason: 'ip-fragment-overlap' }]);
  expect(pieces.slice(1).flatMap((piece) => reassembly.add(start, piece).packet ?? [])).toEqual([]);
});

test('the pieces of an IPv4 datagram and of an IPv6 one wait side by side, and not for ever', () => {
  const reassembly = new Reassembly();
  reassembly.add(start, fragmentIpv6(packet(1500), 1280, 5)[0]!);
  expect(reassembly.expire(after(start, seconds(30)))).toMatchObject([{ reason: 'ip-reassembly-timeout', first: fragmentIpv6(packet(1500), 1280, 5)[0]! }]);
});

test('any octets behind an IPv6 header with a fragment header are taken or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0, 43, 44, 60), (payload, nextHeader) => {
      const { discarded, packet: made } = new Reassembly().add(start, encodeIpv6({ ...ends, nextHeader, payload }));
      expect(discarded.length + (made === undefined ? 0 : 1)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 500 },
  );
});
