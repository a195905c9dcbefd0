import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip, ipv4FromNumber } from '../../src/core/address.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/core/bytes.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { pingRequest, udpHello } from '../vectors/packets.ts';

const valueOf = (bytes: Uint8Array): Ipv4Packet => {
  const result = decodeIpv4(bytes);
  if (!result.ok) throw new Error(result.detail);
  return result.value;
};

const anyPacket: fc.Arbitrary<Ipv4Packet> = fc.record({
  source: fc.nat(0xffff_ffff).map(ipv4FromNumber),
  destination: fc.nat(0xffff_ffff).map(ipv4FromNumber),
  protocol: fc.nat(255),
  ttl: fc.nat(255),
  tos: fc.nat(255),
  identification: fc.nat(0xffff),
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
  options: fc.nat(10).chain((words) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words })),
  payload: fc.uint8Array({ maxLength: 200 }),
});

describe('IPv4', () => {
  test('reads a ping that Linux sent, field by field', () => {
    expect(valueOf(pingRequest)).toEqual({
      source: '192.0.2.1',
      destination: '192.0.2.1',
      protocol: protocols.icmp,
      ttl: 64,
      tos: 0,
      identification: 0x865c,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      options: new Uint8Array(),
      payload: fromHex('0800f3b0217800016e61747400000000'),
    });
  });

  test.each([
    ['Linux', pingRequest],
    ['text2pcap', udpHello],
    ['the header of Wikipedia’s checksum example', concat(fromHex('45000073000040004011b861c0a80001c0a800c7'), new Uint8Array(95))],
  ])('writes again, octet for octet, what %s wrote', (_, bytes) => {
    expect(toHex(encodeIpv4(valueOf(bytes)))).toBe(toHex(bytes));
  });

  test('every packet survives encoding and decoding', () => {
    fc.assert(fc.property(anyPacket, (packet) => { expect(valueOf(encodeIpv4(packet))).toEqual(packet); }));
  });

  test('what is not said has the usual value', () => {
    const packet = valueOf(encodeIpv4({ source: ip('10.0.0.1'), destination: ip('10.0.0.2'), protocol: 17, payload: new Uint8Array() }));
    expect(packet).toMatchObject({ ttl: 64, tos: 0, dontFragment: false, moreFragments: false, fragmentOffset: 0 });
  });

  test('the payload is a view, and what stands behind the total length is cut off', () => {
    const padded = concat(udpHello, fromHex('00 00 00'));
    const { payload } = valueOf(padded);
    expect(payload.length).toBe(13);
    expect(payload.buffer).toBe(padded.buffer);
  });

  test.each([
    ['too short for a header', udpHello.subarray(0, 19), 'ip-malformed'],
    ['version 6', concat(fromHex('65'), udpHello.subarray(1)), 'ip-malformed'],
    ['a header length of 16', concat(fromHex('44'), udpHello.subarray(1)), 'ip-malformed'],
    ['a header longer than the packet', concat(fromHex('4f'), udpHello.subarray(1)), 'ip-malformed'],
    ['cut short', udpHello.subarray(0, udpHello.length - 1), 'ip-malformed'],
    ['a total length below the header', concat(fromHex('4500 0013'), udpHello.subarray(4)), 'ip-malformed'],
    ['one bit of the TTL flipped', concat(udpHello.subarray(0, 8), fromHex('fe'), udpHello.subarray(9)), 'ip-checksum'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(decodeIpv4(bytes)).toMatchObject({ ok: false, reason });
  });

  test('any bytes are read or refused, quoted or not', () => {
    const plausible = fc.tuple(fc.constantFrom(0x45, 0x46, 0x4f), fc.uint8Array({ maxLength: 80 })).map(([first, rest]) => concat(Uint8Array.of(first), rest));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), plausible), (bytes) => {
        decodeIpv4(bytes);
        decodeQuotedIpv4(bytes);
      }),
    );
  });

  test('a quoted packet is read as far as it goes', () => {
    const quoted = decodeQuotedIpv4(udpHello.subarray(0, 28));
    expect(quoted).toMatchObject({ ok: true, value: { source: '192.168.1.2', payload: udpHello.subarray(20, 28) } });
  });

  test('refuses to encode what no header can say', () => {
    const base = { source: ip('10.0.0.1'), destination: ip('10.0.0.2'), protocol: 17, payload: new Uint8Array() };
    expect(() => encodeIpv4({ ...base, fragmentOffset: 4 })).toThrow(RangeError);
    expect(() => encodeIpv4({ ...base, options: new Uint8Array(41) })).toThrow(RangeError);
    expect(() => encodeIpv4({ ...base, payload: new Uint8Array(65516) })).toThrow(RangeError);
  });

  test.skipIf(tsharkMissing)('tshark finds nothing wrong with what we encode', () => {
    const base = { source: ip('10.0.0.1'), destination: ip('203.0.113.9'), protocol: 253, payload: utf8('payload') };
    const packets = [
      encodeIpv4(base),
      encodeIpv4({ ...base, tos: 0xb8, ttl: 1, identification: 0xbeef, dontFragment: true }),
      encodeIpv4({ ...base, options: fromHex('01010101') }),
      encodeIpv4({ ...base, moreFragments: true, fragmentOffset: 1480, payload: new Uint8Array(8) }),
    ];
    const rows = tshark(packets, ['ip.src', 'ip.dst', 'ip.ttl', 'ip.id', 'ip.flags.df', 'ip.flags.mf', 'ip.frag_offset', 'ip.hdr_len', 'ip.dsfield', 'ip.checksum.status', '_ws.malformed'], ['-o', 'ip.defragment:FALSE']);
    expect(rows).toEqual([
      ['10.0.0.1', '203.0.113.9', '64', '0x0000', '0', '0', '0', '20', '0x00', '1', ''],
      ['10.0.0.1', '203.0.113.9', '1', '0xbeef', '1', '0', '0', '20', '0xb8', '1', ''],
      ['10.0.0.1', '203.0.113.9', '64', '0x0000', '0', '0', '0', '24', '0x00', '1', ''],
      ['10.0.0.1', '203.0.113.9', '64', '0x0000', '0', '1', '185', '20', '0x00', '1', ''], // in units of 8 octets, as on the wire
    ]);
  });
});
