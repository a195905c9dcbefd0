import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { octets } from './octets.ts';
import { dhGroupIds } from './transforms.ts';
import type { DhGroup } from './types.ts';

const length = 32;

/** The group of RFC 8031: X25519 of RFC 7748, values as they are. OpenSSL clamps the private key and masks the peer's top bit. */
export const curve25519 = (): DhGroup => ({
  name: 'curve25519',
  id: dhGroupIds.curve25519,
  publicLength: length,
  generate: (random) => {
    const key = importPrivate(random.bytes(length));
    return {
      publicValue: new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')), // out of node's shared pool
      agree: (peer) => {
        if (peer.length !== length) return undefined;
        try {
          return octets(diffieHellman({ privateKey: key, publicKey: importPublic(peer) }));
        } catch {
          return undefined; // RFC 8031 §4: a peer of small order makes the secret all zero, which OpenSSL refuses
        }
      },
    };
  },
});

// JSON Web Keys (RFC 8037) and not DER, whose decoding costs ten times the curve's arithmetic. Of a private key node reads `d` alone.
const x25519 = { kty: 'OKP', crv: 'X25519' };
const importPrivate = (d: Uint8Array): KeyObject => createPrivateKey({ key: { ...x25519, x: '', d: base64url(d) }, format: 'jwk' });
const importPublic = (x: Uint8Array): KeyObject => createPublicKey({ key: { ...x25519, x: base64url(x) }, format: 'jwk' });
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
