/** The ciphers of the stack, by the numbers that PF_KEY has for them. */
import { cipherSuite } from '../crypto/cipher-suites.ts';
import type { EncryptionName, IntegrityName } from '../crypto/transforms.ts';
import type { CipherSuite } from '../crypto/types.ts';
import { authAlgorithms, encryptionAlgorithms, type PfkeyAlgorithm } from '../wire/pfkey/message.ts';

/** Key lengths in bits, without the salt of `saltOctets` that stands behind the key; `ivLength` in bits. */
const encryptions: readonly { readonly id: number; readonly name: EncryptionName; readonly keyBits: readonly (128 | 192 | 256)[]; readonly saltOctets: number; readonly ivLength: number; readonly aead: boolean }[] = [
  { id: encryptionAlgorithms['3DESCBC'], name: '3des-cbc', keyBits: [192], saltOctets: 0, ivLength: 64, aead: false },
  { id: encryptionAlgorithms.AESCBC, name: 'aes-cbc', keyBits: [128, 256], saltOctets: 0, ivLength: 128, aead: false },
  { id: encryptionAlgorithms.AES_GCM_ICV16, name: 'aes-gcm-16', keyBits: [128, 256], saltOctets: 4, ivLength: 64, aead: true },
  { id: encryptionAlgorithms.CHACHA20POLY1305, name: 'chacha20-poly1305', keyBits: [256], saltOctets: 4, ivLength: 64, aead: true },
];

const integrities: readonly { readonly id: number; readonly name: Exclude<IntegrityName, 'none'>; readonly keyBits: number }[] = [
  { id: authAlgorithms.MD5HMAC, name: 'hmac-md5-96', keyBits: 128 },
  { id: authAlgorithms.SHA1HMAC, name: 'hmac-sha1-96', keyBits: 160 },
  { id: authAlgorithms.SHA2_256HMAC, name: 'hmac-sha2-256-128', keyBits: 256 },
  { id: authAlgorithms.SHA2_384HMAC, name: 'hmac-sha2-384-192', keyBits: 384 },
  { id: authAlgorithms.SHA2_512HMAC, name: 'hmac-sha2-512-256', keyBits: 512 },
];

const noIntegrity = { id: authAlgorithms.NONE, name: 'none', keyBits: 0 } as const;

/** What REGISTER answers. */
export const supportedEncryption: readonly PfkeyAlgorithm[] = encryptions.map(({ id, ivLength, keyBits }) => ({ id, ivLength, minBits: Math.min(...keyBits), maxBits: Math.max(...keyBits) }));
export const supportedAuth: readonly PfkeyAlgorithm[] = integrities.map(({ id, keyBits }) => ({ id, ivLength: 0, minBits: keyBits, maxBits: keyBits }));

/** What an SA's algorithms are called: `name` for people, the others as configurations have them. AH encrypts nothing. */
export interface NamedAlgorithms {
  readonly name: string;
  readonly encryption: EncryptionName | 'none';
  readonly integrity: IntegrityName;
}

export interface NamedSuite extends NamedAlgorithms {
  readonly suite: CipherSuite;
}

/** The integrity algorithm of AH that a number and the length of the key (in octets) name. */
export function integrityFor(auth: number, authKeyLength: number): Exclude<IntegrityName, 'none'> | undefined {
  const named = integrities.find(({ id, keyBits }) => id === auth && keyBits === authKeyLength * 8);
  return named?.name;
}

/** The suite that an SA's algorithm numbers and the lengths of its keys (in octets) name; undefined when they do not go together. */
export function suiteFor(algorithms: { readonly encrypt: number; readonly auth: number }, encryptionKeyLength: number, authKeyLength: number): NamedSuite | undefined {
  const encryption = encryptions.find(({ id }) => id === algorithms.encrypt);
  if (encryption === undefined) return undefined;
  const bits = encryption.keyBits.find((length) => length === (encryptionKeyLength - encryption.saltOctets) * 8);
  const integrity = encryption.aead ? [noIntegrity].find(({ id }) => id === algorithms.auth) : integrities.find(({ id }) => id === algorithms.auth);
  if (bits === undefined || integrity?.keyBits !== authKeyLength * 8) return undefined;
  const suite = cipherSuite(encryption.name, bits, integrity.name);
  return { name: suite.name, suite, encryption: encryption.name, integrity: integrity.name };
}
