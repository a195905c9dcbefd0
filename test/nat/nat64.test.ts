/** NAT64: the translation of headers, and the gateway around it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip, prefix, type IpAddress } from '../../src/core/address.ts';
import { setU16, toHex, u16At, u32At } from '../../src/core/bytes.ts';
import type { DropEvent, NatEvent, Side } from '../../src/core/events.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { after, seconds, start } from '../../src/core/time.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import { embedded, extracted, wellKnownPrefix } from '../../src/nat/nat64/embedded.ts';
import { icmpTo4, icmpTo6 } from '../../src/nat/nat64/icmp-meanings.ts';
import { Nat64 } from '../../src/nat/nat64/nat64.ts';
import { toIpv4, toIpv6 } from '../../src/nat/nat64/siit.ts';
import { fragmentIpv4 } from '../../src/wire/fragmentation.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIcmpv6, encodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { encodeIpv4, ipv4At } from '../../src/wire/ipv4.ts';
import { encodeIpv6, ipv6At } from '../../src/wire/ipv6.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { Reassembly } from '../../src/wire/reassembly.ts';
import { decodeTcp, encodeTcp, tcpFlags } from '../../src/wire/tcp.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { behaviourOf } from './lab.ts';
import { told, udp, wrongChecksums } from './packets.ts';

describe('IPv4 addresses in IPv6 ones: the table of RFC 6052 §2.4', () => {
  test.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
    ['64:ff9b::/96', '64:ff9b::192.0.2.33'],
  ])('%s', (pref64, address) => {
    expect(embedded(ip('192.0.2.33'), prefix(pref64))).toBe(ip(address));
    expect(extracted(ip(address), prefix(pref64))).toBe('192.0.2.33');
    expect(extracted(ip('2001:db9::1'), prefix(pref64))).toBeUndefined();
  });
});

// ---- packets ----

const host = ip('2001:db8:1::10');
const server = ip('198.51.100.1');
const server6 = embedded(server, wellKnownPrefix);
const hidden = ip('192.0.2.10');
const as4 = (address: IpAddress): IpAddress | undefined => (address === host ? hidden : extracted(address, wellKnownPrefix));
const as6 = (address: IpAddress): IpAddress => (address === hidden ? host : embedded(address, wellKnownPrefix));

const out = { source: host, destination: server6 };
const udp6 = (payload = Uint8Array.of(0xff), ends = out, ports: readonly [number, number] = [500, 500]): Uint8Array =>
  encodeIpv6({ ...ends, nextHeader: protocols.udp, hopLimit: 61, payload: encodeUdp({ sourcePort: ports[0], destinationPort: ports[1], payload }, ends, 'computed') });

const value = <Value>(read: { ok: true; value: Value } | { ok: false; reason: string }): Value => {
  if (!read.ok) throw new Error(read.reason);
  return read.value;
};

describe('headers (RFC 7915)', () => {
  test('whatever is in it, UDP, TCP, ping and ESP turn into IPv4 with right checksums, and back into the same', () => {
    const upper = fc.uint8Array({ maxLength: 1400 }).chain((data) =>
      fc.constantFrom(
        [protocols.udp, encodeUdp({ sourcePort: 4500, destinationPort: 4500, payload: data }, out, 'computed')] as const,
        [protocols.tcp, encodeTcp({ sourcePort: 1, destinationPort: 2, flags: tcpFlags.ack, payload: data }, out)] as const,
        [protocols.icmpv6, encodeIcmpv6({ kind: 'echo-request', identifier: 7, sequence: 9, data }, out)] as const,
        [protocols.esp, data] as const,
      ),
    );
    fc.assert(
      fc.property(upper, fc.nat(255), fc.integer({ min: 1, max: 255 }), ([nextHeader, payload], trafficClass, hopLimit) => {
        const packet = encodeIpv6({ ...out, nextHeader, payload, trafficClass, hopLimit });
        const as = value(toIpv4(packet, as4, 77));
        expect(wrongChecksums(as)).toEqual([]);
        expect([as[ipv4At.tos], as[ipv4At.ttl], u16At(as, ipv4At.identification)]).toEqual([trafficClass, hopLimit, 77]);
        expect((u16At(as, ipv4At.flagsAndOffset) & 0x4000) !== 0, 'only what IPv6 would not cut may not be cut').toBe(packet.length > 1280);
        expect(value(toIpv6(as, as6))).toEqual(packet);
      }),
      { numRuns: 200 },
    );
  });

  test('a UDP checksum of zero is made, for IPv6 has no such thing', () => {
    const turned = value(decodeIp(value(toIpv6(udp(`${server}:500`, `${hidden}:500`, { checksum: 'zero' }), as6))));
    expect(decodeUdp(turned.payload, turned)).toMatchObject({ ok: true, value: { checksum: 'verified' } });
  });

  test('of a fragment it cannot be', () => {
    const [first] = fragmentIpv4(udp(`${server}:500`, `${hidden}:500`, { checksum: 'zero', payload: new Uint8Array(2000) }), 1500) as Uint8Array[];
    expect(toIpv6(first!, as6)).toMatchObject({ ok: false, reason: 'udp-checksum' });
  });

  test('fragments become fragments', () => {
    const pieces = fragmentIpv4(udp(`${server}:500`, `${hidden}:500`, { payload: new Uint8Array(2000), identification: 0xabcd }), 1500) as Uint8Array[];
    const places = pieces.map((piece) => value(decodeIp(value(toIpv6(piece, as6)))));
    expect(places.map(({ protocol, fragment }) => ({ protocol, ...fragment }))).toEqual([
      { protocol: protocols.udp, identification: 0xabcd, offset: 0, more: true },
      { protocol: protocols.udp, identification: 0xabcd, offset: 1480, more: false },
    ]);
    expect(pieces.map((piece) => value(toIpv4(value(toIpv6(piece, as6)), as4, 0)))).toEqual(pieces);
  });

  test('a wrong ICMP checksum is not made right', () => {
    const packet = encodeIpv6({ ...out, nextHeader: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'echo-request', identifier: 7, sequence: 9, data: new Uint8Array() }, out) });
    setU16(packet, 42, u16At(packet, 42) ^ 1);
    expect(toIpv4(packet, as4, 0)).toMatchObject({ ok: false, reason: 'icmp-checksum' });
  });

  test('any octets are translated or refused, in either direction', () => {
    const octets = fc.uint8Array({ maxLength: 100 });
    const numbers = fc.constantFrom(...Object.values(protocols));
    fc.assert(
      fc.property(octets, numbers, fc.nat(140), (payload, number, length) => {
        expect(toIpv4(encodeIpv6({ ...out, nextHeader: number, payload }).subarray(0, length), as4, 0)).toHaveProperty('ok');
        expect(toIpv6(encodeIpv4({ source: server, destination: hidden, protocol: number, payload }).subarray(0, length), as6)).toHaveProperty('ok');
        expect(toIpv4(payload, as4, 0)).toHaveProperty('ok');
        expect(toIpv6(payload, as6)).toHaveProperty('ok');
      }),
      { numRuns: 500 },
    );
  });
});

describe('ICMP errors', () => {
  const quoted4 = udp(`${hidden}:500`, `${server}:500`, { payload: new Uint8Array(40) });
  const errorTo6 = (message: Parameters<typeof encodeIcmp>[0]) => {
    const turned = value(decodeIp(value(toIpv6(encodeIpv4({ source: ip('203.0.113.9'), destination: hidden, protocol: protocols.icmp, payload: encodeIcmp(message) }), as6))));
    return value(decodeIcmpv6(turned.payload, turned));
  };

  test.each([
    ['host unreachable', { kind: 'unreachable', code: 1 }, { kind: 'unreachable', code: 0 }],
    ['port unreachable', { kind: 'unreachable', code: 3 }, { kind: 'unreachable', code: 4 }],
    ['administratively prohibited', { kind: 'unreachable', code: 13 }, { kind: 'unreachable', code: 1 }],
    ['fragmentation needed: 20 more fit', { kind: 'fragmentation-needed', mtu: 1400 }, { kind: 'packet-too-big', mtu: 1420 }],
    ['less than IPv6 must take', { kind: 'fragmentation-needed', mtu: 600 }, { kind: 'packet-too-big', mtu: 1280 }],
    ['time exceeded', { kind: 'time-exceeded', what: 'ttl' }, { kind: 'time-exceeded', what: 'ttl' }],
  ] as const)('%s arrives as its like, about the packet as it was sent', (_, message, expected) => {
    const turned = errorTo6({ ...message, quoted: quoted4 });
    expect(turned).toMatchObject(expected);
    const inner = value(decodeIp((turned as { quoted: Uint8Array }).quoted));
    expect(inner).toMatchObject({ source: host, destination: server6, protocol: protocols.udp });
    expect(decodeUdp(inner.payload, inner)).toMatchObject({ ok: true, value: { sourcePort: 500 } });
  });

  test.each<[string, number, { ipv4: number; ipv6: number }, number]>([
    // RFC 7915 §4.2: max(1280, min(told + 20, MTU of the IPv6 link, MTU of the IPv4 link + 20))
    ['20 more than IPv4 has', 1400, { ipv4: 1500, ipv6: 1500 }, 1420],
    ['no more than the IPv6 link takes', 1490, { ipv4: 1500, ipv6: 1500 }, 1500],
    ['no more than the IPv4 link takes, and 20', 1490, { ipv4: 1400, ipv6: 9000 }, 1420],
    ['never less than 1280', 576, { ipv4: 1500, ipv6: 1500 }, 1280],
  ])('inwards, the MTU that is told: %s', (_, mtu, hops, expected) => {
    expect(icmpTo6({ type: 3, code: 4, word: mtu }, 1500, hops)).toEqual({ type: 2, code: 0, word: expected });
  });

  test.each<[string, number, { ipv4: number; ipv6: number }, number]>([
    // §5.2: min(told - 20, MTU of the IPv4 link, MTU of the IPv6 link - 20)
    ['20 less than IPv6 has', 1400, { ipv4: 1500, ipv6: 1500 }, 1380],
    ['no more than the IPv4 link takes', 1500, { ipv4: 1300, ipv6: 1500 }, 1300],
    ['no more than the IPv6 link takes, less 20', 1500, { ipv4: 1500, ipv6: 1280 }, 1260],
  ])('outwards, the MTU that is told: %s', (_, mtu, hops, expected) => {
    expect(icmpTo4({ type: 2, code: 0, word: mtu }, hops)).toEqual({ type: 3, code: 4, word: expected });
  });

  test('of an unknown protocol: a parameter problem with the next header (figure 1)', () => {
    expect(errorTo6({ kind: 'unreachable', code: 2, quoted: quoted4 })).toMatchObject({ kind: 'other', type: 4, code: 1, rest: expect.toSatisfy((rest: Uint8Array) => u32At(rest, 0) === 6) as unknown });
  });

  test('outwards: too big is fragmentation needed, 20 less, and says how long the quoted packet was', () => {
    const answer = udp6(new Uint8Array(1400), { source: server6, destination: host });
    const ends = { source: ip('2001:db8:1::1'), destination: server6 };
    const packet = encodeIpv6({ ...ends, nextHeader: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'packet-too-big', mtu: 1320, quoted: answer }, ends) });
    const turned = value(toIpv4(packet, (address) => (address === ends.source ? ip('192.0.2.1') : as4(address)), 1));
    expect(wrongChecksums(turned)).toEqual([]);
    const message = value(decodeIcmp(value(decodeIp(turned)).payload));
    expect(message).toMatchObject({ kind: 'fragmentation-needed', mtu: 1300 });
    const inner = (message as { quoted: Uint8Array }).quoted;
    expect(u16At(inner, ipv4At.totalLength)).toBe(20 + 8 + 1400);
    expect(told(inner.slice())).toMatch(/^udp(:wrong)? 198\.51\.100\.1:500 > 192\.0\.2\.10:500$/);
  });
});

// ---- the gateway ----

function gateway(changes: BehaviourChanges = {}) {
  const box = new Nat64({ name: 'nat64', behaviour: behaviourOf('rfc-4787', changes), outsideAddresses: [ip('203.0.113.1')], insidePrefixes: [prefix('2001:db8:1::/64')], forwards: [] }, { kind: 'nat64', pref64: wellKnownPrefix }, seeded(1));
  let now = start;
  const events: (NatEvent | DropEvent)[] = [];
  const pass = (from: Side, packet: Uint8Array): string => {
    box.handle(now, { kind: 'packet', from, packet: packet.slice() });
    let seen = 'nothing';
    for (const output of drain(box)) {
      if (output.kind === 'event') {
        events.push(output.event);
        if (output.event.kind === 'drop' && seen === 'nothing') seen = output.event.reason;
        continue;
      }
      const { source, destination, protocol, payload } = value(decodeIp(output.packet));
      if (protocol === protocols.udp) expect(decodeUdp(payload, { source, destination }).ok).toBe(true);
      if (protocol === protocols.tcp) expect(decodeTcp(payload, { source, destination }).ok).toBe(true);
      const ports = protocol === protocols.udp || protocol === protocols.tcp ? ` ${u16At(payload, 0)} > ${u16At(payload, 2)}` : '';
      seen = `${output.to}: ${source} > ${destination}${ports}`;
    }
    return seen;
  };
  return {
    box,
    events,
    /** What the box sends on because of a packet, octets and all. */
    forwarded: (from: Side, packet: Uint8Array): readonly Uint8Array[] => {
      box.handle(now, { kind: 'packet', from, packet: packet.slice() });
      return drain(box).flatMap((output) => (output.kind === 'forward' ? [output.packet] : []));
    },
    out: (packet: Uint8Array) => pass('inside', packet),
    in: (packet: Uint8Array) => pass('outside', packet),
    wait: (s: number) => {
      now = after(now, seconds(s));
      box.wake(now);
      for (const output of drain(box)) if (output.kind === 'event') events.push(output.event);
    },
    now: () => now,
  };
}

