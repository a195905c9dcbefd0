/** STUN (RFC 8489) with the attributes by which a NAT box is found out (RFC 5780 §7). A codec: no transactions, no credentials. */
import { addressBytes, addressFromBytes, isIpv4, type Endpoint } from '../core/address.ts';
import { fromUtf8, Reader, setU16, u16At, u32At, utf8, Writer } from '../core/bytes.ts';
import type { Decoded } from '../core/decoded.ts';
import { malformed, refusing } from './refusing.ts';

/** RFC 8489 §5: the two bits of the type that say what a message is. */
const classes = ['request', 'indication', 'success', 'error'] as const;
export type StunClass = (typeof classes)[number];

export interface StunMessage {
  readonly class: StunClass;
  /** 12 bits; see `binding`. */
  readonly method: number;
  /** 12 octets. */
  readonly transaction: Uint8Array;
  readonly attributes: readonly StunAttribute[];
}

export const binding = 0x001;

export type StunAttribute =
  /** What the server sees of the sender. XOR-MAPPED-ADDRESS hides it from boxes that rewrite every address they find (RFC 8489 §14.2). */
  | { readonly kind: 'mapped-address' | 'xor-mapped-address'; readonly endpoint: Endpoint }
  /** RFC 5780 §7.3, §7.4: where a response came from; the server's other address and port. */
  | { readonly kind: 'response-origin' | 'other-address'; readonly endpoint: Endpoint }
  /** RFC 5780 §7.2: answer from the other address, the other port. */
  | { readonly kind: 'change-request'; readonly address: boolean; readonly port: boolean }
  /** RFC 5780 §7.5: answer to another port of the sender. */
  | { readonly kind: 'response-port'; readonly port: number }
  /** RFC 5780 §7.6: so many octets that mean nothing. */
  | { readonly kind: 'padding'; readonly length: number }
  | { readonly kind: 'error-code'; readonly code: number; readonly reason: string }
  | { readonly kind: 'unknown-attributes'; readonly types: readonly number[] }
  | { readonly kind: 'software'; readonly text: string }
  /** Of a type that this codec leaves to others, without its padding. */
  | { readonly kind: 'other'; readonly type: number; readonly value: Uint8Array };

export type StunAttributeOf<Kind extends StunAttribute['kind']> = StunAttribute & { readonly kind: Kind };

const headerLength = 20;
const magicCookie = 0x2112_a442;
const fingerprint = 0x8028;
/** RFC 8489 §14.7: what the CRC is mixed with, so that it is not that of another protocol. */
const fingerprintMix = 0x5354_554e;

/** RFC 8489 §18.3, RFC 5780 §9.1. */
const types = {
  'mapped-address': 0x0001, 'change-request': 0x0003, 'error-code': 0x0009, 'unknown-attributes': 0x000a, 'xor-mapped-address': 0x0020, 'padding': 0x0026, 'response-port': 0x0027,
  'software': 0x8022, 'response-origin': 0x802b, 'other-address': 0x802c,
} as const satisfies Record<Exclude<StunAttribute['kind'], 'other'>, number>;

const kinds: ReadonlyMap<number, keyof typeof types> = new Map((Object.keys(types) as (keyof typeof types)[]).map((kind) => [types[kind], kind]));

/** RFC 8489 §5: an attribute that must not be passed over by one who does not know it. */
export const mustBeUnderstood = (type: number): boolean => type < 0x8000;

/** The first attribute of a kind. */
export const stunAttribute = <Kind extends StunAttribute['kind']>({ attributes }: StunMessage, kind: Kind): StunAttributeOf<Kind> | undefined =>
  attributes.find((attribute): attribute is StunAttributeOf<Kind> => attribute.kind === kind);

/** What a box changed the sender's endpoint to; servers older than RFC 5389 know only the plain form. */
export const mappedEndpoint = (message: StunMessage): Endpoint | undefined => (stunAttribute(message, 'xor-mapped-address') ?? stunAttribute(message, 'mapped-address'))?.endpoint;

// ---- encoding ----

