/** Control messages of L2TP, version 2 (RFC 2661): what opens, keeps and closes the control connection of a tunnel. Data messages, which carry PPP, are refused. */
import { fromUtf8, utf8, Reader, Writer } from '../core/bytes.ts';
import { refused, type Decoded } from '../core/decoded.ts';
import { malformed, refusing } from './refusing.ts';

/** RFC 2661 §8.1: the receiver's port; the sender's may be any. */
export const l2tpPort = 1701;

/** RFC 2661 §3.2, those about the control connection. */
export const l2tpMessageTypes = { SCCRQ: 1, SCCRP: 2, SCCCN: 3, StopCCN: 4, HELLO: 6 } as const;
export type L2tpMessageType = keyof typeof l2tpMessageTypes;

export interface L2tpHeader {
  /** As the receiver has assigned it; 0 while it has not. */
  readonly tunnelId: number;
  /** The number of this message, and of the next one that is expected. */
  readonly ns: number;
  readonly nr: number;
}

/** `ZLB`, a zero-length body, acknowledges and says nothing (RFC 2661 §5.8). */
export type L2tpControl =
  | (L2tpHeader & { readonly type: 'ZLB' | 'SCCCN' | 'HELLO' })
  | (L2tpHeader & { readonly type: 'SCCRQ' | 'SCCRP'; readonly hostName: string; readonly assignedTunnelId: number })
  | (L2tpHeader & { readonly type: 'StopCCN'; readonly assignedTunnelId: number; readonly resultCode: number });

/** RFC 2661 §4.4 */
const attributes = { messageType: 0, resultCode: 1, protocolVersion: 2, framingCapabilities: 3, hostName: 7, assignedTunnelId: 9, receiveWindowSize: 10 } as const;

const headerLength = 12;
const avpHeaderLength = 6;
/** T, L and S: a control message has its length and its sequence numbers, no offset and no priority; version 2. */
const controlBits = 0xc802;
const bits = { type: 0x8000, length: 0x4000, sequence: 0x0800, offset: 0x0200, priority: 0x0100, version: 0x000f } as const;
const avpBits = { mandatory: 0x8000, hidden: 0x4000, reserved: 0x3c00, length: 0x03ff } as const;
const protocolVersion = 0x0100; // version 1, revision 0
const synchronousFraming = 1;
const receiveWindow = 4;

/**
 * ```
 *   T L x x S x O P x x x x Ver | u16 length | u16 tunnel ID | u16 session ID, 0 | u16 Ns | u16 Nr
 *   M H reserved, 10 bits length | u16 vendor ID | u16 attribute | value          RFC 2661 §3.1, §4.1
 * ```
 */
export function encodeL2tp(message: L2tpControl): Uint8Array {
  const body = new Writer();
  if (message.type !== 'ZLB') avp(body, attributes.messageType, (value) => value.u16(l2tpMessageTypes[message.type as L2tpMessageType]));
  switch (message.type) {
    case 'SCCRQ':
    case 'SCCRP':
      avp(body, attributes.protocolVersion, (value) => value.u16(protocolVersion));
      avp(body, attributes.framingCapabilities, (value) => value.u32(synchronousFraming));
      avp(body, attributes.hostName, (value) => value.bytes(utf8(message.hostName)));
      avp(body, attributes.assignedTunnelId, (value) => value.u16(message.assignedTunnelId));
      avp(body, attributes.receiveWindowSize, (value) => value.u16(receiveWindow));
      break;
    case 'StopCCN':
      avp(body, attributes.assignedTunnelId, (value) => value.u16(message.assignedTunnelId));
      avp(body, attributes.resultCode, (value) => value.u16(message.resultCode));
      break;
    case 'SCCCN':
    case 'HELLO':
    case 'ZLB':
      break;
  }
  const { tunnelId, ns, nr } = message;
  return new Writer().u16(controlBits).u16(headerLength + body.length).u16(tunnelId).u16(0).u16(ns).u16(nr).bytes(body.finish()).finish();
}

/** Every attribute here is one that the receiver must understand. Throws for a value that has no room: a bug of the caller's. */
function avp(out: Writer, attribute: number, write: (value: Writer) => void): void {
  const value = new Writer();
  write(value);
  if (avpHeaderLength + value.length > avpBits.length) throw new RangeError(`attribute ${attribute} of ${value.length} octets`);
  out.u16(avpBits.mandatory | (avpHeaderLength + value.length)).u16(0).u16(attribute).bytes(value.finish());
}

/**
 * A whole datagram. Refuses as `l2tp-malformed` data messages, other versions, lengths that do not fit, a hidden value (there is no secret here), and an
 * attribute that must be understood and is not; others are passed over.
 */
