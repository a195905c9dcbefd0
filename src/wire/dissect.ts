/** A packet as a tree of all its fields. It reads what is there, right or wrong; each layer's value says whether it would be accepted. */
import { addressFromBytes } from '../core/address.ts';
import type { Decoded } from '../core/decoded.ts';
import { decodeAh } from './ah.ts';
import { dissectIke } from './dissect-ike.ts';
import { decodeIcmp, icmpHeaderLength, icmpTypes, unreachableCodes } from './icmp.ts';
import { decodeIcmpv6, icmpv6Types } from './icmpv6.ts';
import { ipVersion } from './ip.ts';
import { decodeIpv4, decodeQuotedIpv4 } from './ipv4.ts';
import { decodeIpv6, extensionHeaderLength, fragmentPlace, ipv6HeaderLength } from './ipv6.ts';
import { icmpTypeNames, icmpv6TypeNames, protocolName, protocolNames, tcpFlagNames, unreachable6Names, unreachableNames } from './names.ts';
import { elsewhere, type Insight } from './insight.ts';
import { classifyIkePort, classifyNatt, nonEspMarker, nonIkeMarker } from './natt.ts';
import { protocols } from './protocols.ts';
import type { Addresses } from './pseudo-header.ts';
import { ikePort, nattPort, summarize, summarizeStart } from './summarize.ts';
import { espHeaderLength } from './esp.ts';
import { decodeTcp } from './tcp.ts';
import { branch, content, decimal, fields, hex, leaf, named, number, octets, type Row, type Tree } from './tree.ts';
import { decodeUdp, udpHeaderLength } from './udp.ts';

/**
 * The whole packet; `value` is what `summarize` says, `children` are its layers, the outermost first. With `insight` what is encrypted is opened; the places
 * of what was inside are those in its plaintext. Never throws.
 */
export const dissect = (packet: Uint8Array, insight?: Insight): Tree => branch('Packet', summarize(packet), 0, packet.length, undefined, ipLayers(packet, 0, 'whole', insight));

/** The same of a packet that was cut short when it was captured: what is there. */
export const dissectStart = (packet: Uint8Array): Tree => branch('Packet', summarizeStart(packet), 0, packet.length, undefined, ipLayers(packet, 0, 'captured'));

/** What stood inside ESP, a packet or less: its layers, the outermost first. `addresses` are those of the packet around it. */
export const dissectInner = (nextHeader: number, payload: Uint8Array, addresses: Addresses): Tree[] =>
  nextHeader === protocols.ipv4 || nextHeader === protocols.ipv6 ? ipLayers(payload, 0, 'whole') : upperLayers(nextHeader, payload, 0, { addresses, extent: 'whole' });

/** Of an upper-layer packet: all of it is here, or a first fragment, or what an ICMP error quotes, or what a capture kept. */
type Extent = 'whole' | 'fragment' | 'quoted' | 'captured';
const isCut = (extent: Extent): boolean => extent === 'quoted' || extent === 'captured';

interface Surroundings {
  readonly addresses: Addresses;
  readonly extent: Extent;
  readonly insight?: Insight | undefined;
}

type Layer = (bytes: Uint8Array, base: number, surroundings: Surroundings) => Tree[];

const rest = (label: string, bytes: Uint8Array, base: number): Tree[] => (bytes.length === 0 ? [] : [leaf(label, content(bytes), base, base + bytes.length)]);

/** What a layer is worth: what its decoder says. */
const verdict = (result: Decoded<unknown>, extent: Extent): string => (extent === 'whole' ? (result.ok ? 'good' : `malformed: ${result.detail}`) : partWords[extent]);
const partWords: Readonly<Record<Exclude<Extent, 'whole'>, string>> = { fragment: 'the first fragment', quoted: 'as far as it was quoted', captured: 'as far as it was captured' };

/** A checksum with what its decoder thinks of it. */
const judged =
  (result: Decoded<unknown>, extent: Extent) =>
  (field: Uint8Array): string =>
    `${hex(field)}, ${extent !== 'whole' ? 'not checked: a part only' : result.ok ? 'good' : result.reason.endsWith('-checksum') ? 'wrong' : 'not checked'}`;

const address = (field: Uint8Array): string => addressFromBytes(field);

