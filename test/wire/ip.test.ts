import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressFromBytes, ip, ipv4FromNumber } from '../../src/core/address.ts';
import { concat, fromHex, toHex } from '../../src/core/bytes.ts';
import { decodeIcmpv6, encodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { decodeIp, encodeIp, encodeUdpPacket, ports, type IpPacket } from '../../src/wire/ip.ts';
import { decodeIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { decodeIpv6, encodeIpv6 } from '../../src/wire/ipv6.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeTcp, encodeTcp, tcpFlags } from '../../src/wire/tcp.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { ping6Request, pingRequest, portUnreachable, tcpReset, udpHello } from '../vectors/packets.ts';

const here = ip('2001:db8::1');
const there = ip('2001:db8::2');

const ipOf = (bytes: Uint8Array): IpPacket => {
  const result = decodeIp(bytes);
  if (!result.ok) throw new Error(result.detail);
  return result.value;
};

describe('IPv6', () => {
  test('reads and writes, octet for octet, a ping that Linux sent', () => {
    const packet = decodeIpv6(ping6Request);
    expect(packet).toMatchObject({ ok: true, value: { source: here, destination: here, trafficClass: 0, flowLabel: 0xafb77, nextHeader: protocols.icmpv6, hopLimit: 64 } });
    if (packet.ok) expect(toHex(encodeIpv6(packet.value))).toBe(toHex(ping6Request));
  });

  test('every packet survives encoding and decoding', () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressFromBytes);
    const anyPacket = fc.record({ source: address, destination: address, trafficClass: fc.nat(255), flowLabel: fc.nat(0xfffff), nextHeader: fc.nat(255), hopLimit: fc.nat(255), payload: fc.uint8Array() });
    fc.assert(
      fc.property(anyPacket, (packet) => {
        expect(decodeIpv6(encodeIpv6(packet))).toEqual({ ok: true, value: packet });
      }),
    );
  });

  test('steps over hop-by-hop, destination and routing headers to the upper protocol', () => {
    const payload = fromHex(`3c00 010400000000  2b01 010400000000 0000000000000000  1100 000000000000  01f40000 0008 0000`);
    expect(ipOf(encodeIpv6({ source: here, destination: there, nextHeader: protocols.hopByHop, payload }))).toMatchObject({ version: 6, protocol: protocols.udp, payload: payload.subarray(32) });
  });

  test('shows a fragment, and does not take a whole datagram with a fragment header for one (RFC 6946)', () => {
    const fragment = (offsetAndMore: string): IpPacket =>
      ipOf(encodeIpv6({ source: here, destination: there, nextHeader: protocols.fragment, payload: fromHex(`1100 ${offsetAndMore} 12345678 01f411940008abcd`) }));
    expect(fragment('0001').fragment).toEqual({ identification: 0x12345678, offset: 0, more: true });
    expect(fragment('05a8').fragment).toEqual({ identification: 0x12345678, offset: 1448, more: false });
    expect(fragment('0000').fragment).toBeUndefined();
    const later = encodeIpv6({ source: here, destination: there, nextHeader: protocols.fragment, payload: fromHex('3c00 05a8 12345678 ffffffff') });
    expect(ipOf(later)).toMatchObject({ protocol: protocols.destination, payload: fromHex('ffffffff') }); // the middle of something, not a header
    expect(ports(fragment('0001'))).toEqual({ source: 500, destination: 4500 });
    expect(ports(fragment('05a8'))).toBeUndefined();
  });

  test.each([
    ['an extension header cut short', protocols.hopByHop, '11'],
    ['an extension header that says it is longer than the packet', protocols.destination, '1101000000000000'],
    ['a fragment header cut short', protocols.fragment, '1100000012'],
  ])('refuses %s', (_, nextHeader, hex) => {
    expect(decodeIp(encodeIpv6({ source: here, destination: there, nextHeader, payload: fromHex(hex) }))).toMatchObject({ ok: false, reason: 'ip-malformed' });
  });
});

