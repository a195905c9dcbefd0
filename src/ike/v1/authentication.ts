/** Who is there: identities in phase 1 and what proves them (RFC 2409 §5, RFC 2407 §4.6.2). */
import { sameBytes } from '../../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../../core/decoded.ts';
import { hashI, hashR } from '../../crypto/ike-v1-authentication.ts';
import { rsaPrivateKey, signIkeV1, verifyIkeV1 } from '../../crypto/rsa.ts';
import { sameSecret } from '../../crypto/secret.ts';
import { encodeBody } from '../../wire/ike/v1/codec.ts';
import type { Payload, PayloadChain } from '../../wire/ike/v1/message.ts';
import { wrongIdentity } from '../address-identity.ts';
import type { Role } from '../any-ike-sa.ts';
import { authoritiesOf, ownCertificate, peerKey, x509Signature } from '../certificates.ts';
import type { ConnectionConfig } from '../config.ts';
import { identityToWire, type WireIdentity } from '../identity.ts';
import type { Received } from './exchange.ts';
import { all, only, receivedBody } from './payloads.ts';
import { choosePhaseOne } from './phase1-proposals.ts';
import type { IsakmpSa, Negotiation } from './sa.ts';

type IdentityPayload = Extract<Payload, { type: 'ID' }>;

/** Who the other side says it is; `body` as it stood on the wire, for that is what the proof covers. */
export interface Claim {
  readonly identity: WireIdentity;
  readonly body: Uint8Array;
}

/** Who has proved to be there, and by which connection it comes; or why it may not come though it is proved. */
export type Peer = { readonly identity: WireIdentity; readonly connection: ConnectionConfig } | { readonly identity: WireIdentity; readonly wrong: string };

/** RFC 2407 §4.6.2: in phase 1 protocol and port say nothing. */
export function identityPayload({ connection }: IsakmpSa): IdentityPayload {
  const { idType, data } = identityToWire(connection.localIdentity);
  return { type: 'ID', idType, protocol: 0, port: 0, data };
}

export function claimOf(chain: PayloadChain): Decoded<Claim> {
  const identity = only(chain, 'ID');
  return identity === undefined ? refused('isakmp-payloads', 'no identity, or more than one') : decoded({ identity, body: receivedBody(chain, identity) });
}

/** HASH_I or HASH_R (RFC 2409 §5): who can compute it has the key, and has seen the same offer and the same Diffie-Hellman values. */
function phaseOneHash({ handshake, algorithms, keys, initiatorSpi, responderSpi }: Negotiation, of: Role, identityBody: Uint8Array): Uint8Array {
  const { saI, publicI, publicR } = handshake!;
  const transcript = { publicI, publicR, cookieI: initiatorSpi, cookieR: responderSpi, saI };
  return (of === 'initiator' ? hashI : hashR)(algorithms!.hash.prf, keys!.skeyid, transcript, identityBody);
}

/** The authorities that a certificate must come from, one payload each: by its subject (RFC 2408 §3.10). */
export const certificateRequests = ({ authentication }: ConnectionConfig): Payload[] =>
  authentication.method === 'rsa-signature' ? authoritiesOf(authentication).map(({ subject }) => ({ type: 'CERTREQ', encoding: x509Signature, data: subject })) : [];

/** What this side proves its identity with: the hash itself, or a signature over it and the certificate for that (RFC 2409 §5.1, §5.4). */
export function proof(sa: IsakmpSa, identity: IdentityPayload): Payload[] {
  const { authentication } = sa.connection;
  const hash = phaseOneHash(sa, sa.role, encodeBody(identity));
  if (authentication.method === 'pre-shared-key') return [{ type: 'HASH', data: hash }];
  return [{ type: 'CERT', ...ownCertificate(authentication) }, { type: 'SIG', data: signIkeV1(rsaPrivateKey(authentication.privateKey), hash) }];
}

/** Whether the other side is who it says, and may come by one of the `candidates`. Refuses what is not proved. */
export function identify(sa: Negotiation, claim: Claim, received: Received, candidates: readonly ConnectionConfig[]): Decoded<Peer> {
  const { identity } = claim;
  const unproved = refusalOfProof(sa, claim, received);
  if (unproved !== undefined) return unproved;
  const from = received.path.peer.address;
  const connection = candidates.find((candidate) => mayUse(sa, candidate) && wrongIdentity(candidate, identity, from) === undefined);
  return decoded(connection === undefined ? { identity, wrong: wrongIdentity(sa.connection, identity, from) ?? 'no connection is for it' } : { identity, connection });
}

function refusalOfProof(sa: Negotiation, { identity, body }: Claim, received: Received): Refusal | undefined {
  const { authentication } = sa.connection;
  const expected = phaseOneHash(sa, sa.role === 'initiator' ? 'responder' : 'initiator', body);
  if (authentication.method === 'pre-shared-key') {
    const hash = only(received, 'HASH')?.data;
    if (hash === undefined) return refused('isakmp-payloads', 'no HASH, or more than one');
    return sameSecret(hash, expected) ? undefined : refused('isakmp-authentication', 'its HASH was not made with our pre-shared key, or over other messages than ours');
  }
  const signature = only(received, 'SIG')?.data;
  if (signature === undefined) return refused('isakmp-payloads', 'no signature, or more than one');
  const key = peerKey(authentication, all(received, 'CERT'), identity, sa.context.now);
  if (!key.ok) return key;
  return verifyIkeV1(key.value, expected, signature) ? undefined : refused('isakmp-authentication', 'its signature was not made with the key of its certificate, or over other messages than ours');
}

/** What was proved is asked for by the connection too, and the algorithms are allowed there. */
function mayUse({ connection, handshake, role }: Negotiation, candidate: ConnectionConfig): boolean {
  if (candidate === connection) return true;
  return sameTrust(connection.authentication, candidate.authentication) && handshake?.proposal !== undefined && choosePhaseOne([handshake.proposal], candidate, role) !== undefined;
}

function sameTrust(a: ConnectionConfig['authentication'], b: ConnectionConfig['authentication']): boolean {
  if (a.method === 'pre-shared-key') return b.method === 'pre-shared-key' && a.key === b.key;
  return b.method === 'rsa-signature' && a.authorities.length === b.authorities.length && a.authorities.every((authority, i) => sameBytes(authority, b.authorities[i]!));
}
