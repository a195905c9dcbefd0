import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, toHex } from '../../src/core/bytes.ts';
import { decodeIcmp, encodeIcmp, mayAnswerWithError, unreachableCodes, type IcmpMessage } from '../../src/wire/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { pingReply, pingRequest, portUnreachable, udpHello } from '../vectors/packets.ts';

const icmpOf = (packet: Uint8Array): Uint8Array => packet.subarray(20);
const anyQuote = fc.uint8Array({ maxLength: 548 });
const anyMessage: fc.Arbitrary<IcmpMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const), identifier: fc.nat(0xffff), sequence: fc.nat(0xffff), data: fc.uint8Array() }),
  fc.record({ kind: fc.constant('unreachable' as const), code: fc.constantFrom(0, 1, 2, 3, 5, 13), quoted: anyQuote }),
  fc.record({ kind: fc.constant('fragmentation-needed' as const), mtu: fc.nat(0xffff), quoted: anyQuote }),
  fc.record({ kind: fc.constant('time-exceeded' as const), what: fc.constantFrom('ttl' as const, 'reassembly' as const), quoted: anyQuote }),
  fc.record({ kind: fc.constant('parameter-problem' as const), code: fc.nat(2), pointer: fc.nat(255), quoted: anyQuote }),
  fc.record({ kind: fc.constant('other' as const), type: fc.constantFrom(4, 5, 13, 14), code: fc.nat(255), rest: fc.uint8Array({ minLength: 4 }) }),
);

describe('ICMP', () => {
  test.each([
    ['echo request', pingRequest, { kind: 'echo-request', identifier: 0x2178, sequence: 1, data: fromHex('6e61747400000000') }],
    ['echo reply', pingReply, { kind: 'echo-reply', identifier: 0x2178, sequence: 1, data: fromHex('6e61747400000000') }],
    ['port unreachable', portUnreachable, { kind: 'unreachable', code: unreachableCodes.port, quoted: portUnreachable.subarray(28) }],
  ] as [string, Uint8Array, IcmpMessage][])('reads and writes, octet for octet, an %s that Linux sent', (_, packet, message) => {
    expect(decodeIcmp(icmpOf(packet))).toEqual({ ok: true, value: message });
    expect(toHex(encodeIcmp(message))).toBe(toHex(icmpOf(packet)));
  });

  test('the packet that Linux quotes can be read', () => {
    expect(decodeQuotedIpv4(portUnreachable.subarray(28))).toMatchObject({ ok: true, value: { protocol: protocols.udp, identification: 0xec5d } });
  });

  test('every message survives encoding and decoding', () => {
    fc.assert(fc.property(anyMessage, (message) => { expect(decodeIcmp(encodeIcmp(message))).toEqual({ ok: true, value: message }); }));
  });

  test('an error quotes as much as fits 576 octets, IP header included', () => {
    const error = encodeIcmp({ kind: 'time-exceeded', what: 'ttl', quoted: new Uint8Array(1500) });
    expect(20 + error.length).toBe(576);
  });

  test('refuses what is too short or has a wrong checksum', () => {
    expect(decodeIcmp(icmpOf(pingRequest).subarray(0, 7))).toMatchObject({ ok: false, reason: 'icmp-malformed' });
    expect(decodeIcmp(concat(fromHex('00'), icmpOf(pingRequest).subarray(1)))).toMatchObject({ ok: false, reason: 'icmp-checksum' });
  });

  test('any bytes are read or refused', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => { decodeIcmp(bytes); }));
  });

  const packet = (bytes: Uint8Array, changes: Partial<Ipv4Packet> = {}): Ipv4Packet => {
    const result = decodeIpv4(bytes);
    if (!result.ok) throw new Error(result.detail);
    return { ...result.value, ...changes };
  };

  test.each([
    ['a datagram', packet(udpHello), true],
    ['a ping', packet(pingRequest), true],
    ['an ICMP error', packet(portUnreachable), false],
    ['a later fragment', packet(udpHello, { fragmentOffset: 1480 }), false],
    ['a packet to a multicast group', packet(udpHello, { destination: ip('224.0.0.1') }), false],
    ['a broadcast', packet(udpHello, { destination: ip('255.255.255.255') }), false],
    ['a packet from nowhere', packet(udpHello, { source: ip('0.0.0.0') }), false],
  ])('RFC 1122 §3.2.2: whether %s may be answered with an error', (_, offending, answer) => {
    expect(mayAnswerWithError(offending)).toBe(answer);
  });

  test.skipIf(tsharkMissing)('tshark reads our errors and what they quote', () => {
    const messages: IcmpMessage[] = [
      { kind: 'fragmentation-needed', mtu: 1400, quoted: udpHello },
      { kind: 'time-exceeded', what: 'ttl', quoted: udpHello },
      { kind: 'unreachable', code: unreachableCodes.administrativelyProhibited, quoted: udpHello },
      { kind: 'echo-request', identifier: 7, sequence: 9, data: fromHex('0102') },
    ];
    const packets = messages.map((message) => encodeIpv4({ source: ip('198.51.100.1'), destination: ip('192.168.1.2'), protocol: 1, payload: encodeIcmp(message) }));
    expect(tshark(packets, ['icmp.type', 'icmp.code', 'icmp.mtu', 'icmp.checksum.status', 'icmp.ident', 'udp.dstport', '_ws.malformed'])).toEqual([
      ['3', '4', '1400', '1', '', '4500', ''],
      ['11', '0', '', '1', '', '4500', ''],
      ['3', '13', '', '1', '', '4500', ''],
      ['8', '0', '', '1', expect.stringMatching(/^(7|0x0007)/) as string, '', ''],
    ]);
  });
});
