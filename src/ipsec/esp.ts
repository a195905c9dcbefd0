/** ESP itself (RFC 4303): what stands around an inner packet, put on and taken off. Whether it may pass is decided elsewhere. */
import { concat, setU32 } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import type { Random } from '../core/random.ts';
import type { PacketCipher } from '../crypto/types.ts';
import { encodeEspHeader } from '../wire/esp.ts';
import { protocols } from '../wire/protocols.ts';

/** Next header of what tunnel mode carries, by IP version, and of a packet that carries nothing (RFC 4303 §2.6). */
export const nextHeaderOf = { 4: protocols.ipv4, 6: protocols.ipv6 } as const;
export const dummyPacket = protocols.noNext;

/** What both ends of an SA share for its whole life. */
export interface EspKeying {
  readonly spi: number;
  readonly cipher: PacketCipher;
  readonly aead: boolean;
  /** Sequence numbers have 64 bits, of which the low 32 travel (RFC 4303 §2.2.1). */
  readonly extended: boolean;
}

/**
 *   SPI | sequence | IV | payload, padding, pad length, next header, all encrypted | ICV
 *
 * `sequence` is the whole number; it also makes the nonce of an AEAD, so it must never come twice under one key.
 */
export function encapsulate(keying: EspKeying, sequence: number, payload: Uint8Array, nextHeader: number, random: Random): Uint8Array {
  const header = headerOf(keying.spi, sequence);
  const plaintext = padded(payload, nextHeader, Math.max(4, keying.cipher.blockLength));
  return concat(header, keying.cipher.seal(plaintext, { ...covered(keying, header, sequence), packetNumber: BigInt(sequence), random }));
}

/** Verifies and decrypts what follows the ESP header; undefined when the ICV does not fit. */
export const authenticate = (keying: EspKeying, sequence: number, body: Uint8Array): Uint8Array | undefined =>
  keying.cipher.open(body, covered(keying, headerOf(keying.spi, sequence), sequence));

/** Takes the trailer off an authentic plaintext (RFC 4303 §2.4): the padding must read 1, 2, 3, … */
export function takeTrailerOff(plaintext: Uint8Array): Decoded<{ readonly payload: Uint8Array; readonly nextHeader: number }> {
  if (plaintext.length < 2) return refused('esp-malformed', `${plaintext.length} octets are too few for an ESP trailer`);
  const padLength = plaintext[plaintext.length - 2]!;
  const end = plaintext.length - 2 - padLength;
  if (end < 0) return refused('esp-padding', `${padLength} octets of padding in ${plaintext.length - 2}`);
  for (let i = 0; i < padLength; i++) {
    if (plaintext[end + i] !== i + 1) return refused('esp-padding', `octet ${i + 1} of the padding is ${plaintext[end + i]!}`);
  }
  return decoded({ payload: plaintext.subarray(0, end), nextHeader: plaintext[plaintext.length - 1]! });
}

/** RFC 4303 §2.4: the trailer ends on a multiple of 4 octets, and of the cipher's block. */
function padded(payload: Uint8Array, nextHeader: number, alignment: number): Uint8Array {
  const length = Math.ceil((payload.length + 2) / alignment) * alignment;
  const plaintext = new Uint8Array(length);
  plaintext.set(payload);
  const padLength = length - 2 - payload.length;
  for (let i = 0; i < padLength; i++) plaintext[payload.length + i] = i + 1;
  plaintext[length - 2] = padLength;
  plaintext[length - 1] = nextHeader;
  return plaintext;
}

const headerOf = (spi: number, sequence: number): Uint8Array => encodeEspHeader({ spi, sequence: sequence % 2 ** 32 });

/** What the ICV covers beside the ciphertext: the high bits go into an AEAD's associated data (RFC 4106 §5), and behind everything under an HMAC (RFC 4303 §2.2.1). */
function covered({ spi, extended, aead }: EspKeying, header: Uint8Array, sequence: number): { associated: Uint8Array; trailing?: Uint8Array } {
  if (!extended) return { associated: header };
  const high = Math.floor(sequence / 2 ** 32);
  return aead ? { associated: words(spi, high, sequence % 2 ** 32) } : { associated: header, trailing: words(high) };
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => setU32(bytes, 4 * i, value));
  return bytes;
}