describe('ICMPv6', () => {
  test('reads and writes, octet for octet, a ping that Linux sent', () => {
    const echo = decodeIcmpv6(ping6Request.subarray(40), { source: here, destination: here });
    expect(echo).toEqual({ ok: true, value: { kind: 'echo-request', identifier: 0x2179, sequence: 1, data: fromHex('6e61747400000000') } });
    if (echo.ok) expect(toHex(encodeIcmpv6(echo.value, { source: here, destination: here }))).toBe(toHex(ping6Request.subarray(40)));
  });

  test('refuses a wrong checksum', () => {
    expect(decodeIcmpv6(ping6Request.subarray(40), { source: here, destination: there })).toMatchObject({ ok: false, reason: 'icmp-checksum' });
  });

  test.each([
    { kind: 'unreachable', code: 4, quoted: ping6Request },
    { kind: 'packet-too-big', mtu: 1280, quoted: ping6Request },
    { kind: 'time-exceeded', what: 'ttl', quoted: ping6Request },
    { kind: 'other', type: 135, code: 0, rest: fromHex('00000000 01') },
  ] as const)('$kind survives encoding and decoding', (message) => {
    const ends = { source: here, destination: there };
    expect(decodeIcmpv6(encodeIcmpv6(message, ends), ends)).toEqual({ ok: true, value: message });
  });
});

describe('TCP', () => {
  const addresses = { source: ip('192.0.2.1'), destination: ip('192.0.2.1') };

  test('reads and writes, octet for octet, a reset that Linux sent', () => {
    const reset = decodeTcp(tcpReset.subarray(20), addresses);
    expect(reset).toMatchObject({ ok: true, value: { sourcePort: 80, destinationPort: 48896, acknowledgment: 0xd2d6cd2e, flags: tcpFlags.rst | tcpFlags.ack, window: 0 } });
    if (reset.ok) expect(toHex(encodeTcp(reset.value, addresses))).toBe(toHex(tcpReset.subarray(20)));
  });

  test('every segment survives encoding and decoding', () => {
    const anySegment = fc.record({
      sourcePort: fc.nat(0xffff),
      destinationPort: fc.nat(0xffff),
      sequence: fc.nat(0xffff_ffff),
      acknowledgment: fc.nat(0xffff_ffff),
      flags: fc.nat(255),
      window: fc.nat(0xffff),
      urgentPointer: fc.nat(0xffff),
      options: fc.nat(10).chain((words) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words })),
      payload: fc.uint8Array(),
    });
    fc.assert(
      fc.property(anySegment, (segment) => {
        expect(decodeTcp(encodeTcp(segment, addresses), addresses)).toEqual({ ok: true, value: segment });
      }),
    );
  });

  test('refuses a data offset outside the segment, and a wrong checksum', () => {
    const bytes = tcpReset.subarray(20);
    expect(decodeTcp(concat(bytes.subarray(0, 12), fromHex('40'), bytes.subarray(13)), addresses)).toMatchObject({ ok: false, reason: 'tcp-malformed' });
    expect(decodeTcp(concat(bytes.subarray(0, 12), fromHex('60'), bytes.subarray(13)), addresses)).toMatchObject({ ok: false, reason: 'tcp-malformed' });
    expect(decodeTcp(bytes, { ...addresses, source: ip('192.0.2.2') })).toMatchObject({ ok: false, reason: 'tcp-checksum' });
  });
});

