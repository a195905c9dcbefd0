/** AUTH: what proves an identity, by a pre-shared key or by a signature (RFC 7296 §2.15, RFC 7427). */
import { concat, Reader, utf8, Writer } from '../../core/bytes.ts';
import { authOctets, preSharedKeyAuth } from '../../crypto/authentication.ts';
import { digitalSignature, rsaPrivateKey, signatureHashes, signRsaSha1, verifyDigitalSignature, verifyRsaSha1, type RsaPublicKey } from '../../crypto/rsa.ts';
import { sameSecret } from '../../crypto/secret.ts';
import { decodeMessage } from '../../wire/ike/codec.ts';
import { notifyTypes, type Payload } from '../../wire/ike/message.ts';
import type { Role } from '../any-ike-sa.ts';
import { authoritiesOf, ownCertificate, peerKey, x509Signature } from '../certificates.ts';
import type { ConnectionConfig, RsaAuthentication } from '../config.ts';
import { identityToWire, type WireIdentity } from '../identity.ts';
import { notify, notifyOf, only } from './payloads.ts';
import type { IkeSa } from './sa.ts';

/** RFC 7296 §3.8, RFC 7427 §3. */
const methods = { RSA_SIGNATURE: 1, SHARED_KEY_MIC: 2, DIGITAL_SIGNATURE: 14 } as const;

const otherRole = { initiator: 'responder', responder: 'initiator' } as const satisfies Record<Role, Role>;

/** In IKE_SA_INIT: the hashes that we take under signatures (RFC 7427 §4). */
export function signatureHashesNotify({ authentication }: ConnectionConfig): Payload[] {
  if (authentication.method !== 'rsa-signature') return [];
  const ids = new Writer();
  for (const { id } of Object.values(signatureHashes)) ids.u16(id);
  return [notify(notifyTypes.SIGNATURE_HASH_ALGORITHMS, ids.finish())];
}

/** The authorities that a certificate must come from: the SHA-1 hashes of their keys, one after the other (RFC 7296 §3.7). */
export const certificateRequest = ({ authentication }: ConnectionConfig): Payload[] =>
  authentication.method === 'rsa-signature'
    ? [{ type: 'CERTREQ', encoding: x509Signature, data: concat(...authoritiesOf(authentication).map(({ keyHash }) => keyHash)) }]
    : [];

/** The certificate that goes with this side's signature. */
export const certificate = ({ authentication }: ConnectionConfig): Payload[] => (authentication.method === 'rsa-signature' ? [{ type: 'CERT', ...ownCertificate(authentication) }] : []);

/** What this side proves its identity with. */
export function proof(sa: IkeSa, { authentication, localIdentity }: ConnectionConfig): Payload {
  const signed = signedOctets(sa, sa.role, identityToWire(localIdentity));
  if (authentication.method === 'pre-shared-key') return { type: 'AUTH', method: methods.SHARED_KEY_MIC, data: preSharedKeyAuth(sa.algorithms!.prf, utf8(authentication.key), signed) };
  const key = rsaPrivateKey(authentication.privateKey);
  const hash = signatureHash(sa);
  return hash === undefined ? { type: 'AUTH', method: methods.RSA_SIGNATURE, data: signRsaSha1(key, signed) } : { type: 'AUTH', method: methods.DIGITAL_SIGNATURE, data: digitalSignature(key, hash, signed) };
}

/** Why the other side has not proved its identity; undefined when it has. */
export function unproved(sa: IkeSa, { authentication }: ConnectionConfig, identity: WireIdentity, payloads: readonly Payload[]): string | undefined {
  const auth = only(payloads, 'AUTH');
  if (auth === undefined) return 'there is no proof of its identity';
  const signed = signedOctets(sa, otherRole[sa.role], identity);
  if (authentication.method === 'rsa-signature') return unsigned(sa, authentication, identity, payloads, auth, signed);
  if (auth.method !== methods.SHARED_KEY_MIC) return `authentication method ${auth.method}, where a pre-shared key is wanted`;
  const expected = preSharedKeyAuth(sa.algorithms!.prf, utf8(authentication.key), signed);
  return sameSecret(auth.data, expected) ? undefined : 'its proof was not made with our pre-shared key';
}

const verifiers: Readonly<Record<number, (key: RsaPublicKey, signed: Uint8Array, data: Uint8Array) => boolean>> = {
  [methods.RSA_SIGNATURE]: verifyRsaSha1,
  [methods.DIGITAL_SIGNATURE]: verifyDigitalSignature,
};

function unsigned(sa: IkeSa, authentication: RsaAuthentication, identity: WireIdentity, payloads: readonly Payload[], auth: { method: number; data: Uint8Array }, signed: Uint8Array): string | undefined {
  const verify = verifiers[auth.method];
  if (verify === undefined) return `authentication method ${auth.method}, where a signature is wanted`;
  const key = peerKey(authentication, payloads.flatMap((payload) => (payload.type === 'CERT' ? [payload] : [])), identity, sa.context.now);
  if (!key.ok) return `its certificate is not to be believed: ${key.detail}`;
  return verify(key.value, signed, auth.data) ? undefined : 'its signature was not made with the key of its certificate';
}

/** What the one in this role proves that it has said and heard. */
function signedOctets(sa: IkeSa, signer: Role, { idType, data }: WireIdentity): Uint8Array {
  const { request, answer, nonceI, nonceR } = sa.handshake!;
  const { skPi, skPr } = sa.protection.keys;
  const identity = concat(Uint8Array.of(idType, 0, 0, 0), data);
  const parts = signer === 'initiator' ? { message: request, peerNonce: nonceR, skP: skPi } : { message: answer, peerNonce: nonceI, skP: skPr };
  return authOctets(sa.algorithms!.prf, { ...parts, identity });
}

/** Hashes from the best on, SHA-1 being left to method 1. */
const preferred = ['sha256', 'sha384', 'sha512'] as const;

/** The hash for method 14, which may be used with a peer that has said in IKE_SA_INIT which ones it takes (RFC 7427 §4). */
function signatureHash({ role, handshake }: IkeSa): (typeof preferred)[number] | undefined {
  const message = decodeMessage(role === 'initiator' ? handshake!.answer : handshake!.request);
  const said = message.ok && 'payloads' in message.value ? notifyOf(message.value.payloads, notifyTypes.SIGNATURE_HASH_ALGORITHMS) : undefined;
  if (said === undefined) return undefined;
  const reader = new Reader(said.data);
  const ids: number[] = [];
  while (reader.remaining >= 2) ids.push(reader.u16());
  return preferred.find((hash) => ids.includes(signatureHashes[hash].id));
}
