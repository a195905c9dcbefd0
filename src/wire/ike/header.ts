/** The header that both versions have alike, but for the names of its fields and the meaning of its flags (RFC 2408 §3.1, RFC 7296 §3.1). */
import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';

export const headerLength = 28;

/** IKEv1 calls the SPIs cookies. */
export interface RawHeader {
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
  readonly nextPayload: number;
  readonly version: number;
  readonly exchange: number;
  readonly flags: number;
  readonly messageId: number;
  readonly length: number;
}

/**
 * ```
 *   IKE SA Initiator's SPI (64)
 *   IKE SA Responder's SPI (64)
 *   Next Payload (8) | MjVer (4) | MnVer (4) | Exchange Type (8) | Flags (8)
 *   Message ID (32)
 *   Length (32)
 * ```
 */
export const readHeader = (fields: Fields): RawHeader => ({
  initiatorSpi: fields.bytes("Initiator's SPI", 8),
  responderSpi: fields.bytes("Responder's SPI", 8),
  nextPayload: fields.u8('Next Payload'),
  version: fields.u8('version'),
  exchange: fields.u8('Exchange Type'),
  flags: fields.u8('Flags'),
  messageId: fields.u32('Message ID'),
  length: fields.u32('Length'),
});

/** Throws for SPIs that have not 8 octets. */
export function writeHeader(out: Writer, { initiatorSpi, responderSpi, nextPayload, version, exchange, flags, messageId, length }: RawHeader): void {
  if (initiatorSpi.length !== 8 || responderSpi.length !== 8) throw new RangeError('an IKE SPI has 8 octets');
  out.bytes(initiatorSpi).bytes(responderSpi).u8(nextPayload).u8(version).u8(exchange).u8(flags).u32(messageId).u32(length);
}

/** Where Length stands, for a length that is known at the end. */
export const lengthAt = 24;

/** What a payload's 16-bit length can say; throws for more. */
export function fitting(length: number, what: string): number {
  if (length > 0xffff) throw new RangeError(`${what}: ${length} octets do not fit a payload`);
  return length;
}