export function decodeL2tp(bytes: Uint8Array): Decoded<L2tpControl> {
  if (bytes.length < headerLength) return refused('l2tp-malformed', `${bytes.length} octets are too few for a control message`);
  return refusing(() => {
    const reader = new Reader(bytes);
    const first = reader.u16();
    const length = reader.u16();
    if ((first & bits.type) === 0) malformed('l2tp-malformed', 'a data message');
    if ((first & bits.version) !== 2) malformed('l2tp-malformed', `version ${first & bits.version}`);
    if ((first & (bits.length | bits.sequence)) !== (bits.length | bits.sequence) || (first & (bits.offset | bits.priority)) !== 0) malformed('l2tp-malformed', `a control message with flags ${first.toString(16)}`);
    if (length < headerLength || length > bytes.length) malformed('l2tp-malformed', `length ${length} in ${bytes.length} octets`);
    const tunnelId = reader.u16();
    if (reader.u16() !== 0) malformed('l2tp-malformed', 'a session in a message about the tunnel');
    const header = { tunnelId, ns: reader.u16(), nr: reader.u16() };
    return length === headerLength ? { type: 'ZLB', ...header } : messageOf(header, readAvps(bytes.subarray(headerLength, length)));
  });
}

type Values = ReadonlyMap<number, Uint8Array>;

/** By attribute, the first of each; the message type stands in front (RFC 2661 §4.1). */
function readAvps(bytes: Uint8Array): Values {
  const values = new Map<number, Uint8Array>();
  for (let rest = bytes; rest.length > 0; ) {
    if (rest.length < avpHeaderLength) malformed('l2tp-malformed', `${rest.length} octets are too few for an AVP`);
    const reader = new Reader(rest);
    const first = reader.u16();
    const length = first & avpBits.length;
    const vendor = reader.u16();
    const attribute = reader.u16();
    if (length < avpHeaderLength || length > rest.length) malformed('l2tp-malformed', `attribute ${attribute}: length ${length}, ${rest.length} there`);
    if ((first & avpBits.hidden) !== 0) malformed('l2tp-malformed', `attribute ${attribute} is hidden`);
    if (values.size === 0 && attribute !== attributes.messageType) malformed('l2tp-malformed', `attribute ${attribute} in front of the message type`);
    // RFC 2661 §4.1: with a reserved bit set the AVP is to be treated as unknown
    const known = vendor === 0 && (first & avpBits.reserved) === 0 && knownAttributes.has(attribute);
    if (!known && (first & avpBits.mandatory) !== 0) malformed('l2tp-malformed', `attribute ${attribute} of vendor ${vendor} must be understood`);
    if (known && !values.has(attribute)) values.set(attribute, rest.subarray(avpHeaderLength, length));
    rest = rest.subarray(length);
  }
  return values;
}

/** Bearer capabilities, tie breaker, firmware revision, vendor name and challenge may come and change nothing here. */
const knownAttributes: ReadonlySet<number> = new Set<number>([...Object.values(attributes), 4, 5, 6, 8, 11, 13]);

function messageOf(header: L2tpHeader, values: Values): L2tpControl {
  const number = u16(values, 'messageType');
  const type = (Object.keys(l2tpMessageTypes) as L2tpMessageType[]).find((name) => l2tpMessageTypes[name] === number);
  switch (type) {
    case 'SCCRQ':
    case 'SCCRP': {
      const version = u16(values, 'protocolVersion');
      if (version !== protocolVersion) malformed('l2tp-malformed', `protocol version ${version >> 8}.${version & 0xff}`);
      return { ...header, type, hostName: fromUtf8(valueOf(values, 'hostName')), assignedTunnelId: tunnelIdIn(values) };
    }
    case 'StopCCN':
      return { ...header, type, assignedTunnelId: tunnelIdIn(values), resultCode: new Reader(atLeast(values, 'resultCode', 2)).u16() };
    case 'SCCCN':
    case 'HELLO':
      return { ...header, type };
    case undefined:
      return malformed('l2tp-malformed', `message type ${number}`);
  }
}

function tunnelIdIn(values: Values): number {
  const id = u16(values, 'assignedTunnelId');
  return id === 0 ? malformed('l2tp-malformed', 'the assigned tunnel ID is 0') : id;
}

const valueOf = (values: Values, name: keyof typeof attributes): Uint8Array => values.get(attributes[name]) ?? malformed('l2tp-malformed', `no ${name}`);

function atLeast(values: Values, name: keyof typeof attributes, octets: number): Uint8Array {
  const value = valueOf(values, name);
  return value.length < octets ? malformed('l2tp-malformed', `${name} of ${value.length} octets`) : value;
}

function u16(values: Values, name: keyof typeof attributes): number {
  const value = valueOf(values, name);
  return value.length === 2 ? new Reader(value).u16() : malformed('l2tp-malformed', `${name} of ${value.length} octets`);
}
