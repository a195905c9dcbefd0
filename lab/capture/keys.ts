/** Wireshark's tables of keys, the lab's own or anybody's, read for what the lab can open with them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import type { EncryptionName, IntegrityName } from '../../src/crypto/transforms.ts';
import type { CipherSuite } from '../../src/crypto/types.ts';
import { Protection } from '../../src/ike/v2/protect.ts';
import type { EspKeying } from '../../src/ipsec/esp.ts';
import type { EventOf } from '../../src/trace/trace.ts';
import { Problem } from '../problem.ts';
import { espCiphers, ikeCiphers, integrities } from '../report/wireshark-keys.ts';
import type { Keys } from '../report/wireshark-keys.ts';

export interface KeyRing {
  /** By both SPIs as hex; each opens what one side has sent. */
  readonly ike: ReadonlyMap<string, { readonly initiator: Protection; readonly responder: Protection }>;
  /** By the initiator's cookie as hex; which cipher it is for phase 1 tells. */
  readonly isakmp: ReadonlyMap<string, Uint8Array>;
  /** By SPI: one SPI may have been used twice. */
  readonly esp: ReadonlyMap<number, readonly EspKeying[]>;
  /** Rows that were not understood, for people. */
  readonly strange: readonly string[];
}

export const noKeys: KeyRing = { ike: new Map(), isakmp: new Map(), esp: new Map(), strange: [] };

export const tableNames = ['ikev2_decryption_table', 'ikev1_decryption_table', 'esp_sa'] as const;

/** The tables in a folder, a Wireshark profile or the one that `--pcap` writes. Throws a Problem for a folder that has none. */
export async function keysIn(folder: string): Promise<KeyRing> {
  const info = await stat(folder).catch((error: unknown) => Promise.reject(new Problem(`cannot read the keys in ${folder}: ${(error as Error).message}`)));
  if (!info.isDirectory()) throw new Problem(`${folder} is a file; name the folder that it is in: one with ${tableNames.join(', ')}`);
  const [ike, isakmp, esp] = await Promise.all(tableNames.map((name) => readFile(join(folder, name), 'utf8').catch(() => undefined)));
  if (ike === undefined && isakmp === undefined && esp === undefined) throw new Problem(`${folder} has no keys: expected a Wireshark profile with ${tableNames.join(', ')}`);
  return ringOf({ ike: ike ?? '', isakmp: isakmp ?? '', esp: esp ?? '' });
}

/** The keys beside a capture that the lab has written, those of IKEv1 included, or none. */
export async function keysBeside(file: string): Promise<KeyRing> {
  const folders = [`${file}.keys`, `${file.replace(/\.pcapng$/, '')}.ikev1.pcapng.keys`];
  const there = await Promise.all(folders.map((folder) => stat(folder).then((info) => info.isDirectory(), () => false)));
  const [all = noKeys, ofIkeV1 = noKeys] = await Promise.all(folders.filter((_, i) => there[i]).map(keysIn));
  return { ...all, isakmp: new Map([...all.isakmp, ...ofIkeV1.isakmp]) };
}

/** The contents of the three tables. Never throws: a row that makes no sense is told among the strange ones. */
export function ringOf(tables: { readonly ike: string; readonly isakmp: string; readonly esp: string }): KeyRing {
  const strange: string[] = [];
  const rows = <Row>(name: string, text: string, read: (cells: readonly string[]) => Row | string): Row[] =>
    text.split(/\r?\n/).flatMap((line, i) => {
      if (line.trim() === '' || line.startsWith('#')) return [];
      const row = attempt(() => read(cellsOf(line)));
      if (typeof row !== 'string') return [row];
      strange.push(`${name}, row ${i + 1}: ${row}`);
      return [];
    });
  const esp = new Map<number, EspKeying[]>();
  for (const keying of rows('esp_sa', tables.esp, espRow).flat()) esp.set(keying.spi, [...(esp.get(keying.spi) ?? []), keying]);
  return { ike: new Map(rows('ikev2_decryption_table', tables.ike, ikeRow)), isakmp: new Map(rows('ikev1_decryption_table', tables.isakmp, isakmpRow)), esp, strange };
}

function attempt<Row>(read: () => Row | string): Row | string {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
}