function ipLayers(bytes: Uint8Array, base: number, extent: Extent, insight?: Insight): Tree[] {
  switch (ipVersion(bytes)) {
    case 4:
      return ipv4Layers(bytes, base, extent, insight);
    case 6:
      return ipv6Layers(bytes, base, extent, insight);
    default:
      return rest('Not an IP packet', bytes, base);
  }
}

// ---- IPv4 ----------------------------------------------------------------------------------------------------------------

function ipv4Layers(bytes: Uint8Array, base: number, extent: Extent, insight: Insight | undefined): Tree[] {
  const judgement = decodeIpv4(bytes);
  const packet = decodeQuotedIpv4(bytes); // reads on where a total length or a checksum is wrong
  const headerLength = packet.ok ? bytes.length - packet.value.payload.length : bytes.length;
  const header = bytes.subarray(0, headerLength);
  const trees = [branch('IPv4 header', verdict(judgement, extent), base, base + headerLength, 'RFC 791 §3.1', fields(header, base, 'RFC 791 §3.1', ipv4Rows(judgement, extent, headerLength)))];
  if (!packet.ok) return trees;
  const totalLength = isCut(extent) ? bytes.length : Math.min(bytes.length, Math.max(headerLength, number(bytes.subarray(2, 4))));
  const payload = bytes.subarray(headerLength, totalLength);
  const { fragmentOffset, moreFragments, protocol } = packet.value;
  if (fragmentOffset > 0) trees.push(...rest(`Fragment of ${protocolName(protocol)}`, payload, base + headerLength));
  else trees.push(...upperLayers(protocol, payload, base + headerLength, { addresses: packet.value, extent: extent === 'whole' && moreFragments ? 'fragment' : extent, insight }));
  return [...trees, ...rest('Behind the total length', bytes.subarray(totalLength), base + totalLength)];
}

const ipv4Rows = (judgement: Decoded<unknown>, extent: Extent, headerLength: number): Row[] => [
  ['Version', 0, 1, ([octet]) => String(octet! >>> 4)],
  ['Header length', 0, 1, ([octet]) => `${octet! & 15} words, ${(octet! & 15) * 4} octets`],
  ['Type of service', 1, 1, hex],
  ['Total length', 2, 2, decimal],
  ['Identification', 4, 2, hex],
  ['Flags', 6, 1, ([octet]) => [octet! & 0x40 ? "don't fragment" : '', octet! & 0x20 ? 'more fragments' : ''].filter(Boolean).join(', ') || 'none'],
  ['Fragment offset', 6, 2, (field) => `${(number(field) & 0x1fff) * 8} octets`],
  ['Time to live', 8, 1, decimal],
  ['Protocol', 9, 1, named(protocolNames)],
  ['Header checksum', 10, 2, judged(judgement, extent)],
  ['Source address', 12, 4, address],
  ['Destination address', 16, 4, address],
  ...(headerLength > 20 ? [['Options', 20, Infinity, content] satisfies Row] : []),
];

// ---- IPv6 ----------------------------------------------------------------------------------------------------------------

function ipv6Layers(bytes: Uint8Array, base: number, extent: Extent, insight: Insight | undefined): Tree[] {
  const judgement = decodeIpv6(bytes);
  const headerLength = Math.min(bytes.length, ipv6HeaderLength);
  const header = bytes.subarray(0, headerLength);
  const trees = [branch('IPv6 header', verdict(judgement, extent), base, base + headerLength, 'RFC 8200 §3', fields(header, base, 'RFC 8200 §3', ipv6Rows))];
  if (headerLength < ipv6HeaderLength) return trees;
  const end = isCut(extent) ? bytes.length : Math.min(bytes.length, ipv6HeaderLength + number(bytes.subarray(4, 6)));
  const addresses = { source: addressFromBytes(bytes.subarray(8, 24)), destination: addressFromBytes(bytes.subarray(24, 40)) };
  trees.push(...behindIpv6(bytes[6]!, bytes.subarray(ipv6HeaderLength, end), base + ipv6HeaderLength, { addresses, extent, insight }));
  return [...trees, ...rest('Behind the payload length', bytes.subarray(end), base + end)];
}

