import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, setU16, toHex, u16At } from '../../src/core/bytes.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { udpHello } from '../vectors/packets.ts';

const addresses = { source: ip('192.168.1.2'), destination: ip('203.0.113.1') };
const addresses6 = { source: ip('2001:db8::1'), destination: ip('2001:db8::2') };
const hello = udpHello.subarray(20);
const anyDatagram = fc.record({ sourcePort: fc.nat(0xffff), destinationPort: fc.nat(0xffff), payload: fc.uint8Array({ maxLength: 100 }) });

describe('UDP', () => {
  test('reads and writes, octet for octet, what text2pcap wrote', () => {
    const datagram = { sourcePort: 4500, destinationPort: 4500, payload: fromHex('68656c6c6f') };
    expect(decodeUdp(hello, addresses)).toEqual({ ok: true, value: { ...datagram, checksum: 'verified' } });
    expect(toHex(encodeUdp(datagram, addresses, 'computed'))).toBe(toHex(hello));
  });

  test('every datagram survives encoding and decoding, over either IP version', () => {
    fc.assert(
      fc.property(anyDatagram, fc.constantFrom(addresses, addresses6), (datagram, ends) => {
        expect(decodeUdp(encodeUdp(datagram, ends, 'computed'), ends)).toEqual({ ok: true, value: { ...datagram, checksum: 'verified' } });
      }),
    );
  });

  test('a datagram without checksum is taken over IPv4 and refused over IPv6', () => {
    const bytes = encodeUdp({ sourcePort: 4500, destinationPort: 4500, payload: fromHex('68656c6c6f') }, addresses, 'zero');
    expect(u16At(bytes, 6)).toBe(0);
    expect(decodeUdp(bytes, addresses)).toMatchObject({ ok: true, value: { checksum: 'zero' } });
    expect(decodeUdp(bytes, addresses6)).toMatchObject({ ok: false, reason: 'udp-checksum' });
  });

  test('a computed checksum of zero goes out as all ones', () => {
    // the payload is the checksum of the same datagram with a payload of zero: the sum becomes ffff, its complement 0
    const datagram = { sourcePort: 500, destinationPort: 500, payload: new Uint8Array(2) };
    setU16(datagram.payload, 0, u16At(encodeUdp(datagram, addresses, 'computed'), 6));
    const bytes = encodeUdp(datagram, addresses, 'computed');
    expect(u16At(bytes, 6)).toBe(0xffff);
    expect(decodeUdp(bytes, addresses)).toMatchObject({ ok: true, value: { checksum: 'verified' } });
  });

  test('octets behind the UDP length are cut off', () => {
    expect(decodeUdp(concat(hello, fromHex('0000')), addresses)).toMatchObject({ ok: true, value: { payload: fromHex('68656c6c6f') } });
  });

  test.each([
    ['too short for a header', hello.subarray(0, 7), 'udp-malformed'],
    ['cut short', hello.subarray(0, 12), 'udp-malformed'],
    ['a length below the header', concat(hello.subarray(0, 4), fromHex('0007'), hello.subarray(6)), 'udp-malformed'],
    ['another port than was summed', concat(fromHex('1195'), hello.subarray(2)), 'udp-checksum'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(decodeUdp(bytes, addresses)).toMatchObject({ ok: false, reason });
  });

  test('refuses a datagram whose addresses were changed under way without mending the checksum', () => {
    expect(decodeUdp(hello, { ...addresses, source: ip('198.51.100.1') })).toMatchObject({ ok: false, reason: 'udp-checksum' });
  });

  test('any bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom(addresses, addresses6), (bytes, ends) => {
        decodeUdp(bytes, ends);
      }),
    );
  });

  test.skipIf(tsharkMissing)('tshark finds good checksums, and none where there is none', () => {
    const packets = (['computed', 'zero'] as const).map((checksum) =>
      encodeIpv4({ ...addresses, protocol: 17, payload: encodeUdp({ sourcePort: 50000, destinationPort: 9999, payload: fromHex('010203') }, addresses, checksum) }),
    );
    expect(tshark(packets, ['udp.srcport', 'udp.dstport', 'udp.length', 'udp.checksum.status', '_ws.malformed'])).toEqual([
      ['50000', '9999', '11', '1', ''],
      ['50000', '9999', '11', '3', ''], // 3: not present
    ]);
  });
});
