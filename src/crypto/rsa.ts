/** RSA signatures of both IKE versions, all of them RSASSA-PKCS1-v1_5 or the padding alone (RFC 8017 §8.2, §9.2). */
import { constants, createPrivateKey, privateEncrypt, publicDecrypt, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, fromHex, sameBytes } from '../core/bytes.ts';
import { octets } from './octets.ts';
import { sameSecret } from './secret.ts';

/** Keys that come out of `rsaPrivateKey` and of certificates; nobody else looks inside. */
export type RsaPrivateKey = KeyObject & { readonly is?: 'rsa-private' };
export type RsaPublicKey = KeyObject & { readonly is?: 'rsa-public' };

/** Reads a private key in PEM (PKCS #8); throws on what is none or no RSA key. */
export function rsaPrivateKey(pem: string): RsaPrivateKey {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError(`an RSA key is wanted, not one of type ${key.asymmetricKeyType ?? 'unknown'}`);
  return key;
}

const padding = constants.RSA_PKCS1_PADDING;

/** SIG_I or SIG_R of IKEv1 (RFC 2409 §5.1): HASH_I or HASH_R itself under the padding, without the name of a hash in front of it. */
export const signIkeV1 = (key: RsaPrivateKey, hash: Uint8Array): Uint8Array => octets(privateEncrypt({ key, padding }, hash)).slice();

/** Whether the signature is one over this HASH_I or HASH_R. Never throws, whatever the octets. */
export function verifyIkeV1(key: RsaPublicKey, hash: Uint8Array, signature: Uint8Array): boolean {
  try {
    return sameSecret(publicDecrypt({ key, padding }, signature), hash);
  } catch {
    return false; // another length than the modulus, or no such padding
  }
}

/** The AUTH data of method 1, RSA Digital Signature, over the signed octets of `authOctets`: with SHA-1 (RFC 7296 §3.8). */
export const signRsaSha1 = (key: RsaPrivateKey, signed: Uint8Array): Uint8Array => octets(sign('sha1', signed, { key, padding })).slice();

export const verifyRsaSha1 = (key: RsaPublicKey, signed: Uint8Array, signature: Uint8Array): boolean => verify('sha1', signed, { key, padding }, signature);

/** The hashes of SIGNATURE_HASH_ALGORITHMS (RFC 7427 §7), with the AlgorithmIdentifiers of RSASSA-PKCS1-v1_5 over them (RFC 7427 §A.1). */
export const signatureHashes = {
  sha1: { id: 1, algorithm: fromHex('300d06092a864886f70d0101050500') },
  sha256: { id: 2, algorithm: fromHex('300d06092a864886f70d01010b0500') },
  sha384: { id: 3, algorithm: fromHex('300d06092a864886f70d01010c0500') },
  sha512: { id: 4, algorithm: fromHex('300d06092a864886f70d01010d0500') },
} as const;

export type SignatureHash = keyof typeof signatureHashes;

/** The AUTH data of method 14, Digital Signature (RFC 7427 §3): length of the AlgorithmIdentifier, one octet | AlgorithmIdentifier | signature. */
export function digitalSignature(key: RsaPrivateKey, hash: SignatureHash, signed: Uint8Array): Uint8Array {
  const { algorithm } = signatureHashes[hash];
  return concat(Uint8Array.of(algorithm.length), algorithm, sign(hash, signed, { key, padding }));
}

/** Whether the AUTH data of method 14 is a signature with one of our hashes. RSASSA-PSS and other algorithms are none. Never throws. */
export function verifyDigitalSignature(key: RsaPublicKey, signed: Uint8Array, authData: Uint8Array): boolean {
  const end = 1 + (authData[0] ?? 0);
  const named = authData.subarray(1, end);
  const hash = (Object.keys(signatureHashes) as SignatureHash[]).find((one) => sameBytes(signatureHashes[one].algorithm, named));
  return hash !== undefined && verify(hash, signed, { key, padding }, authData.subarray(end));
}
