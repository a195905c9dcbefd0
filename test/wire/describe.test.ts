import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, utf8 } from '../../src/core/bytes.ts';
import { dissect, dissectStart, summarize, type Tree } from '../../src/wire/describe.ts';
import { encodeEspHeader } from '../../src/wire/esp.ts';
import { fragmentIpv4 } from '../../src/wire/fragmentation.ts';
import { encodeIcmp } from '../../src/wire/icmp.ts';
import { encodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { encodeMessage, protectedHead } from '../../src/wire/ike/codec.ts';
import { exchangeTypes, type IkeHeader } from '../../src/wire/ike/message.ts';
import { encodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { encodeIpv6 } from '../../src/wire/ipv6.ts';
import { natKeepalive, withMarker } from '../../src/wire/natt.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { encodeTcp, tcpFlags } from '../../src/wire/tcp.ts';
import { encodeUdp } from '../../src/wire/udp.ts';
import { places, tsharkMissing } from '../support/tshark.ts';
import { aggressiveMode, mainMode } from '../vectors/strongswan-ikev1.ts';
import { ping6Request, pingReply, pingRequest, portUnreachable, tcpReset, udpHello } from '../vectors/packets.ts';

const client = { address: ip('192.168.1.2'), port: 4500 };
const gateway = { address: ip('203.0.113.1'), port: 4500 };
const ends = { source: client.address, destination: gateway.address };
const ends6 = { source: ip('2001:db8::1'), destination: ip('2001:db8::2') };
const on = (port: number, payload: Uint8Array): Uint8Array => encodeUdpPacket({ ...client, port }, { ...gateway, port }, payload, 'computed');

const spi = fromHex('0102030405060708');
const header = (exchange: keyof typeof exchangeTypes, messageId: number, changes: Partial<IkeHeader> = {}): IkeHeader => ({
  initiatorSpi: spi,
  responderSpi: fromHex('1112131415161718'),
  version: 0x20,
  exchange: exchangeTypes[exchange],
  flags: { initiator: true, higherVersion: false, response: false },
  messageId,
  ...changes,
});

const espPacket = concat(encodeEspHeader({ spi: 0x1234abcd, sequence: 7 }), new Uint8Array(80));
const ikeInit = encodeMessage({
  header: header('IKE_SA_INIT', 0, { responderSpi: new Uint8Array(8) }),
  payloads: [
    {
      type: 'SA',
      proposals: [
        { number: 1, protocol: 1, spi: new Uint8Array(), transforms: [{ type: 1, id: 20, keyLength: 256 }, { type: 2, id: 5 }, { type: 4, id: 31 }] },
        { number: 2, protocol: 1, spi: new Uint8Array(), transforms: [{ type: 1, id: 12, keyLength: 128 }, { type: 2, id: 5 }, { type: 3, id: 12 }, { type: 4, id: 19 }] },
      ],
    },
    { type: 'KE', group: 31, data: new Uint8Array(32).fill(9) },
    { type: 'Nonce', data: new Uint8Array(32).fill(5) },
    { type: 'Notify', protocol: 0, spi: new Uint8Array(), notifyType: 16388, data: new Uint8Array(20) },
    { type: 'Vendor', data: utf8('natt-lab') },
  ],
});
/** What would stand inside SK, in the clear, to see the other payloads. */
const ikeRest = encodeMessage({
  header: header('IKE_AUTH', 1),
  payloads: [
    { type: 'IDi', idType: 2, data: utf8('alice.example') },
    { type: 'IDr', idType: 1, data: fromHex('cb007101') },
    { type: 'AUTH', method: 2, data: new Uint8Array(32) },
    { type: 'SA', proposals: [{ number: 1, protocol: 3, spi: fromHex('c0ffee01'), transforms: [{ type: 1, id: 20, keyLength: 128 }, { type: 5, id: 0 }] }] },
    { type: 'TSi', selectors: [{ protocol: 0, startPort: 0, endPort: 65535, startAddress: ip('10.98.0.1'), endAddress: ip('10.98.0.1') }] },
    { type: 'TSr', selectors: [{ protocol: 17, startPort: 53, endPort: 53, startAddress: ip('2001:db8::1'), endAddress: ip('2001:db8::ff') }] },
    { type: 'CP', configuration: 2, attributes: [{ type: 1, value: fromHex('0a620001') }] },
    { type: 'Notify', protocol: 3, spi: fromHex('c0ffee01'), notifyType: 16393, data: new Uint8Array() },
    { type: 'Delete', protocol: 3, spis: [fromHex('c0ffee02'), fromHex('c0ffee03')] },
  ],
});
const ikeProtected = concat(protectedHead(header('IKE_AUTH', 1, { flags: { initiator: false, higherVersion: false, response: true } }), 36, 60), new Uint8Array(60).fill(0xee));

const ikeFragment = concat(protectedHead(header('IKE_AUTH', 1), 0, 60, { number: 2, total: 3 }), new Uint8Array(60).fill(0xee));

const corrupt = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((octet, i) => (i === at ? octet ^ 1 : octet));
const pieces = (): Uint8Array[] => {
  const cut = fragmentIpv4(encodeIpv4({ ...ends, protocol: protocols.udp, identification: 0x1234, payload: encodeUdp({ sourcePort: 5000, destinationPort: 5000, payload: new Uint8Array(1992) }, ends, 'zero') }), 1500);
  if (typeof cut === 'string') throw new Error(cut);
  return cut;
};

describe('a packet in one line', () => {
  const lines: readonly (readonly [packet: Uint8Array, line: string])[] = [
    [on(4500, espPacket), '192.168.1.2:4500 > 203.0.113.1:4500 ESP in UDP spi 0x1234abcd seq 7, 116 octets'],
    [on(4500, natKeepalive), '192.168.1.2:4500 > 203.0.113.1:4500 NAT-T keepalive'],
    [on(4500, withMarker(ikeRest)), '192.168.1.2:4500 > 203.0.113.1:4500 IKE (non-ESP marker) IKE_AUTH request mid 1'],
    [on(4500, withMarker(ikeProtected)), '192.168.1.2:4500 > 203.0.113.1:4500 IKE (non-ESP marker) IKE_AUTH response mid 1'],
    [on(500, ikeInit), '192.168.1.2:500 > 203.0.113.1:500 IKE IKE_SA_INIT request mid 0'],
    [on(500, concat(new Uint8Array(8), espPacket)), '192.168.1.2:500 > 203.0.113.1:500 ESP in UDP behind the non-IKE marker spi 0x1234abcd seq 7, 124 octets'],
    [on(500, natKeepalive), '192.168.1.2:500 > 203.0.113.1:500 NAT-T keepalive'],
    [on(4500, withMarker(ikeFragment)), '192.168.1.2:4500 > 203.0.113.1:4500 IKE (non-ESP marker) IKE_AUTH request mid 1, fragment 2 of 3'],
    [encodeIp({ ...ends, protocol: protocols.esp, payload: espPacket }), '192.168.1.2 > 203.0.113.1 ESP spi 0x1234abcd seq 7, 108 octets'],
    [on(5000, fromHex('0102')), '192.168.1.2:5000 > 203.0.113.1:5000 UDP, 30 octets'],
    [pingRequest, '192.0.2.1 > 192.0.2.1 ICMP echo request id 8568 seq 1'],
    [pingReply, '192.0.2.1 > 192.0.2.1 ICMP echo reply id 8568 seq 1'],
    [ping6Request, '2001:db8::1 > 2001:db8::1 ICMPv6 echo request id 8569 seq 1'],
    [portUnreachable, '192.0.2.1 > 192.0.2.1 ICMP port unreachable about 192.0.2.1:38115 > 192.0.2.1:4500 UDP'],
    [encodeIp({ ...ends, protocol: protocols.icmp, payload: encodeIcmp({ kind: 'fragmentation-needed', mtu: 1400, quoted: udpHello }) }), '192.168.1.2 > 203.0.113.1 ICMP fragmentation needed, MTU 1400 about 192.168.1.2:4500 > 203.0.113.1:4500 UDP'],
    [
      encodeIp({ ...ends6, protocol: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'unreachable', code: 4, quoted: ping6Request }, ends6) }),
      '2001:db8::1 > 2001:db8::2 ICMPv6 port unreachable about 2001:db8::1 > 2001:db8::1 ICMPv6',
    ],
    [tcpReset, '192.0.2.1:80 > 192.0.2.1:48896 TCP RST ACK seq 0, 40 octets'],
    [pieces()[0]!, '192.168.1.2:5000 > 203.0.113.1:5000 UDP fragment id 0x1234 octets 0–1479, more follow'],
    [pieces()[1]!, '192.168.1.2 > 203.0.113.1 UDP fragment id 0x1234 octets 1480–1999, the last'],
    [encodeIpv4({ ...ends, protocol: 253, payload: new Uint8Array(4) }), '192.168.1.2 > 203.0.113.1 protocol 253, 24 octets'],
  ];
  test.each(lines.map(([packet, line]) => [line, packet] as const))('%s', (line, packet) => {
    expect(summarize(packet)).toBe(line);
  });

  test.each([
    ['no octets at all', new Uint8Array(), 'not a good IP packet: no octets, 0 octets'],
    ['noise', fromHex('ff00'), 'not a good IP packet: version 15, 2 octets'],
    ['a packet with a wrong header checksum', corrupt(udpHello, 8), 'not a good IP packet: header checksum abeb is wrong, 33 octets'],
    ['a datagram with a wrong checksum', corrupt(udpHello, 30), '192.168.1.2:4500 > 203.0.113.1:4500 UDP malformed: checksum 9b2d is wrong'],
    ['two octets ff on 4500', on(4500, fromHex('ffff')), '192.168.1.2:4500 > 203.0.113.1:4500 neither IKE nor ESP nor a keepalive: ffff'],
    ['an IKE message cut short', on(500, ikeInit.subarray(0, 20)), expect.stringContaining('IKE malformed: ')],
    ['an IKE message that lies about its length', on(500, ikeInit.subarray(0, 40)), expect.stringMatching(/IKE_SA_INIT request mid 0, malformed: Length is \d+, 40 octets there/)],
    ['IKEv1', on(500, concat(spi, new Uint8Array(8), fromHex('00 10 02 00 00000000 0000001c'))), '192.168.1.2:500 > 203.0.113.1:500 IKE v1 main mode: no payloads'],
  ])('%s is described as such', (_, packet, line) => {
    expect(summarize(packet)).toEqual(line);
  });
});

