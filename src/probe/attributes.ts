/**
 * What prober and responder say to each other beyond RFC 5780, in STUN attributes that any other server passes over (RFC 8489 §5, of the range that
 * experts hand out). The responder does nothing for anyone but the sender of a request: it answers where the request came from, and tells what it saw
 * of a flow only to him who knows its tag.
 */
import type { Endpoint } from '../core/address.ts';
import { addressBytes, addressFromBytes, isIpv4 } from '../core/address.ts';
import { fromHex, Reader, toHex, u32At, Writer } from '../core/bytes.ts';
import { milliseconds, type Duration } from '../core/time.ts';
import type { StunAttribute, StunAttributeOf, StunMessage } from '../wire/stun.ts';
import type { Carrier, Letter } from './letter.ts';

/** 8 random octets as hex: the name of a flow. */
export type Tag = string;

export const probeTypes = { tag: 0xc150, answerAfter: 0xc151, answeredAfter: 0xc152, report: 0xc153, sighting: 0xc154, powers: 0xc155, provocation: 0xc156, natTraversalHeard: 0xc157 } as const;

/** What a responder can do beside UDP on its two ports; what is missing cannot be measured. */
export const powers = {
  /** UDP 500 and 4500. */ ikePorts: 0x01,
  /** Raw ESP. */ esp: 0x02,
  /** ICMP echo with an answer when it is asked for. */ icmp: 0x04,
  /** It sees packets as they come: fragments, checksums. */ packets: 0x08,
  /** TCP's first segments, and nobody else who would answer them. */ tcp: 0x10,
} as const;
export type Power = keyof typeof powers;

/** What the responder saw of a flow. */
export interface Sighting {
  readonly tag: Tag;
  /** How many packets, put together where they came in pieces. */
  readonly count: number;
  readonly carrier: Carrier;
  /** Of the last one, as the responder saw it. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly checksum: Letter['checksum'];
  /** Fragments that came, whether or not they made a whole. */
  readonly fragments: number;
}

const other = (type: number, value: Uint8Array): StunAttribute => ({ kind: 'other', type, value });

const valueOf = ({ attributes }: StunMessage, type: number): Uint8Array | undefined =>
  attributes.find((attribute): attribute is StunAttributeOf<'other'> => attribute.kind === 'other' && attribute.type === type)?.value;

export const tagged = (tag: Tag): StunAttribute => other(probeTypes.tag, fromHex(tag));

export function tagOf(message: StunMessage): Tag | undefined {
  const value = valueOf(message, probeTypes.tag);
  return value?.length === 8 ? toHex(value) : undefined;
}

/** Answer after these times instead of at once; after none, not at all. Counted from the last request of the same tag. */
export const answerAfter = (delays: readonly Duration[]): StunAttribute => other(probeTypes.answerAfter, delays.reduce((out, delay) => out.u32(Math.round(delay)), new Writer().u32(delays.length)).finish());

export function answersWanted(message: StunMessage): readonly Duration[] | undefined {
  const value = valueOf(message, probeTypes.answerAfter);
  if (value === undefined || value.length % 4 !== 0) return undefined;
  return Array.from({ length: value.length / 4 - 1 }, (_, i) => milliseconds(u32At(value, 4 * (i + 1))));
}

/** In an answer that was put off: by how much. */
export const answeredAfter = (delay: Duration): StunAttribute => other(probeTypes.answeredAfter, new Writer(4).u32(Math.round(delay)).finish());

export function delayOfAnswer(message: StunMessage): Duration {
  const value = valueOf(message, probeTypes.answeredAfter);
  return milliseconds(value?.length === 4 ? u32At(value, 0) : 0);
}

/** Tell what was seen of these flows. */
export const report = (tags: readonly Tag[]): StunAttribute => other(probeTypes.report, fromHex(tags.join('')));

export function tagsToReport(message: StunMessage): readonly Tag[] {
  const value = valueOf(message, probeTypes.report);
  if (value === undefined || value.length % 8 !== 0) return [];
  return Array.from({ length: value.length / 8 }, (_, i) => toHex(value.subarray(8 * i, 8 * i + 8)));
}

const carriers: readonly Carrier[] = ['udp', 'icmp', 'esp', 'tcp'];
const checksums: readonly Letter['checksum'][] = ['computed', 'zero', 'wrong'];

export function sighted({ tag, count, carrier, from, to, checksum, fragments }: Sighting): StunAttribute {
  const out = new Writer(26).bytes(fromHex(tag)).u16(Math.min(count, 0xffff)).u8(carriers.indexOf(carrier)).u8(checksums.indexOf(checksum)).u16(Math.min(fragments, 0xffff));
  for (const { address, port } of [from, to]) out.bytes(addressBytes(address)).u16(port);
  return other(probeTypes.sighting, out.finish());
}

export function sightingsIn({ attributes }: StunMessage): readonly Sighting[] {
  return attributes.flatMap((attribute): Sighting[] => {
    if (attribute.kind !== 'other' || attribute.type !== probeTypes.sighting || attribute.value.length !== 26) return [];
    const reader = new Reader(attribute.value);
    const tag = toHex(reader.bytes(8));
    const [count, carrier, checksum, fragments] = [reader.u16(), carriers[reader.u8()], checksums[reader.u8()], reader.u16()];
    const endpoint = (): Endpoint => ({ address: addressFromBytes(reader.bytes(4)), port: reader.u16() });
    return carrier === undefined || checksum === undefined ? [] : [{ tag, count, carrier, checksum, fragments, from: endpoint(), to: endpoint() }];
  });
}

export const empowered = (has: ReadonlySet<Power>): StunAttribute =>
  other(probeTypes.powers, new Writer(4).u32((Object.keys(powers) as Power[]).reduce((bits, power) => (has.has(power) ? bits | powers[power] : bits), 0)).finish());

/** Undefined of a server that is none of ours. */
export function powersOf(message: StunMessage): ReadonlySet<Power> | undefined {
  const value = valueOf(message, probeTypes.powers);
  if (value?.length !== 4) return undefined;
  return new Set((Object.keys(powers) as Power[]).filter((power) => (u32At(value, 0) & powers[power]) !== 0));
}

/** Answer with an ICMP error: port unreachable. */
export const provocation = other(probeTypes.provocation, new Uint8Array(0));
export const provokes = (message: StunMessage): boolean => valueOf(message, probeTypes.provocation) !== undefined;

/** In an answer on IKE's ports: whether the request, as it arrived, still spoke of NAT traversal. */
export const natTraversalHeard = (heard: boolean): StunAttribute => other(probeTypes.natTraversalHeard, Uint8Array.of(heard ? 1 : 0));

export function wasNatTraversalHeard(message: StunMessage): boolean | undefined {
  const value = valueOf(message, probeTypes.natTraversalHeard);
  return value?.length === 1 ? value[0] === 1 : undefined;
}

/** Sightings have room for IPv4 alone, as the boxes here. */
export const canBeSighted = ({ address }: Endpoint): boolean => isIpv4(address);