const ipv6Rows: readonly Row[] = [
  ['Version', 0, 1, ([octet]) => String(octet! >>> 4)],
  ['Traffic class', 0, 2, (field) => `0x${((number(field) >>> 4) & 0xff).toString(16).padStart(2, '0')}`],
  ['Flow label', 1, 3, (field) => `0x${(number(field) & 0xfffff).toString(16).padStart(5, '0')}`],
  ['Payload length', 4, 2, decimal],
  ['Next header', 6, 1, named(protocolNames)],
  ['Hop limit', 7, 1, decimal],
  ['Source address', 8, 16, address],
  ['Destination address', 24, 16, address],
];

/** Extension headers one after the other, and what they lead to. */
function behindIpv6(firstProtocol: number, payload: Uint8Array, firstBase: number, { addresses, extent: firstExtent, insight }: Surroundings): Tree[] {
  const trees: Tree[] = [];
  let protocol = firstProtocol;
  let bytes = payload;
  let base = firstBase;
  let extent = firstExtent;
  for (;;) {
    const length = extensionHeaderLength(protocol, bytes);
    if (length === undefined) return [...trees, ...upperLayers(protocol, bytes, base, { addresses, extent, insight })];
    if (length > bytes.length) return [...trees, ...rest('Extension header cut short', bytes, base)];
    const header = bytes.subarray(0, length);
    const place = protocol === protocols.fragment ? fragmentPlace(header) : undefined;
    trees.push(branch('Extension header', protocolName(protocol), base, base + length, 'RFC 8200 §4', fields(header, base, 'RFC 8200 §4', protocol === protocols.fragment ? fragmentRows : extensionRows)));
    protocol = header[0]!;
    bytes = bytes.subarray(length);
    base += length;
    if (place && place.offset > 0) return [...trees, ...rest(`Fragment of ${protocolName(protocol)}`, bytes, base)];
    if (place && extent === 'whole') extent = 'fragment';
  }
}

const extensionRows: readonly Row[] = [
  ['Next header', 0, 1, named(protocolNames)],
  ['Header length', 1, 1, ([units]) => `${(units! + 1) * 8} octets`],
  ['Options', 2, Infinity, content],
];

const fragmentRows: readonly Row[] = [
  ['Next header', 0, 1, named(protocolNames)],
  ['Fragment offset', 2, 2, (field) => `${number(field) & 0xfff8} octets`],
  ['More fragments', 3, 1, ([octet]) => (octet! & 1 ? 'yes' : 'no')],
  ['Identification', 4, 4, hex],
];

// ---- what IP carries -----------------------------------------------------------------------------------------------------

const layers: Readonly<Record<number, Layer>> = {
  [protocols.udp](bytes, base, { addresses, extent, insight }) {
    const judgement = decodeUdp(bytes, addresses);
    const rows: readonly Row[] = [
      ['Source port', 0, 2, decimal],
      ['Destination port', 2, 2, decimal],
      ['Length', 4, 2, decimal],
      ['Checksum', 6, 2, (field) => (number(field) === 0 ? '0x0000, none' : judged(judgement, extent)(field))],
    ];
    const header = bytes.subarray(0, udpHeaderLength);
    const tree = branch('UDP', verdict(judgement, extent), base, base + header.length, 'RFC 768', fields(header, base, 'RFC 768', rows));
    if (header.length < udpHeaderLength) return [tree];
    const end = extent === 'whole' ? Math.min(bytes.length, Math.max(udpHeaderLength, number(bytes.subarray(4, 6)))) : bytes.length;
    const portsOfIt = [number(bytes.subarray(0, 2)), number(bytes.subarray(2, 4))];
    const inside = insideUdp(portsOfIt, bytes.subarray(udpHeaderLength, end), base + udpHeaderLength, extent === 'whole' ? { addresses, extent, insight } : { addresses, extent });
    return [tree, ...inside, ...rest('Behind the UDP length', bytes.subarray(end), base + end)];
  },

  [protocols.tcp](bytes, base, { addresses, extent }) {
    const judgement = decodeTcp(bytes, addresses);
    const headerLength = Math.min(bytes.length, Math.max(20, ((bytes[12] ?? 0) >>> 4) * 4));
    const rows: readonly Row[] = [
      ['Source port', 0, 2, decimal],
      ['Destination port', 2, 2, decimal],
      ['Sequence number', 4, 4, decimal],
      ['Acknowledgment number', 8, 4, decimal],
      ['Data offset', 12, 1, ([octet]) => `${octet! >>> 4} words, ${(octet! >>> 4) * 4} octets`],
      ['Flags', 13, 1, ([flags]) => tcpFlagNames(flags!)],
      ['Window', 14, 2, decimal],
      ['Checksum', 16, 2, judged(judgement, extent)],
      ['Urgent pointer', 18, 2, decimal],
      ...(headerLength > 20 ? [['Options', 20, Infinity, content] satisfies Row] : []),
    ];
    const tree = branch('TCP', verdict(judgement, extent), base, base + headerLength, 'RFC 9293 §3.1', fields(bytes.subarray(0, headerLength), base, 'RFC 9293 §3.1', rows));
    return [tree, ...rest('Octets', bytes.subarray(headerLength), base + headerLength)];
  },

  [protocols.icmp]: (bytes, base, { extent }) => icmp('ICMP', bytes, base, decodeIcmp(bytes), extent),
  [protocols.icmpv6]: (bytes, base, { addresses, extent }) => icmp('ICMPv6', bytes, base, decodeIcmpv6(bytes, addresses), extent),
  [protocols.esp]: (bytes, base, { addresses, extent, insight }) => esp(bytes, base, addresses, extent === 'whole' ? insight : undefined),
  [protocols.ah]: (bytes, base) => ah(bytes, base),
};