const cellsOf = (line: string): string[] => Array.from(line.matchAll(/(?:^|,)\s*(?:"([^"]*)"|([^,]*))/g), ([, quoted, bare]) => (quoted ?? bare ?? '').trim());
const octets = (hex = ''): Uint8Array => fromHex(hex.replace(/^0x/i, ''));
const nameIn = (names: Iterable<readonly [string, string]>, wanted: string | undefined): string | undefined => [...names].find(([, theirs]) => theirs === wanted)?.[0];

/** Our suite of the two names; `bits` of the key, a salt not counted. */
function suiteOf(encryption: EncryptionName, bits: number, integrity: string | undefined): CipherSuite | string {
  if (integrity === undefined) return 'an integrity algorithm that the lab has not';
  try {
    return cipherSuite(encryption, bits as 128, (integrity === '' ? 'none' : integrity) as IntegrityName);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The keys of a run as its trace has them: of ciphers, too, that Wireshark has no name for. */
export function ringFrom({ ike, isakmp, esp }: Keys): KeyRing {
  const strange: string[] = [];
  const understood = <Row>(row: Row | string): Row[] => {
    if (typeof row !== 'string') return [row];
    strange.push(row);
    return [];
  };
  const keyings = new Map<number, EspKeying[]>();
  for (const keying of Array.from(esp, (body) => understood(espKeyings(body))).flat(2)) keyings.set(keying.spi, [...(keyings.get(keying.spi) ?? []), keying]);
  return {
    ike: new Map(Array.from(ike, (body) => understood(ikeOpeners(body))).flat()),
    isakmp: new Map(Array.from(isakmp, ({ initiatorSpi, encryptionKey }) => [initiatorSpi, octets(encryptionKey)])),
    esp: keyings,
    strange,
  };
}

function ikeRow([spiI = '', spiR = '', skEi = '', skEr = '', cipher, skAi = '', skAr = '', hmac]: readonly string[]): [string, { initiator: Protection; responder: Protection }] | string {
  const encryption = nameIn(ikeCiphers, cipher);
  if (encryption === undefined) return `the lab has no cipher "${cipher ?? ''}"`;
  return ikeOpeners({ initiatorSpi: spiI, responderSpi: spiR, encryption, integrity: nameIn([...integrities].map(([name, { ike }]) => [name, ike] as const), hmac), skEi, skEr, skAi, skAr });
}

type IkeKeyRow = Pick<EventOf<'ike-keys'>['body'], 'initiatorSpi' | 'responderSpi' | 'encryption' | 'skEi' | 'skEr' | 'skAi' | 'skAr'> & { readonly integrity: string | undefined };

function ikeOpeners({ initiatorSpi, responderSpi, encryption, integrity, skEi, skEr, skAi, skAr }: IkeKeyRow): [string, { initiator: Protection; responder: Protection }] | string {
  const bits = Number(/-(128|256)$/.exec(encryption)?.[1] ?? (encryption === 'chacha20-poly1305' ? 256 : 192));
  const suite = suiteOf(encryption.replace(/-(128|256)$/, '') as EncryptionName, bits, integrity);
  if (typeof suite === 'string') return suite;
  const none = new Uint8Array(0);
  const keys = { skD: none, skPi: none, skPr: none, skEi: octets(skEi), skEr: octets(skEr), skAi: octets(skAi), skAr: octets(skAr) };
  const opening = (role: 'initiator' | 'responder'): Protection => new Protection(suite, keys, role, seeded(0)); // it seals nothing
  return [`${initiatorSpi}${responderSpi}`.toLowerCase(), { initiator: opening('responder'), responder: opening('initiator') }];
}

function isakmpRow([cookie, key]: readonly string[]): [string, Uint8Array] | string {
  return cookie === undefined || key === undefined ? 'expected a cookie and a key' : [cookie.toLowerCase(), octets(key)];
}

function espRow([, , , spi, cipher, encryptionKey, hmac, integrityKey]: readonly string[]): EspKeying[] | string {
  const encryption = nameIn(espCiphers, cipher) as EncryptionName | undefined;
  if (encryption === undefined) return `the lab has no cipher "${cipher ?? ''}"`;
  const number = Number(spi);
  if (!Number.isInteger(number)) return `"${spi ?? ''}" is no SPI`;
  return espKeyings({ spi: number, encryption, encryptionKey: encryptionKey ?? '', integrity: nameIn([...integrities].map(([name, { esp }]) => [name, esp] as const), hmac), integrityKey: integrityKey ?? '' });
}

type EspKeyRow = Pick<EventOf<'esp-keys'>['body'], 'spi' | 'encryption' | 'encryptionKey' | 'integrityKey'> & { readonly integrity: string | undefined };

/** Neither a table nor the trace says whether sequence numbers have 64 bits. */
function espKeyings({ spi, encryption, encryptionKey, integrity, integrityKey }: EspKeyRow): EspKeying[] | string {
  const [key, integrityOctets] = [octets(encryptionKey), octets(integrityKey)];
  const saltLength = encryption === 'aes-gcm-16' || encryption === 'chacha20-poly1305' ? 4 : 0;
  const suite = suiteOf(encryption as EncryptionName, 8 * (key.length - saltLength), integrity);
  if (typeof suite === 'string') return suite;
  return [false, true].map((extended) => ({ spi, cipher: suite.create(key, integrityOctets), aead: suite.aead, extended }));
}