const leaves = (tree: Tree): Tree[] => (tree.children.length === 0 ? [tree] : tree.children.flatMap(leaves));
const every = (tree: Tree): Tree[] => [tree, ...tree.children.flatMap(every)];
const find = (packet: Uint8Array, ...labels: string[]): Tree => {
  let tree = dissect(packet);
  for (const label of labels) {
    const next = tree.children.find((child) => child.label === label);
    if (next === undefined) throw new Error(`no ${label} among ${tree.children.map((child) => child.label).join(', ')}`);
    tree = next;
  }
  return tree;
};

/** Our name of a field, and Wireshark's. */
const wiresharkNames: Readonly<Record<string, RegExp>> = {
  'Total length': /^ip\.len$/,
  Identification: /^ip\.id$|^ipv6\.fraghdr\.ident$|^isakmp\.id\.data$/,
  'Time to live': /^ip\.ttl$/,
  'Header checksum': /^ip\.checksum$/,
  'Source address': /^ip(v6)?\.src$/,
  'Destination address': /^ip(v6)?\.dst$/,
  'Hop limit': /^ipv6\.hlim$/,
  'Source port': /^(udp|tcp)\.srcport$/,
  'Destination port': /^(udp|tcp)\.dstport$/,
  Checksum: /^(udp|tcp|icmp|icmpv6)\.checksum$/,
  'Acknowledgment number': /^tcp\.ack/,
  Window: /^tcp\.window_size_value$/,
  Identifier: /^icmp(v6)?(\.echo)?\.ident(ifier)?$/,
  'Next-hop MTU': /^icmp\.mtu$/,
  'Non-ESP marker': /^udpencap\.non_esp_marker$/,
  'NAT-T keepalive': /^udpencap\.nat_keepalive$/,
  'Security parameters index': /^esp\.spi$/,
  'Sequence number': /^esp\.sequence$|^icmp(v6\.echo)?\.seq(uence_number)?$|^tcp\.seq/,
  'Initiator SPI': /^isakmp\.ispi$/,
  'Responder SPI': /^isakmp\.rspi$/,
  'Exchange type': /^isakmp\.exchangetype$/,
  'Message ID': /^isakmp\.messageid$/,
  'Next payload': /^isakmp\.nextpayload$/,
  Critical: /^isakmp\.criticalpayload$/,
  'Payload length': /^isakmp\.payloadlength$|^ipv6\.plen$/,
  'Proposal number': /^isakmp\.prop\.number$/,
  'Number of transforms': /^isakmp\.prop\.transforms$/,
  SPI: /^isakmp\.(spi|delete\.spi)$/,
  'Transform type': /^isakmp\.tf\.type$/,
  'Transform ID': /^isakmp\.tf\.id\./,
  'Diffie-Hellman group': /^isakmp\.key_exchange\.dh_group$/,
  'Key exchange data': /^isakmp\.key_exchange\.data$/,
  Nonce: /^isakmp\.nonce$/,
  'Notify type': /^isakmp\.notify\.msgtype$/,
  'Notification data': /^isakmp\.notify\.data$/,
  'Vendor ID': /^isakmp\.vid_bytes$/,
  'ID type': /^isakmp\.id\.type$/,
  Method: /^isakmp\.auth\.method$/,
  'Authentication data': /^isakmp\.auth\.data$/,
  'Start port': /^isakmp\.ts\.start_port$/,
  'Starting address': /^isakmp\.ts\.start_ipv/,
  'Ending address': /^isakmp\.ts\.end_ipv/,
  '1 (INTERNAL_IP4_ADDRESS)': /^isakmp\.cfg\.attr$/,
};

