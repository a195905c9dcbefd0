/** IKEv2 messages to bytes and back: the header, the chain of payloads, the frame of SK and SKF (RFC 7296 §3.1, §3.2, §3.14, RFC 7383 §2.5). */
import { Writer } from '../../core/bytes.ts';
import type { Decoded } from '../../core/decoded.ts';
import { malformed, refusing } from '../refusing.ts';
import { readChain, writeLink, type Link } from './chain.ts';
import { Fields } from './fields.ts';
import { fitting, headerLength, lengthAt, readHeader, writeHeader } from './header.ts';
import type { RawHeader } from './header.ts';
import type { Layout } from './layout.ts';
import { payloadTypes } from './message.ts';
import type { FragmentNumber, IkeHeader, IkeMessage, Payload, ProtectedIkeMessage } from './message.ts';
import { layouts } from './payloads.ts';
import type { KnownName } from './payloads.ts';

const payloadHeaderLength = 4;
/** RFC 7383 §2.5: Fragment Number and Total Fragments belong to SKF's header. */
const fragmentHeaderLength = payloadHeaderLength + 4;
/** What stands in front of IV, ciphertext and ICV. */
export const headLengths = { SK: headerLength + payloadHeaderLength, SKF: headerLength + fragmentHeaderLength } as const;
const critical = 0x80;
const flagBits = { initiator: 0x08, higherVersion: 0x10, response: 0x20 } as const;

/** RFC 7296 §2.5: the major version that this codec reads beyond the header. */
const majorVersion = 2;

const knownNames: ReadonlyMap<number, KnownName> = new Map(
  (Object.keys(layouts) as KnownName[]).map((name) => [payloadTypes[name], name]),
);

/** A header with the two fields of it that only the codec needs to know. */
export interface FramedHeader extends IkeHeader {
  readonly nextPayload: number;
  readonly length: number;
}

/** A message in the clear. Throws for what does not fit its field: that is a bug of the caller's. */
export function encodeMessage({ header, payloads }: IkeMessage): Uint8Array {
  const out = new Writer(512);
  writeHeader(out, raw(header, firstType(payloads), 0));
  writePayloads(out, payloads);
  return out.u32At(lengthAt, out.length).finish();
}

/** What goes inside SK: the type of the first payload (0 for none) and the chain. */
export function encodePayloads(payloads: readonly Payload[]): { first: number; bytes: Uint8Array } {
  const out = new Writer(256);
  writePayloads(out, payloads);
  return { first: firstType(payloads), bytes: out.finish() };
}

/**
 * The IKE header and SK's own header, all lengths filled in: what RFC 5282 §5.1 authenticates beside the ciphertext. Behind it comes the body,
 * `bodyLength` octets of IV | ciphertext | ICV. With `fragment` it is SKF's, where `Fragment Number (16) | Total Fragments (16)` belong to it.
 */
export function protectedHead(header: IkeHeader, firstInner: number, bodyLength: number, fragment?: FragmentNumber): Uint8Array {
  const [type, ownLength] = fragment === undefined ? [payloadTypes.SK, payloadHeaderLength] : [payloadTypes.SKF, fragmentHeaderLength];
  const skLength = ownLength + bodyLength;
  const out = new Writer(headerLength + ownLength);
  writeHeader(out, raw(header, type, headerLength + skLength));
  out.u8(firstInner).u8(0).u16(fitting(skLength, 'SK'));
  if (fragment !== undefined) out.u16(fragment.number).u16(fragment.total);
  return out.finish();
}

/** The header of a message of any version; whether its length is true is not looked at. Refuses fewer than 28 octets as `ike-malformed`. */
export const decodeHeader = (bytes: Uint8Array): Decoded<FramedHeader> => refusing(() => framed(readHeader(new Fields(bytes, 'header', 'ike-malformed'))));

/**
 * A whole message; `'bodyAt' in value` tells one under SK from one in the clear. Of another major version than 2 only the header is read, and
 * `payloads` is empty. The octets in the value are views into `bytes`. Refuses as `ike-malformed` a header or a chain of payloads whose lengths do
 * not add up, as `ike-syntax` a payload whose body breaks its section of RFC 7296 §3.
 */