/** A whole message, with a FINGERPRINT at its end (RFC 8489 §14.7). Throws for what does not fit its field: that is a bug of the caller's. */
export function encodeStun({ class: stunClass, method, transaction, attributes }: StunMessage): Uint8Array {
  if (transaction.length !== 12) throw new RangeError(`a STUN transaction has 12 octets, not ${transaction.length}`);
  const out = new Writer(128);
  out.u16(messageType(stunClass, method)).u16(0).u32(magicCookie).bytes(transaction);
  for (const attribute of attributes) writeAttribute(out, attribute, transaction);
  out.u16At(2, out.length - headerLength + 8); // RFC 8489 §14.7: the length counts the fingerprint before the CRC is taken
  const crc = crc32(out.finish());
  return out.u16(fingerprint).u16(4).u32((crc ^ fingerprintMix) >>> 0).finish();
}

/** RFC 8489 §5, figure 3: the bits of the class stand among those of the method. */
function messageType(stunClass: StunClass, method: number): number {
  const bits = classes.indexOf(stunClass);
  return ((method & 0xf80) << 2) | ((method & 0x070) << 1) | (method & 0x00f) | ((bits & 2) << 7) | ((bits & 1) << 4);
}

function writeAttribute(out: Writer, attribute: StunAttribute, transaction: Uint8Array): void {
  const value = attributeValue(attribute, transaction);
  if (value.length > 0xffff) throw new RangeError(`a STUN attribute has up to 65535 octets, not ${value.length}`);
  out.u16(attribute.kind === 'other' ? attribute.type : types[attribute.kind]).u16(value.length).bytes(value).zeros(padding(value.length));
}

/** RFC 8489 §14: attributes begin at multiples of four octets. */
const padding = (length: number): number => -length & 3;

function attributeValue(attribute: StunAttribute, transaction: Uint8Array): Uint8Array {
  switch (attribute.kind) {
    case 'mapped-address':
    case 'response-origin':
    case 'other-address':
      return encodeAddress(attribute.endpoint);
    case 'xor-mapped-address':
      return mixed(encodeAddress(attribute.endpoint), transaction);
    case 'change-request':
      return new Writer(4).u32((attribute.address ? changeAddress : 0) | (attribute.port ? changePort : 0)).finish();
    case 'response-port':
      return new Writer(4).u16(attribute.port).u16(0).finish();
    case 'padding':
      return new Uint8Array(attribute.length);
    case 'error-code':
      return new Writer(32).u16(0).u8(Math.floor(attribute.code / 100)).u8(attribute.code % 100).bytes(utf8(attribute.reason)).finish();
    case 'unknown-attributes':
      return attribute.types.reduce((out, type) => out.u16(type), new Writer(16)).finish();
    case 'software':
      return utf8(attribute.text);
    case 'other':
      return attribute.value;
  }
}

const changeAddress = 0x04;
const changePort = 0x02;

/** RFC 8489 §14.1: an empty octet, the family, the port, the address. */
const encodeAddress = ({ address, port }: Endpoint): Uint8Array => new Writer(20).u8(0).u8(isIpv4(address) ? 1 : 2).u16(port).bytes(addressBytes(address)).finish();

/** RFC 8489 §14.2: port and address, mixed with the magic cookie and the transaction. Done twice it is undone. */
function mixed(value: Uint8Array, transaction: Uint8Array): Uint8Array {
  const mask = new Writer(16).u32(magicCookie).bytes(transaction).finish();
  const out = value.slice();
  setU16(out, 2, u16At(value, 2) ^ (magicCookie >>> 16));
  for (let i = 4; i < out.length; i++) out[i]! ^= mask[i - 4]!;
  return out;
}

// ---- decoding ----

/** Whether octets may be STUN at all: RFC 8489 §6.3, what tells it from its neighbours on a port. */
export const looksLikeStun = (bytes: Uint8Array): boolean => bytes.length >= headerLength && bytes[0]! < 0x40 && u32At(bytes, 4) === magicCookie;

/**
 * A whole message. Octets in the value are views into `bytes`. Refuses wrong lengths, a wrong fingerprint, and attributes that break their section;
 * one without a fingerprint is as good as another. MESSAGE-INTEGRITY is handed on as what it is, octets of another's concern.
 */
