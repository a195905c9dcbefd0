import { aead } from './aead.ts';
import { aesCbc128, aesCbc256, tripleDesCbc } from './cbc.ts';
import type { Cbc } from './cbc.ts';
import { cbcHmac } from './cbc-hmac.ts';
import { truncatedHmacs } from './integrity.ts';
import { encryptionIds, integrityIds } from './transforms.ts';
import type { EncryptionName, IntegrityName } from './transforms.ts';
import type { CipherSuite } from './types.ts';

/** One combination that can be negotiated; `bits` is undefined where the cipher has one key length and takes no attribute for it. */
interface Row {
  readonly encryption: EncryptionName;
  readonly bits: 128 | 256 | undefined;
  readonly integrity: IntegrityName;
  readonly suite: CipherSuite;
}

const aeads: readonly Row[] = [
  { encryption: 'aes-gcm-16', bits: 128, integrity: 'none', suite: aead('aes-gcm-16-128', 'aes-128-gcm', 16) },
  { encryption: 'aes-gcm-16', bits: 256, integrity: 'none', suite: aead('aes-gcm-16-256', 'aes-256-gcm', 32) },
  // RFC 7634 §4: no Key Length attribute
  { encryption: 'chacha20-poly1305', bits: undefined, integrity: 'none', suite: aead('chacha20-poly1305', 'chacha20-poly1305', 32) },
];

const cbcs: readonly (Pick<Row, 'encryption' | 'bits'> & { readonly cbc: Cbc })[] = [
  { encryption: 'aes-cbc', bits: 128, cbc: aesCbc128 },
  { encryption: 'aes-cbc', bits: 256, cbc: aesCbc256 },
  // RFC 2451 §2.2: no Key Length attribute
  { encryption: '3des-cbc', bits: undefined, cbc: tripleDesCbc },
];

const cbcHmacs: readonly Row[] = cbcs.flatMap(({ encryption, bits, cbc }) =>
  (Object.keys(truncatedHmacs) as (keyof typeof truncatedHmacs)[]).map((integrity) => ({
    encryption,
    bits,
    integrity,
    suite: cbcHmac(`${bits === undefined ? encryption : `${encryption}-${bits}`}/${integrity}`, cbc, truncatedHmacs[integrity]),
  })),
);

const rows = [...aeads, ...cbcHmacs];

/** Every suite that the lab has. */
export const cipherSuites: readonly CipherSuite[] = rows.map(({ suite }) => suite);

/** In bits, of ciphers that take no Key Length attribute. */
const onlyLengths: Partial<Record<EncryptionName, number>> = { 'chacha20-poly1305': 256, '3des-cbc': 192 };

/** Whether the cipher authenticates by itself, and takes no integrity transform. */
export const isAead = (encryption: EncryptionName): boolean => rows.some((row) => row.encryption === encryption && row.suite.aead);

/** Whether the transform goes without a Key Length attribute. */
export const hasOneLength = (encryption: EncryptionName): boolean => onlyLengths[encryption] !== undefined;

/**
 * The suite of transforms named in a configuration. A combination that does not exist throws: AES without a key length, CBC without
 * an HMAC, an AEAD with one. ChaCha20-Poly1305 and 3DES may be given their only lengths, 256 and 192.
 */
export function cipherSuite(encryption: EncryptionName, bits: 128 | 192 | 256 | undefined, integrity: IntegrityName): CipherSuite {
  const wanted = bits === onlyLengths[encryption] ? undefined : bits;
  const row = rows.find((it) => it.encryption === encryption && it.bits === wanted && it.integrity === integrity);
  if (row === undefined) throw new TypeError(`no such suite: ${encryption}, ${bits ?? 'no'} key bits, integrity ${integrity}`);
  return row.suite;
}

/**
 * The suite that a peer's transform IDs name; undefined for one that the lab has not. With an AEAD no integrity transform, or NONE
 * (RFC 7296 §3.3); a key length attribute where the cipher takes none makes it another transform, which we have not (§3.3.5).
 */
export const cipherSuiteByIds = (
  encryptionId: number,
  keyLengthBits: number | undefined,
  integrityId: number | undefined,
): CipherSuite | undefined =>
  rows.find(
    ({ encryption, bits, integrity }) =>
      encryptionIds[encryption] === encryptionId &&
      bits === keyLengthBits &&
      integrityIds[integrity] === (integrityId ?? integrityIds.none),
  )?.suite;