function upperLayers(protocol: number, bytes: Uint8Array, base: number, surroundings: Surroundings): Tree[] {
  return layers[protocol]?.(bytes, base, surroundings) ?? rest(protocolName(protocol), bytes, base);
}

/** RFC 3948 §2 for port 4500; for 500 IKE, and what drafts 00 and 01 send there. NAT boxes change one port, seldom both. */
function insideUdp(ports: readonly number[], payload: Uint8Array, base: number, surroundings: Surroundings): Tree[] {
  if (ports.includes(nattPort)) return natt(payload, base, surroundings);
  if (ports.includes(ikePort)) return onIkePort(payload, base, surroundings);
  return rest('Octets', payload, base);
}

function onIkePort(payload: Uint8Array, base: number, { addresses, extent, insight }: Surroundings): Tree[] {
  switch (classifyIkePort(payload)) {
    case 'keepalive':
      return [leaf('NAT-T keepalive', hex(payload), base, base + payload.length, 'draft-ietf-ipsec-udp-encaps-00')];
    case 'esp': {
      const at = nonIkeMarker.length;
      return [leaf('Non-IKE marker', hex(payload.subarray(0, at)), base, base + at, 'draft-ietf-ipsec-udp-encaps-00 §2'), ...esp(payload.subarray(at), base + at, addresses, insight)];
    }
    case 'ike':
      return [dissectIke(payload, base, insight, extent !== 'whole')];
  }
}

function natt(payload: Uint8Array, base: number, { addresses, extent, insight }: Surroundings): Tree[] {
  const end = base + payload.length;
  switch (classifyNatt(payload)) {
    case 'keepalive':
      return [leaf('NAT-T keepalive', hex(payload), base, end, 'RFC 3948 §2.3')];
    case 'ike': {
      const at = nonEspMarker.length;
      return [leaf('Non-ESP marker', hex(payload.subarray(0, at)), base, base + at, 'RFC 3948 §2.2'), dissectIke(payload.subarray(at), base + at, insight, extent !== 'whole')];
    }
    case 'esp':
      return esp(payload, base, addresses, insight);
    case 'too-short':
      return [leaf('Neither IKE nor ESP nor a keepalive', content(payload), base, end, 'RFC 3948 §2')];
  }
}

function esp(bytes: Uint8Array, base: number, addresses: Addresses, insight: Insight | undefined): Tree[] {
  const encrypted = bytes.subarray(espHeaderLength);
  const rows: readonly Row[] = [
    ['Security parameters index', 0, 4, hex],
    ['Sequence number', 4, 4, decimal],
  ];
  const inside = insight?.esp(bytes);
  const header = branch('ESP', octets(bytes), base, base + bytes.length, 'RFC 4303 §2', [
    ...fields(bytes, base, 'RFC 4303 §2', rows),
    ...(encrypted.length === 0 ? [] : [leaf('Encrypted and authenticated', octets(encrypted), base + espHeaderLength, base + bytes.length, 'RFC 4303 §2.3')]),
    ...(inside === undefined ? [] : [elsewhere('Decrypted', `next header ${protocolName(inside.nextHeader)}`, inside.payload, 'RFC 4303 §2.6', dissectInner(inside.nextHeader, inside.payload, addresses))]),
  ]);
  return [header];
}

