/** IKEv1 messages to bytes and back: the header, the chain of payloads, what is encrypted (RFC 2408 §3.1, §3.2). */
import { concat, Writer } from '../../../core/bytes.ts';
import type { Decoded } from '../../../core/decoded.ts';
import { malformed, refusing } from '../../refusing.ts';
import { readChain, writeLink } from '../chain.ts';
import { Fields } from '../fields.ts';
import { headerLength, lengthAt, readHeader, writeHeader } from '../header.ts';
import type { RawHeader } from '../header.ts';
import type { Layout } from '../layout.ts';
import type { ClearMessage, EncryptedMessage, IsakmpHeader, IsakmpMessage, Payload, PayloadChain } from './message.ts';
import { layouts, nameOfType, typeOf } from './payloads.ts';

const flagBits = { encryption: 0x01, commit: 0x02, authenticationOnly: 0x04 } as const;

/** RFC 2408 §3.1: the major version that this codec reads beyond the header. */
const majorVersion = 1;

/** A message in the clear. Throws for what does not fit its field, and for the encryption bit: that is a bug of the caller's. */
export function encodeMessage({ header, payloads }: IsakmpMessage): Uint8Array {
  if (header.flags.encryption) throw new TypeError('a message in the clear with the encryption bit');
  const out = new Writer(512);
  writeHeader(out, raw(header, firstType(payloads), 0));
  writePayloads(out, payloads);
  return out.u32At(lengthAt, out.length).finish();
}

/** What is to be encrypted, without padding, and the type of its first payload (0 for none). Behind a HASH these are the octets that HASH(1) covers. */
export function encodePayloads(payloads: readonly Payload[]): { first: number; bytes: Uint8Array } {
  const out = new Writer(256);
  writePayloads(out, payloads);
  return { first: firstType(payloads), bytes: out.finish() };
}

/** The body of one payload, without its generic header: what IDii_b, IDir_b and SAi_b are of our own. */
export function encodeBody(payload: Payload): Uint8Array {
  const out = new Writer(128);
  writeBody(out, payload);
  return out.finish();
}

/** Header and ciphertext, the encryption bit set. */
export function encodeEncrypted({ header, first, ciphertext }: EncryptedMessage): Uint8Array {
  const out = new Writer(headerLength);
  writeHeader(out, raw({ ...header, flags: { ...header.flags, encryption: true } }, first, headerLength + ciphertext.length));
  return concat(out.finish(), ciphertext);
}

/**
 * A whole message; `'ciphertext' in value` tells an encrypted one. Of another major version than 1 only the header is read, and there are no payloads.
 * The octets in the value are views into `bytes`. Refuses as `isakmp-malformed` a header or a chain of payloads whose lengths do not add up, as
 * `isakmp-syntax` a payload whose body breaks its section.
 */
export function decodeMessage(bytes: Uint8Array): Decoded<ClearMessage | EncryptedMessage> {
  return refusing(() => {
    const fields = new Fields(bytes, 'header', 'isakmp-malformed');
    const { nextPayload, length, ...fixed } = readHeader(fields);
    const header = isakmpHeader(fixed);
    if (length !== bytes.length) malformed('isakmp-malformed', `header: Length is ${length}, ${bytes.length} octets there`);
    const rest = fields.rest();
    if (header.version >> 4 !== majorVersion) return { header, payloads: [], bodies: [], bytes: rest.subarray(0, 0) };
    if (header.flags.encryption) return { header, first: nextPayload, ciphertext: rest };
    const chain = readPayloads(nextPayload, rest);
    const leftOver = rest.length - chain.bytes.length;
    if (leftOver > 0) malformed('isakmp-malformed', `payload chain: ${leftOver} octets left over`);
    return { header, ...chain };
  });
}

/**
 * What was decrypted, `first` being the header's Next Payload. Whatever stands behind the last payload is padding: RFC 2409 appendix B says zeros, but
 * there are daemons that pad with noise. Refuses like `decodeMessage`; under a wrong key that is what nearly always happens.
 */
export const decodePayloads = (first: number, bytes: Uint8Array): Decoded<PayloadChain> => refusing(() => readPayloads(first, bytes));

/** What HASH(1) and HASH(2) cover of a message that begins with HASH: the octets behind that payload (RFC 2409 §5.5). None if there is no payload. */
export const behindFirst = ({ bodies, bytes }: PayloadChain): Uint8Array => bytes.subarray(bodies[0] === undefined ? 0 : 4 + bodies[0].length);

function readPayloads(first: number, bytes: Uint8Array): PayloadChain {
  const fields = new Fields(bytes, 'payload chain', 'isakmp-malformed');
  const links = readChain(fields, first, (type) => nameOfType(type) ?? `payload ${type}`);
  return {
    payloads: links.map(({ type, body }) => readPayload(type, body)),
    bodies: links.map(({ body }) => body),
    bytes: bytes.subarray(0, bytes.length - fields.remaining),
  };
}

function readPayload(type: number, bytes: Uint8Array): Payload {
  const name = nameOfType(type);
  if (name === undefined) return { type: 'Unknown', payloadType: type, data: bytes };
  const body = new Fields(bytes, name, 'isakmp-syntax');
  const numbered = name === 'NAT-D' || name === 'NAT-OA' ? { number: type } : {};
  const payload = { type: name, ...numbered, ...layouts[name].read(body) } as Payload;
  body.end();
  return payload;
}

function writePayloads(out: Writer, payloads: readonly Payload[]): void {
  for (const [i, payload] of payloads.entries()) writeLink(out, firstType(payloads, i + 1), 0, payload.type, () => { writeBody(out, payload); });
}

function writeBody(out: Writer, payload: Payload): void {
  if (payload.type === 'Unknown') out.bytes(payload.data);
  else (layouts[payload.type] as Layout<Payload>).write(out, payload);
}

/** The type of the payload at `at`, 0 where the chain ends. */
function firstType(payloads: readonly Payload[], at = 0): number {
  const payload = payloads[at];
  return payload === undefined ? 0 : typeOf(payload);
}

const isakmpHeader = ({ initiatorSpi, responderSpi, version, exchange, flags, messageId }: Omit<RawHeader, 'nextPayload' | 'length'>): IsakmpHeader => ({
  initiatorCookie: initiatorSpi,
  responderCookie: responderSpi,
  version,
  exchange,
  flags: {
    encryption: (flags & flagBits.encryption) !== 0,
    commit: (flags & flagBits.commit) !== 0,
    authenticationOnly: (flags & flagBits.authenticationOnly) !== 0,
  },
  messageId,
});

function raw({ initiatorCookie, responderCookie, version, exchange, flags, messageId }: IsakmpHeader, nextPayload: number, length: number): RawHeader {
  const bits = (flags.encryption ? flagBits.encryption : 0) | (flags.commit ? flagBits.commit : 0) | (flags.authenticationOnly ? flagBits.authenticationOnly : 0);
  return { initiatorSpi: initiatorCookie, responderSpi: responderCookie, nextPayload, version, exchange, flags: bits, messageId, length };
}