export function decodeMessage(bytes: Uint8Array): Decoded<IkeMessage | ProtectedIkeMessage> {
  return refusing(() => {
    const fields = new Fields(bytes, 'header', 'ike-malformed');
    const { nextPayload, length, ...header } = framed(readHeader(fields));
    if (length !== bytes.length) malformed('ike-malformed', `header: Length is ${length}, ${bytes.length} octets there`);
    if (header.version >> 4 !== majorVersion) return { header, payloads: [] };
    const { payloads, sk } = readPayloads(nextPayload, fields.rest());
    if (sk === undefined) return { header, payloads };
    const { fragment, firstInner, bodyLength } = sk;
    return { header, outer: payloads, firstInner, ...(fragment && { fragment }), bytes, bodyAt: bytes.length - bodyLength };
  });
}

/** What stood inside SK, `first` being the type that SK's Next Payload names. Refuses like `decodeMessage`. */
export function decodePayloads(first: number, bytes: Uint8Array): Decoded<readonly Payload[]> {
  return refusing(() => {
    const { payloads, sk } = readPayloads(first, bytes);
    return sk === undefined ? payloads : malformed('ike-syntax', `${sk.fragment ? 'SKF' : 'SK'}: inside another SK`);
  });
}

function framed({ flags, ...header }: RawHeader): FramedHeader {
  return {
    ...header,
    flags: {
      initiator: (flags & flagBits.initiator) !== 0,
      higherVersion: (flags & flagBits.higherVersion) !== 0,
      response: (flags & flagBits.response) !== 0,
    },
  };
}

function raw({ flags, ...header }: IkeHeader, nextPayload: number, length: number): RawHeader {
  const bits = (flags.initiator ? flagBits.initiator : 0) | (flags.higherVersion ? flagBits.higherVersion : 0) | (flags.response ? flagBits.response : 0);
  return { ...header, flags: bits, nextPayload, length };
}

interface Chain {
  readonly payloads: readonly Payload[];
  /** SK or SKF ends the chain: its Next Payload belongs to what is inside (RFC 7296 §3.14, RFC 7383 §2.5). */
  readonly sk?: { readonly firstInner: number; readonly bodyLength: number; readonly fragment?: FragmentNumber };
}

function readPayloads(first: number, bytes: Uint8Array): Chain {
  const fields = new Fields(bytes, 'payload chain', 'ike-malformed');
  const links = readChain(fields, first, typeName, isSealed);
  const last = links.at(-1);
  const sk = last !== undefined && isSealed(last.type) ? sealed(last) : undefined;
  if (sk !== undefined && fields.remaining > 0) fields.refuse(`${fields.remaining} octets behind ${typeName(last!.type)}, which must be last`);
  fields.end();
  const payloads = (sk === undefined ? links : links.slice(0, -1)).map(({ type, flags, body }) => readPayload(type, (flags & critical) !== 0, body));
  return sk === undefined ? { payloads } : { payloads, sk };
}

const isSealed = (type: number): boolean => type === payloadTypes.SK || type === payloadTypes.SKF;

function sealed({ type, next, body }: Link): NonNullable<Chain['sk']> {
  if (type === payloadTypes.SK) return { firstInner: next, bodyLength: body.length };
  const fields = new Fields(body, 'SKF', 'ike-malformed');
  const fragment = { number: fields.u16('Fragment Number'), total: fields.u16('Total Fragments') };
  return { firstInner: next, bodyLength: fields.remaining, fragment };
}

function readPayload(type: number, isCritical: boolean, bytes: Uint8Array): Payload {
  const name = knownNames.get(type);
  if (name === undefined) return { type: 'Unknown', payloadType: type, critical: isCritical, data: bytes };
  const body = new Fields(bytes, name, 'ike-syntax');
  const payload = { type: name, ...layouts[name].read(body) } as Payload;
  body.end();
  return payload;
}

function writePayloads(out: Writer, payloads: readonly Payload[]): void {
  for (const [i, payload] of payloads.entries()) {
    // RFC 7296 §3.2: the critical bit of payloads that RFC 7296 defines is sent as zero
    const flags = payload.type === 'Unknown' && payload.critical ? critical : 0;
    writeLink(out, firstType(payloads, i + 1), flags, payload.type, () => {
      if (payload.type === 'Unknown') out.bytes(payload.data);
      else (layouts[payload.type] as Layout<Payload>).write(out, payload);
    });
  }
}

/** The type of the payload at `at`, 0 where the chain ends. */
function firstType(payloads: readonly Payload[], at = 0): number {
  const payload = payloads[at];
  if (payload === undefined) return 0;
  return payload.type === 'Unknown' ? payload.payloadType : payloadTypes[payload.type];
}

function typeName(type: number): string {
  if (type === payloadTypes.SK) return 'SK';
  return type === payloadTypes.SKF ? 'SKF' : (knownNames.get(type) ?? `payload ${type}`);
}