describe('the gateway (RFC 6146)', () => {
  const other = ip('2001:db8:1::11');

  test('a client speaks IPv6 and its server IPv4, and the answer comes back', () => {
    const lab = gateway();
    expect(lab.out(udp6())).toBe('outside: 203.0.113.1 > 198.51.100.1 500 > 500');
    expect(lab.in(udp('198.51.100.1:500', '203.0.113.1:500'))).toBe(`inside: ${server6} > ${host} 500 > 500`);
  });

  test('tables and stories tell of hosts by their own addresses', () => {
    const lab = gateway();
    lab.out(udp6());
    expect(lab.box.mappings(lab.now())).toMatchObject([{ protocol: 'udp', inside: { address: host, port: 500 }, outside: { address: '203.0.113.1', port: 500 }, remote: { address: server, port: 500 } }]);
    expect(lab.events[0]).toMatchObject({ kind: 'mapping-created', mapping: { inside: { address: host } }, story: 'nat64 maps UDP [2001:db8:1::10]:500 ⇄ 203.0.113.1:500 (its port kept) for 198.51.100.1:500; if nothing refreshes it, it lives 5 min' });
    lab.wait(300);
    expect(lab.events.at(-1)).toMatchObject({ kind: 'mapping-expired', mapping: { inside: { address: host } }, story: expect.stringContaining('[2001:db8:1::10]:500') as string });
    expect(lab.box.mappings(lab.now())).toEqual([]);
  });

  test('two clients from port 500 are two ports, and each hears its own', () => {
    const lab = gateway();
    lab.out(udp6());
    const second = /> 198\.51\.100\.1 (\d+) /.exec(lab.out(udp6(Uint8Array.of(1), { source: other, destination: server6 })))![1]!;
    expect(Number(second)).not.toBe(500);
    expect(lab.in(udp('198.51.100.1:500', `203.0.113.1:${second}`))).toBe(`inside: ${server6} > ${other} 500 > 500`);
    expect(lab.in(udp('198.51.100.1:500', '203.0.113.1:500'))).toBe(`inside: ${server6} > ${host} 500 > 500`);
  });

  test('ESP, TCP and pings go through as well', () => {
    const lab = gateway();
    expect(lab.out(encodeIpv6({ ...out, nextHeader: protocols.esp, payload: new Uint8Array(16) }))).toBe('outside: 203.0.113.1 > 198.51.100.1');
    expect(lab.out(encodeIpv6({ ...out, nextHeader: protocols.tcp, payload: encodeTcp({ sourcePort: 7, destinationPort: 80, flags: tcpFlags.syn }, out) }))).toMatch(/^outside: 203\.0\.113\.1 > 198\.51\.100\.1 7 > 80$/);
    const echo = encodeIpv6({ ...out, nextHeader: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'echo-request', identifier: 7, sequence: 1, data: new Uint8Array() }, out) });
    expect(lab.out(echo)).toBe('outside: 203.0.113.1 > 198.51.100.1');
    expect(lab.in(encodeIpv4({ source: server, destination: ip('203.0.113.1'), protocol: protocols.icmp, payload: encodeIcmp({ kind: 'echo-reply', identifier: 7, sequence: 1, data: new Uint8Array() }) }))).toBe(`inside: ${server6} > ${host}`);
  });

  test('every knob holds: a pinned port keeps the second client out', () => {
    const lab = gateway({ pinned: { ports: [500], onConflict: 'refuse' } });
    lab.out(udp6());
    expect(lab.out(udp6(Uint8Array.of(1), { source: other, destination: server6 }))).toBe(`inside: 64:ff9b::cb00:7101 > ${other}`); // rfc-4787 tells it by ICMP, from its own address
    expect(lab.events.at(-1)).toMatchObject({ kind: 'drop', reason: 'nat-pinned-port-taken', detail: expect.stringContaining('[2001:db8:1::10]:500') as string, peer: { address: other, port: 500 } });
  });

  test('two clients meet by the outside address', () => {
    const lab = gateway({ filtering: 'endpoint-independent' });
    lab.out(udp6());
    expect(lab.out(udp6(Uint8Array.of(1), { source: other, destination: embedded(ip('203.0.113.1'), wellKnownPrefix) }, [4500, 500]))).toBe(`inside: 64:ff9b::cb00:7101 > ${host} 4500 > 500`);
  });

  test('fragments of a client are put together, whoever speaks between them', () => {
    const lab = gateway();
    const whole = udp6(new Uint8Array(64).fill(7)).subarray(40);
    const piece = (source: IpAddress, offset: number, more: boolean): Uint8Array => {
      const header = new Uint8Array(8);
      header[0] = protocols.udp;
      setU16(header, 2, offset | (more ? 1 : 0));
      setU16(header, 6, 0x1234);
      return encodeIpv6({ source, destination: server6, nextHeader: protocols.fragment, payload: Uint8Array.from([...header, ...(more ? whole.subarray(offset, offset + 40) : whole.subarray(offset))]) });
    };
    expect(lab.out(piece(host, 0, true))).toBe('nothing');
    lab.out(udp6(Uint8Array.of(1), { source: other, destination: server6 }));
    expect(lab.out(piece(host, 40, false))).toMatch(/^outside: 203\.0\.113\.1 > 198\.51\.100\.1 \d+ > 500$/);
  });

  describe('what is too long for IPv6 (RFC 7915 §4)', () => {
    /** An answer to the client, in IPv4 with this identification; what the gateway makes of it. */
    const answered = (length: number, { dontFragment = false, checksum = 'computed' }: { dontFragment?: boolean; checksum?: 'computed' | 'zero' } = {}, changes: BehaviourChanges = {}) => {
      const lab = gateway(changes);
      const port = Number(/(\d+) > 500$/.exec(lab.out(udp6()))![1]);
      const ends4 = { source: server, destination: ip('203.0.113.1') };
      const packet = encodeIpv4({ ...ends4, protocol: protocols.udp, identification: 0xabcd, dontFragment, payload: encodeUdp({ sourcePort: 500, destinationPort: port, payload: Uint8Array.from({ length }, (_, i) => i & 0xff) }, ends4, checksum) });
      return { lab, packet, give: (pieces: readonly Uint8Array[] = [packet]) => pieces.flatMap((piece) => lab.forwarded('outside', piece)) };
    };
    /** Payload Length and Next Header; where that is 44, the fragment header. */
    const head = (packet: Uint8Array): string => `${toHex(packet.subarray(4, 7))} ${packet[ipv6At.nextHeader] === protocols.fragment ? toHex(packet.subarray(40, 48)) : ''}`.trim();
    const whole = (pieces: readonly Uint8Array[]) => {
      const reassembly = new Reassembly();
      const made = pieces.map((piece) => reassembly.add(start, piece).packet).at(-1)!;
      const { source, destination, payload } = value(decodeIp(made));
      return value(decodeUdp(payload, { source, destination })).payload.length;
    };

    test('1232 octets behind the IPv4 header and more, without DF: fragments of 1280 octets, identified by the 16 bits that IPv4 has', () => {
      const pieces = answered(1472).give();
      expect(pieces.map(head)).toEqual(['04d82c 110000010000abcd', '01002c 110004d00000abcd']); // 8 + 1232; 8 + 248 at 1232
      expect(pieces.map(({ length }) => length)).toEqual([1280, 296]);
      expect(whole(pieces)).toBe(1472);
    });

    test('what becomes 1280 octets is left whole, without a fragment header; one octet more is not', () => {
      expect(answered(1232).give().map(head)).toEqual(['04d811']);
      expect(answered(1233).give().map(head)).toEqual(['04d82c 110000010000abcd', '00112c 110004d00000abcd']);
    });

    test('with DF it is whole, however long: the link says whether it fits', () => expect(answered(1472, { dontFragment: true }).give().map(head)).toEqual(['05c811']));

    test('a checksum of zero is made over the whole of it first', () => expect(whole(answered(1472, { checksum: 'zero' }).give())).toBe(1472));

    test('a long answer to a ping is cut up behind its checksum', () => {
      const lab = gateway();
      const ping6 = (kind: 'echo-request' | 'echo-reply') => encodeIpv6({ ...out, nextHeader: protocols.icmpv6, payload: encodeIcmpv6({ kind, identifier: 7, sequence: 1, data: new Uint8Array(8) }, out) });
      const request = value(decodeIp(lab.forwarded('inside', ping6('echo-request'))[0]!));
      const identifier = u16At(request.payload, 4);
      const reply = encodeIpv4({ source: server, destination: ip('203.0.113.1'), protocol: protocols.icmp, payload: encodeIcmp({ kind: 'echo-reply', identifier, sequence: 1, data: new Uint8Array(1400) }) });
      const reassembly = new Reassembly();
      const together = value(decodeIp(lab.forwarded('outside', reply).map((piece) => reassembly.add(start, piece).packet).at(-1)!));
      expect(decodeIcmpv6(together.payload, together)).toMatchObject({ ok: true, value: { kind: 'echo-reply', identifier: 7 } });
    });

    test.each(['reassemble', 'follow'] as const)('IPv4 fragments, by a box that lets them %s: IPv6 ones that fit, and the same datagram', (fragments) => {
      const { packet, give } = answered(2900, {}, { fragments });
      const pieces = give(fragmentIpv4(packet, 1500) as Uint8Array[]);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1280);
      expect(new Set(pieces.map((piece) => toHex(piece.subarray(44, 48))))).toEqual(new Set(['0000abcd']));
      expect(whole(pieces)).toBe(2900);
    });
  });

  test.each([
    ['who is not inside', udp6(Uint8Array.of(1), { source: ip('2001:db8:2::1'), destination: server6 }), 'nat-not-inside'],
    ['what is for an IPv6 address', udp6(Uint8Array.of(1), { source: host, destination: ip('2001:db8:9::1') }), 'nat-protocol'],
    ['a source that is itself behind the prefix (RFC 6146 §3.5)', udp6(Uint8Array.of(1), { source: server6, destination: server6 }), 'nat-not-inside'],
    ['IPv4 from inside', udp('10.0.0.1:1', '198.51.100.1:1'), 'ip-malformed'],
  ])('%s goes no further', (_, packet, reason) => expect(gateway().out(packet)).toBe(reason));

  test('a flood of hosts that get nothing leaves nothing behind', () => {
    const lab = gateway({ blockedUdpPorts: [500], refusals: 'silent' });
    for (let i = 0; i < 3000; i++) expect(lab.out(udp6(Uint8Array.of(1), { source: ip(`2001:db8:1::${(i + 1).toString(16)}`), destination: server6 }))).toBe('nat-port-blocked');
    expect(lab.out(udp6(Uint8Array.of(1), out, [4500, 4500]))).toBe('outside: 203.0.113.1 > 198.51.100.1 4500 > 4500');
    expect(lab.in(udp('198.51.100.1:4500', '203.0.113.1:4500'))).toBe(`inside: ${server6} > ${host} 4500 > 4500`);
  });
});

test('hop limits are the business of the node around it', () => expect(value(toIpv4(udp6(), as4, 0))[ipv4At.ttl]).toBe(udp6()[ipv6At.hopLimit]));