function ah(bytes: Uint8Array, base: number): Tree[] {
  const header = decodeAh(bytes);
  if (!header.ok) return [leaf('AH', `malformed: ${header.detail}`, base, base + bytes.length, 'RFC 4302 §2')];
  const { length, nextHeader } = header.value;
  const rows: readonly Row[] = [
    ['Next header', 0, 1, named(protocolNames)],
    ['Payload length', 1, 1, decimal],
    ['Security parameters index', 4, 4, hex],
    ['Sequence number', 8, 4, decimal],
    ['Integrity check value', 12, Infinity, content],
  ];
  const tree = branch('AH', octets(bytes.subarray(0, length)), base, base + length, 'RFC 4302 §2', fields(bytes.subarray(0, length), base, 'RFC 4302 §2', rows));
  return [tree, ...rest(protocolName(nextHeader), bytes.subarray(length), base + length)];
}

// ---- ICMP of both versions -----------------------------------------------------------------------------------------------

interface IcmpDialect {
  readonly reference: string;
  readonly types: Readonly<Record<number, string>>;
  readonly unreachable: { readonly type: number; readonly codes: Readonly<Record<number, string>> };
  readonly echoes: readonly number[];
  readonly errors: readonly number[];
  /** Type and code of the error that names an MTU, and where. */
  readonly mtu: { readonly type: number; readonly code: number; readonly row: Row };
}

const icmpDialects: Readonly<Record<'ICMP' | 'ICMPv6', IcmpDialect>> = {
  ICMP: {
    reference: 'RFC 792',
    types: icmpTypeNames,
    unreachable: { type: icmpTypes.unreachable, codes: unreachableNames },
    echoes: [icmpTypes.echoRequest, icmpTypes.echoReply],
    errors: [icmpTypes.unreachable, icmpTypes.sourceQuench, icmpTypes.redirect, icmpTypes.timeExceeded, icmpTypes.parameterProblem],
    mtu: { type: icmpTypes.unreachable, code: unreachableCodes.fragmentationNeeded, row: ['Next-hop MTU', 6, 2, decimal] },
  },
  ICMPv6: {
    reference: 'RFC 4443 §2.1',
    types: icmpv6TypeNames,
    unreachable: { type: icmpv6Types.unreachable, codes: unreachable6Names },
    echoes: [icmpv6Types.echoRequest, icmpv6Types.echoReply],
    errors: [icmpv6Types.unreachable, icmpv6Types.packetTooBig, icmpv6Types.timeExceeded, 4],
    mtu: { type: icmpv6Types.packetTooBig, code: 0, row: ['MTU', 4, 4, decimal] },
  },
};

function icmp(label: 'ICMP' | 'ICMPv6', bytes: Uint8Array, base: number, judgement: Decoded<unknown>, extent: Extent): Tree[] {
  const { reference, types, unreachable, echoes, errors, mtu } = icmpDialects[label];
  const [type = -1, code = -1] = bytes;
  const isError = errors.includes(type);
  const rows: readonly Row[] = [
    ['Type', 0, 1, named(types)],
    ['Code', 1, 1, type === unreachable.type ? named(unreachable.codes) : decimal],
    ['Checksum', 2, 2, judged(judgement, extent)],
    ...(echoes.includes(type) ? [['Identifier', 4, 2, decimal] satisfies Row, ['Sequence number', 6, 2, decimal] satisfies Row] : []),
    ...(type === mtu.type && code === mtu.code ? [mtu.row] : []),
  ];
  const header = bytes.subarray(0, icmpHeaderLength);
  const tree = branch(label, verdict(judgement, extent), base, base + header.length, reference, fields(header, base, reference, rows));
  const body = bytes.subarray(icmpHeaderLength);
  const bodyBase = base + icmpHeaderLength;
  // one level deep: what a quoted packet quotes itself stays octets
  if (!isError || extent === 'quoted' || body.length === 0) return [tree, ...rest('Octets', body, bodyBase)];
  return [tree, branch('Quoted packet', octets(body), bodyBase, bodyBase + body.length, reference, ipLayers(body, bodyBase, 'quoted'))];
}
