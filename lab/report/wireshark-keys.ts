/** The keys of a run as the tables in which Wireshark and tshark look for them, so that a capture opens decrypted. */
import type { EventOf } from '../../src/trace/trace.ts';
import { draftsFile, draftsScript } from './wireshark-drafts.ts';

/** Who has keys to tell: IKEv2, IKEv1, the IPsec stack. */
export interface Keys {
  readonly ike: Iterable<EventOf<'ike-keys'>['body']>;
  readonly isakmp: Iterable<EventOf<'isakmp-keys'>['body']>;
  readonly esp: Iterable<EventOf<'esp-keys'>['body']>;
}

/** Whether a UDP port other than IKE's own two stands opposite 500 or 4500; of one that has stood opposite both Wireshark is left to guess. */
export type TranslatedPorts = ReadonlyMap<number, 'ISAKMP' | 'UDPENCAP' | 'both'>;

/**
 * A folder for WIRESHARK_CONFIG_DIR: contents by file name. Wireshark 4.0 has no name for ChaCha20-Poly1305, neither in IKE nor in ESP: SAs
 * with it are left out, since a row that it does not know makes it refuse the whole table. Of two ports Wireshark believes the smaller one: what a box
 * has sent from 53 would be DNS. Of early drafts of NAT-T a script tells it.
 */
export function wiresharkProfile({ ike, isakmp, esp }: Keys, translated: TranslatedPorts = new Map(), hasDrafts = false): Readonly<Record<string, string>> {
  return {
    preferences: preferences.map((line) => `${line}\n`).join(''),
    ikev2_decryption_table: table(ike, ikeRow),
    ikev1_decryption_table: table(isakmp, isakmpRow),
    esp_sa: table(esp, espRow),
    ...(hasDrafts && { [draftsFile]: draftsScript([...translated].flatMap(([port, protocol]) => (protocol === 'UDPENCAP' ? [] : [port]))) }),
    decode_as_entries: [...translated].map(([port, protocol]) => (protocol === 'both' ? '' : `decode_as_entry: udp.port,${port},(none),${protocol}\n`)).join(''),
  };
}

/**
 * Decrypt ESP, and verify the checksums that capture tools usually leave alone. No check of ICVs: Wireshark 4.0 knows nothing of extended sequence
 * numbers, whose high half is authenticated but not sent. No search for replays: a packet is captured at every interface that it passes.
 */
const preferences = [
  'esp.enable_encryption_decode: TRUE',
  'esp.do_esp_sequence_analysis: FALSE',
  'ip.check_checksum: TRUE',
  'udp.check_checksum: TRUE',
  'tcp.check_checksum: TRUE',
] as const;

/** By our names for ciphers, with the bits of the key for IKE: Wireshark's names. */
export const ikeCiphers: ReadonlyMap<string, string> = new Map([
  ['3des-cbc', '3DES [RFC2451]'],
  ['aes-cbc-128', 'AES-CBC-128 [RFC3602]'],
  ['aes-cbc-256', 'AES-CBC-256 [RFC3602]'],
  ['aes-gcm-16-128', 'AES-GCM-128 with 16 octet ICV [RFC5282]'],
  ['aes-gcm-16-256', 'AES-GCM-256 with 16 octet ICV [RFC5282]'],
]);

export const espCiphers: ReadonlyMap<string, string> = new Map([
  ['3des-cbc', 'TripleDES-CBC [RFC2451]'],
  ['aes-cbc', 'AES-CBC [RFC3602]'],
  ['aes-gcm-16', 'AES-GCM with 16 octet ICV [RFC4106]'],
]);

/** An AEAD has none. */
export const integrities: ReadonlyMap<string, { readonly ike: string; readonly esp: string }> = new Map([
  ['', { ike: 'NONE [RFC4306]', esp: 'NULL' }],
  ['none', { ike: 'NONE [RFC4306]', esp: 'NULL' }],
  ['hmac-md5-96', { ike: 'HMAC_MD5_96 [RFC2403]', esp: 'HMAC-MD5-96 [RFC2403]' }],
  ['hmac-sha1-96', { ike: 'HMAC_SHA1_96 [RFC2404]', esp: 'HMAC-SHA-1-96 [RFC2404]' }],
  ['hmac-sha2-256-128', { ike: 'HMAC_SHA2_256_128 [RFC4868]', esp: 'HMAC-SHA-256-128 [RFC4868]' }],
  ['hmac-sha2-384-192', { ike: 'HMAC_SHA2_384_192 [RFC4868]', esp: 'HMAC-SHA-384-192 [RFC4868]' }],
  ['hmac-sha2-512-256', { ike: 'HMAC_SHA2_512_256 [RFC4868]', esp: 'HMAC-SHA-512-256 [RFC4868]' }],
]);

/** SPIs, then the keys of both directions. An AEAD's salt stands behind its key. */
function ikeRow({ initiatorSpi, responderSpi, encryption, integrity, skEi, skEr, skAi, skAr }: EventOf<'ike-keys'>['body']): string | undefined {
  const cipher = ikeCiphers.get(encryption);
  const hmac = integrities.get(integrity)?.ike;
  return cipher && hmac && [initiatorSpi, responderSpi, skEi, skEr, quoted(cipher), skAi, skAr, quoted(hmac)].join(',');
}

/** The initiator's cookie and the key: which cipher it is for, and the IVs, Wireshark takes from phase 1. */
const isakmpRow = ({ initiatorSpi, encryptionKey }: EventOf<'isakmp-keys'>['body']): string => [initiatorSpi, encryptionKey].join(',');

/** Any address: a NAT box shows the SA's packets under several. */
function espRow({ spi, source, encryption, encryptionKey, integrity, integrityKey }: EventOf<'esp-keys'>['body']): string | undefined {
  const cipher = espCiphers.get(encryption);
  const hmac = integrities.get(integrity)?.esp;
  const family = source.includes(':') ? 'IPv6' : 'IPv4';
  const octets = (hex: string): string => (hex === '' ? '' : `0x${hex}`);
  return cipher && hmac && [family, '*', '*', `0x${spi.toString(16).padStart(8, '0')}`, cipher, octets(encryptionKey), hmac, octets(integrityKey)].map(quoted).join(',');
}

/** Both ends tell the same keys: a row stands once. */
const table = <Keys>(keys: Iterable<Keys>, row: (keys: Keys) => string | undefined): string =>
  [...new Set(Array.from(keys, row))].filter((line) => line !== undefined).map((line) => `${line}\n`).join('');

const quoted = (text: string): string => `"${text}"`;