export function decodeStun(bytes: Uint8Array): Decoded<StunMessage> {
  return refusing(() => {
    if (!looksLikeStun(bytes)) malformed('stun-malformed', 'no STUN header with the magic cookie');
    const type = u16At(bytes, 0);
    const length = u16At(bytes, 2);
    if (length % 4 !== 0 || headerLength + length !== bytes.length) malformed('stun-malformed', `length ${length} in ${bytes.length} octets`);
    const transaction = bytes.subarray(8, headerLength);
    const attributes: StunAttribute[] = [];
    const reader = new Reader(bytes.subarray(headerLength));
    while (reader.remaining > 0) {
      const at = headerLength + reader.position;
      const attributeType = reader.u16();
      const valueLength = reader.u16();
      if (valueLength + padding(valueLength) > reader.remaining) malformed('stun-malformed', `attribute ${hex(attributeType)} of ${valueLength} octets, ${reader.remaining} there`);
      const value = reader.bytes(valueLength);
      reader.bytes(padding(valueLength));
      if (attributeType === fingerprint) {
        checkFingerprint(bytes, at, value);
        if (reader.remaining > 0) malformed('stun-malformed', 'attributes behind the fingerprint');
      } else attributes.push(readAttribute(attributeType, value, transaction));
    }
    return { class: classes[((type >> 7) & 2) | ((type >> 4) & 1)]!, method: ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f), transaction, attributes };
  });
}

function checkFingerprint(bytes: Uint8Array, at: number, value: Uint8Array): void {
  if (value.length !== 4) malformed('stun-malformed', `a fingerprint of ${value.length} octets`);
  if (u32At(value, 0) !== (crc32(bytes.subarray(0, at)) ^ fingerprintMix) >>> 0) malformed('stun-malformed', 'the fingerprint is wrong');
}

function readAttribute(type: number, value: Uint8Array, transaction: Uint8Array): StunAttribute {
  const kind = kinds.get(type);
  switch (kind) {
    case 'mapped-address':
    case 'response-origin':
    case 'other-address':
      return { kind, endpoint: readAddress(kind, value) };
    case 'xor-mapped-address':
      return { kind, endpoint: readAddress(kind, value.length < 8 ? value : mixed(value, transaction)) };
    case 'change-request':
      wants(kind, value, 4);
      return { kind, address: (value[3]! & changeAddress) !== 0, port: (value[3]! & changePort) !== 0 };
    case 'response-port':
      wants(kind, value, 4);
      return { kind, port: u16At(value, 0) };
    case 'padding':
      return { kind, length: value.length };
    case 'error-code':
      if (value.length < 4) malformed('stun-malformed', `error-code of ${value.length} octets`);
      return { kind, code: (value[2]! & 7) * 100 + value[3]!, reason: fromUtf8(value.subarray(4)) };
    case 'unknown-attributes':
      return { kind, types: Array.from({ length: value.length >> 1 }, (_, i) => u16At(value, 2 * i)) };
    case 'software':
      return { kind, text: fromUtf8(value) };
    case undefined:
      return { kind: 'other', type, value };
  }
}

function readAddress(kind: string, value: Uint8Array): Endpoint {
  if (value.length < 4) malformed('stun-malformed', `${kind} of ${value.length} octets`);
  const family = value[1]!;
  if (family !== 1 && family !== 2) malformed('stun-malformed', `${kind} of family ${family}`);
  wants(kind, value, family === 1 ? 8 : 20);
  return { address: addressFromBytes(value.subarray(4)), port: u16At(value, 2) };
}

function wants(kind: string, value: Uint8Array, length: number): void {
  if (value.length !== length) malformed('stun-malformed', `${kind} of ${value.length} octets, not ${length}`);
}

const hex = (type: number): string => `0x${type.toString(16).padStart(4, '0')}`;

// ---- the fingerprint's CRC ----

/** ITU V.42, ISO 3309: the CRC-32 of Ethernet and zip. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const octet of bytes) crc = (crc >>> 8) ^ crcOfOctet[(crc ^ octet) & 0xff]!;
  return ~crc >>> 0;
}

const crcOfOctet = Uint32Array.from({ length: 256 }, (_, octet) => {
  let crc = octet;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb8_8320;
  return crc;
});
