/** The part of ESP that everyone on the path sees (RFC 4303 §2.1, §2.2). What follows is encrypted and lives in src/ipsec. */
import { setU32, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';

export interface EspHeader {
  /** 1 … 2³²−1; below 256 reserved by IANA. */
  readonly spi: number;
  /** The low 32 bits, where extended sequence numbers are in use. */
  readonly sequence: number;
}

export const espHeaderLength = 8;

export function encodeEspHeader({ spi, sequence }: EspHeader): Uint8Array {
  const bytes = new Uint8Array(espHeaderLength);
  setU32(bytes, 0, spi);
  setU32(bytes, 4, sequence);
  return bytes;
}

/** The header and a view of what follows it. SPI zero never travels (RFC 4303 §2.1). */
export function decodeEsp(bytes: Uint8Array): Decoded<EspHeader & { readonly body: Uint8Array }> {
  if (bytes.length < espHeaderLength) return refused('esp-malformed', `${bytes.length} octets are too few for an ESP header`);
  const spi = u32At(bytes, 0);
  if (spi === 0) return refused('esp-malformed', 'SPI zero');
  return decoded({ spi, sequence: u32At(bytes, 4), body: bytes.subarray(espHeaderLength) });
}