describe('a packet as a tree', () => {
  test.skipIf(tsharkMissing)('every field stands where tshark sees it', () => {
    const packets = [
      on(4500, withMarker(ikeRest)),
      on(500, ikeInit),
      on(4500, natKeepalive),
      on(4500, espPacket),
      pingRequest,
      portUnreachable,
      ping6Request,
      tcpReset,
      encodeIp({ ...ends, protocol: protocols.icmp, payload: encodeIcmp({ kind: 'fragmentation-needed', mtu: 1400, quoted: udpHello }) }),
      encodeIp({ ...ends6, protocol: protocols.tcp, payload: encodeTcp({ sourcePort: 1, destinationPort: 2, flags: tcpFlags.syn, options: fromHex('020405b4') }, ends6) }),
      encodeIpv6({ ...ends6, nextHeader: protocols.fragment, payload: fromHex('1100 0001 12345678 1388 1388 0100 abcd') }),
    ];
    const seen = new Set<string>();
    for (const [i, theirs] of places(packets).entries()) {
      for (const { label, from, to } of leaves(dissect(packets[i]!))) {
        const name = wiresharkNames[label];
        if (name === undefined) continue;
        seen.add(label);
        expect(theirs.filter((place) => name.test(place.name)), `${label} in packet ${i}`).toContainEqual(expect.objectContaining({ from, to }));
      }
      const ours = every(dissect(packets[i]!));
      if (ours.some(({ label }) => label === 'Quoted packet')) continue; // five quoted octets to port 4500 are half an ESP header to tshark, nothing to us
      for (const { name, from, to } of theirs) {
        if (to === from || !Object.values(wiresharkNames).some((known) => known.test(name))) continue;
        expect(ours.some((tree) => tree.from === from && tree.to === to), `${name} in packet ${i}, octets ${from} to ${to}`).toBe(true);
      }
    }
    expect(Object.keys(wiresharkNames).filter((label) => !seen.has(label))).toEqual([]);
  });

  test.each([
    ['the time to live', udpHello, ['IPv4 header', 'Time to live'], '255', 'RFC 791 §3.1'],
    ['a good header checksum', udpHello, ['IPv4 header', 'Header checksum'], '0xabeb, good', 'RFC 791 §3.1'],
    ['a wrong header checksum', corrupt(udpHello, 8), ['IPv4 header', 'Header checksum'], '0xabeb, wrong', 'RFC 791 §3.1'],
    ['the protocol by name', udpHello, ['IPv4 header', 'Protocol'], '17 (UDP)', 'RFC 791 §3.1'],
    ['a good UDP checksum', udpHello, ['UDP', 'Checksum'], '0x9b2d, good', 'RFC 768'],
    ['a wrong UDP checksum', corrupt(udpHello, 30), ['UDP', 'Checksum'], '0x9b2d, wrong', 'RFC 768'],
    ['no UDP checksum', encodeUdpPacket(client, gateway, espPacket, 'zero'), ['UDP', 'Checksum'], '0x0000, none', 'RFC 768'],
    ['the keepalive', on(4500, natKeepalive), ['NAT-T keepalive'], '0xff', 'RFC 3948 §2.3'],
    ['the marker', on(4500, withMarker(ikeInit)), ['Non-ESP marker'], '0x00000000', 'RFC 3948 §2.2'],
    ['the marker of drafts 00 and 01', on(500, concat(new Uint8Array(8), espPacket)), ['Non-IKE marker'], '0x0000000000000000', 'draft-ietf-ipsec-udp-encaps-00 §2'],
    ['the SPI behind it', on(500, concat(new Uint8Array(8), espPacket)), ['ESP', 'Security parameters index'], '0x1234abcd', 'RFC 4303 §2'],
    ['which fragment it is', on(4500, withMarker(ikeFragment)), ['IKE', 'SKF payload', 'Fragment number'], '2', 'RFC 7383 §2.5'],
    ['the SPI', on(4500, espPacket), ['ESP', 'Security parameters index'], '0x1234abcd', 'RFC 4303 §2'],
    ['the type of an ICMP error', portUnreachable, ['ICMP', 'Code'], '3 (port unreachable)', 'RFC 792'],
    ['the packet that it quotes', portUnreachable, ['Quoted packet', 'UDP', 'Destination port'], '4500', 'RFC 768'],
    ['the exchange', on(500, ikeInit), ['IKE', 'Header', 'Exchange type'], '34 (IKE_SA_INIT)', 'RFC 7296 §3.1'],
    ['that there is no responder SPI yet', on(500, ikeInit), ['IKE', 'Header', 'Responder SPI'], 'none yet', 'RFC 7296 §3.1'],
    ['a transform with its key', on(500, ikeInit), ['IKE', 'SA payload', 'Proposal 1', 'Transform ENCR', 'Attribute'], 'key length 256 bits', 'RFC 7296 §3.3.5'],
    ['the group', on(500, ikeInit), ['IKE', 'KE payload'], '31 (Curve25519)', 'RFC 7296 §3.4'],
    ['a notify by name', on(500, ikeInit), ['IKE', 'Notify payload'], 'NAT_DETECTION_SOURCE_IP', 'RFC 7296 §3.10'],
    ['an identity', on(500, ikeRest), ['IKE', 'IDi payload'], '"alice.example"', 'RFC 7296 §3.5'],
    ['an address as identity', on(500, ikeRest), ['IKE', 'IDr payload'], '203.0.113.1', 'RFC 7296 §3.5'],
    ['what SK hides', on(500, ikeProtected), ['IKE', 'SK payload'], 'encrypted, the first inside is 36 (IDr)', 'RFC 7296 §3.14'],
  ] as const)('shows %s', (_, packet, path, value, reference) => {
    expect(find(packet, ...path)).toMatchObject({ value, reference });
  });

  test('of a first fragment the ports are shown and the checksum left alone, of a later one only octets', () => {
    const [first, second] = pieces() as [Uint8Array, Uint8Array];
    expect(find(corrupt(first, 27), 'UDP', 'Checksum').value).toBe('0x0001, not checked: a part only');
    expect(find(second, 'Fragment of UDP')).toMatchObject({ from: 20, to: second.length, value: '520 octets' });
  });

  test('a payload that is no good says why, and the next one is read all the same', () => {
    const broken = corrupt(ikeInit, 28 + 4); // the first proposal says that it is neither the last nor followed
    expect(find(on(500, broken), 'IKE', 'SA payload').value).toMatch(/^malformed: /);
    expect(find(on(500, broken), 'IKE', 'Nonce payload').value).toBe('32 octets');
  });

  test('a payload that is longer than the message says that its length does not fit', () => {
    const bytes = ikeInit.slice();
    bytes[30] = 0xff;
    expect(find(on(500, bytes), 'IKE', 'Malformed').value).toBe(`a length that does not fit, ${ikeInit.length - 28} octets left`);
  });

  test('of a later IPv6 fragment only octets are shown, behind its extension header', () => {
    const later = encodeIpv6({ ...ends6, nextHeader: protocols.fragment, payload: fromHex('1100 05a8 12345678 1388 1388 0100 abcd') });
    expect(find(later, 'Extension header', 'Fragment offset').value).toBe('1448 octets');
    expect(find(later, 'Fragment of UDP').value).toBe('138813880100abcd');
  });

  test('an error inside a quoted error stays octets, so that nobody makes us dig for ever', () => {
    const error = (quoted: Uint8Array): Uint8Array => encodeIp({ ...ends, protocol: protocols.icmp, payload: encodeIcmp({ kind: 'time-exceeded', what: 'ttl', quoted }) });
    expect(find(error(error(udpHello)), 'Quoted packet', 'Octets').value).toBe('33 octets');
  });

  test('octets that no length accounts for are shown', () => {
    expect(find(concat(udpHello, fromHex('dead')), 'Behind the total length')).toMatchObject({ value: 'dead', from: 33, to: 35 });
  });

  const noise = fc.uint8Array({ maxLength: 120 });
  const typical = [on(500, mainMode.messages[0]!.bytes), on(500, aggressiveMode.messages[1]!.bytes), on(4500, withMarker(ikeRest)), on(500, ikeInit), on(4500, espPacket), portUnreachable, ping6Request, tcpReset, pieces()[0]!.subarray(0, 100)];
  const damaged = fc
    .tuple(fc.constantFrom(...typical), fc.nat(300), fc.array(fc.tuple(fc.nat(450), fc.nat(255)), { maxLength: 6 }))
    .map(([packet, cutOff, flips]) => {
      const bytes = packet.slice(0, Math.max(0, packet.length - (cutOff > 150 ? 0 : cutOff)));
      for (const [at, octet] of flips) if (at < bytes.length) bytes[at] = octet;
      return bytes;
    });
  const plausible = fc.oneof(
    noise,
    damaged,
    fc.tuple(fc.nat(60), noise).map(([nextHeader, payload]) => encodeIpv6({ ...ends6, nextHeader, payload })),
    fc.tuple(fc.constantFrom(1, 6, 17, 50), noise).map(([protocol, payload]) => encodeIpv4({ ...ends, protocol, payload })),
    noise.map((payload) => on(4500, payload)),
    fc.tuple(fc.nat(60), noise).map(([next, chain]) => on(500, concat(spi, spi, Uint8Array.of(next), fromHex('20 22 08 00000000 00000000'), chain))),
    fc.tuple(fc.nat(150), noise).map(([next, chain]) => on(500, concat(spi, spi, Uint8Array.of(next), fromHex('10 02 00 00000000 00000000'), chain))),
  );

  test('any bytes are described, and every part lies within the whole', () => {
    fc.assert(
      fc.property(plausible, (bytes) => {
        const tree = dissect(bytes);
        expect(summarize(bytes)).toBe(tree.value);
        for (const parent of [...every(tree), ...every(dissectStart(bytes))]) {
          expect(parent.from).toBeLessThanOrEqual(parent.to);
          for (const child of parent.children) expect(child.from >= parent.from && child.to <= parent.to, `${child.label} in ${parent.label}`).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('every octet of a packet is in some leaf, or lies in a field that is reserved', () => {
    for (const packet of [on(4500, espPacket), on(4500, natKeepalive), on(5000, fromHex('0102')), pingRequest, udpHello, tcpReset, pieces()[1]!]) {
      const covered = new Set(leaves(dissect(packet)).flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)));
      expect(covered.size).toBe(packet.length);
    }
  });
});

describe('what was cut short when it was captured', () => {
  test.each([
    [on(500, ikeInit), `192.168.1.2:500 > 203.0.113.1:500 IKE IKE_SA_INIT request mid 0, the first 68 octets of ${on(500, ikeInit).length}`],
    [on(4500, withMarker(ikeRest)), `192.168.1.2:4500 > 203.0.113.1:4500 IKE (non-ESP marker) IKE_AUTH request mid 1, the first 68 octets of ${on(4500, withMarker(ikeRest)).length}`],
    [on(500, mainMode.messages[0]!.bytes), `192.168.1.2:500 > 203.0.113.1:500 IKE v1 main mode, the first 68 octets of ${on(500, mainMode.messages[0]!.bytes).length}`],
    [on(4500, espPacket), '192.168.1.2:4500 > 203.0.113.1:4500 ESP in UDP spi 0x1234abcd seq 7, the first 68 octets of 116'],
    [encodeIpv4({ ...ends, protocol: 50, payload: espPacket }), '192.168.1.2 > 203.0.113.1 ESP spi 0x1234abcd seq 7, the first 68 octets of 108'],
    [encodeIpv6({ ...ends6, nextHeader: 50, payload: espPacket }), '2001:db8::1 > 2001:db8::2 ESP spi 0x1234abcd seq 7, the first 68 octets of 128'],
    [pieces()[1]!, `192.168.1.2 > 203.0.113.1 UDP fragment, the first 68 octets of ${pieces()[1]!.length}`],
  ])('as far as it goes (%#)', (packet, says) => {
    const tree = dissectStart(packet.slice(0, 68));
    expect(tree.value).toBe(says);
    expect(tree.children[0]!.value).toBe('as far as it was captured');
    expect(every(tree).filter(({ label, value }) => label === 'Malformed' || value.includes('malformed'))).toEqual([]);
  });

  test('of less than a header there is little to say', () => {
    expect(dissectStart(udpHello.slice(0, 12)).value).toBe('the start of a packet, 12 octets');
  });
});

test('AH in a line', () => {
  const packet = fromHex('45000036123400004033 7c81 c0a80102c6336402 1104000000001000 00000001 3cb46ff9970fba5d4528d271 9c400007000a0f496869');
  expect(summarize(packet)).toBe('192.168.1.2 > 198.51.100.2 AH spi 0x00001000 seq 1 around UDP, 54 octets');
});