describe('the common view of IPv4 and IPv6', () => {
  test.each([
    ['UDP ports', udpHello, { source: 4500, destination: 4500 }],
    ['TCP ports', tcpReset, { source: 80, destination: 48896 }],
    ['type and code of an ICMP echo request', pingRequest, { source: 0x0800, destination: 0x0800 }],
    ['type and code of an ICMP error', portUnreachable, { source: 0x0303, destination: 0x0303 }],
    ['type and code of an ICMPv6 echo request', ping6Request, { source: 0x8000, destination: 0x8000 }],
    ['no ports of ESP', encodeIpv4({ source: ip('192.0.2.1'), destination: ip('192.0.2.2'), protocol: protocols.esp, payload: fromHex('1234567800000001') }), undefined],
    ['no ports of what is too short', encodeIpv4({ source: ip('192.0.2.1'), destination: ip('192.0.2.2'), protocol: protocols.udp, payload: fromHex('1234') }), undefined],
  ])('selectors see %s', (_, packet, expected) => {
    expect(ports(ipOf(packet))).toEqual(expected);
  });

  test('a later IPv4 fragment has a place and no ports', () => {
    const bytes = encodeIpv4({ source: ip('192.0.2.1'), destination: ip('192.0.2.2'), protocol: 17, payload: fromHex('01f401f40008abcd'), identification: 7, fragmentOffset: 1480 });
    expect(ipOf(bytes).fragment).toEqual({ identification: 7, offset: 1480, more: false });
    expect(ports(ipOf(bytes))).toBeUndefined();
  });

  test('what is neither version 4 nor 6 is refused', () => {
    expect(decodeIp(new Uint8Array())).toMatchObject({ ok: false, reason: 'ip-malformed', detail: 'no octets' });
    expect(decodeIp(fromHex('55'.repeat(60)))).toMatchObject({ ok: false, reason: 'ip-malformed', detail: 'version 5' });
  });

  test('any bytes are read or refused', () => {
    const plausible = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 120 })).map(([next, payload]) => encodeIpv6({ source: here, destination: there, nextHeader: next % 61, payload }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), plausible), (bytes) => {
        const packet = decodeIp(bytes);
        if (packet.ok) ports(packet.value);
      }),
      { numRuns: 2000 },
    );
  });

  test('a UDP packet is written in one go as it is in two', () => {
    const endpoint = fc.record({ address: fc.nat(0xffff_ffff).map(ipv4FromNumber), port: fc.nat(0xffff) });
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array(), (source, destination, payload) => {
        const packet = decodeIpv4(encodeUdpPacket(source, destination, payload, 'computed', 99));
        expect(packet).toMatchObject({ ok: true, value: { source: source.address, destination: destination.address, identification: 99, protocol: protocols.udp } });
      }),
    );
    expect(toHex(encodeUdpPacket({ address: ip('192.168.1.2'), port: 4500 }, { address: ip('203.0.113.1'), port: 4500 }, fromHex('68656c6c6f'), 'computed', 0x1234).subarray(20))).toBe(
      toHex(udpHello.subarray(20)),
    );
  });

  test.skipIf(tsharkMissing)('tshark finds good checksums in UDP, TCP and ICMPv6 over either version', () => {
    const ends = [{ source: ip('192.0.2.1'), destination: ip('198.51.100.7') }, { source: here, destination: there }] as const;
    const packets = ends.flatMap(({ source, destination }) => [
      encodeUdpPacket({ address: source, port: 5000 }, { address: destination, port: 6000 }, fromHex('010203'), 'computed'),
      encodeIp({ source, destination, protocol: protocols.tcp, payload: encodeTcp({ sourcePort: 5000, destinationPort: 80, flags: tcpFlags.syn, options: fromHex('020405b4') }, { source, destination }) }),
    ]);
    packets.push(encodeIp({ source: here, destination: there, protocol: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'packet-too-big', mtu: 1280, quoted: ping6Request }, ends[1]) }));
    expect(tshark(packets, ['udp.checksum.status', 'tcp.checksum.status', 'tcp.options.mss_val', 'icmpv6.checksum.status', 'icmpv6.mtu', '_ws.malformed'])).toEqual([
      ['1', '', '', '', '', ''],
      ['', '1', '1460', '', '', ''],
      ['1', '', '', '', '', ''],
      ['', '1', '1460', '', '', ''],
      ['', '', '', '1,2', '1280', ''], // good; the quoted one is not looked at
    ]);
  });
});
