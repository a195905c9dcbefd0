import { expect, test } from 'vitest';
import { concat, fromHex, utf8 } from '../../src/core/bytes.ts';
import { authOctets, preSharedKeyAuth } from '../../src/crypto/authentication.ts';
import { prf } from '../../src/crypto/prf.ts';

// RFC 7296 §2.15 has no vectors: the expected octets come from Python's hmac module.
const sha256 = prf('hmac-sha2-256');
const message = fromHex('0102030405060708000000000000000021202208000000000000001c');
const peerNonce = Uint8Array.from({ length: 32 }, (_, i) => 0x20 + i);
const skP = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);
const identity = concat(fromHex('02000000'), utf8('client.example'));
const signed = authOctets(sha256, { message, peerNonce, skP, identity });

test('what is signed is the first message, the peer’s nonce, and the identity under SK_p', () => {
  expect(signed).toEqual(
    concat(message, peerNonce, fromHex('06fd5d05 61158aeb cb0a8c0b 2ed7b118 62eebce7 55b0c698 6245964b 97d24728')),
  );
});

test('a shared key signs through the key pad', () => {
  const auth = fromHex('5c56222e 98e3e469 f91e314d c1e5b0a4 6f9b75b5 d020901c f98918a5 4376a160');
  expect(preSharedKeyAuth(sha256, utf8('correct horse'), signed)).toEqual(auth);
});
