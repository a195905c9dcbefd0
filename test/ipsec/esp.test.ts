/** ESP against packets that others made. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { authenticate, encapsulate, takeTrailerOff, type EspKeying } from '../../src/ipsec/esp.ts';
import { address, add, drops, Host, inbound, policy } from './host.ts';
import { ip } from '../../src/core/address.ts';

const keying = (spi: number, bits: 128 | 256, key: Uint8Array, extended = false): EspKeying => ({
  spi, cipher: cipherSuite('aes-gcm-16', bits, 'none').create(key, new Uint8Array(0)), aead: true, extended,
});

test('draft-mcgrew-gcm-test-01 §4: AES-GCM-256, the sequence number in the associated data', () => {
  const opened = authenticate(
    keying(0x4a2cbfe3, 256, fromHex('abbccdde f0011223 34455667 78899aab abbccdde f0011223 34455667 78899aab 11223344')),
    2,
    fromHex(`01020304 05060708 ff425c9b 724599df 7a3bcd51 0194e00d 6a78107f 1b0b1cbf 06efae9d 65a5d763 748a6379 85771d34 7f054565 9f14e99d
      ef842d8e b335f4ee cfdbf831 824b4c49 15956c96`),
  );
  expect(opened).toEqual(fromHex('45000030 69a64000 80062690 c0a80102 9389155e 0a9e008b 2dc57ee0 00000000 70024000 20bf0000 020405b4 01010402 01020201'));
});

test('draft-mcgrew-gcm-test-01 §4: AES-GCM-128 with an extended sequence number, its high half between SPI and low half', () => {
  const opened = authenticate(
    keying(0x4321, 128, fromHex('4c80cdef bb5d10da 906ac73c 3613a634 2e443b68'), true),
    0x87654321 * 2 ** 32, // what travels is 0
    fromHex(`4956ed7e 3b244cfe fecf537e 729d5b07 dc30df52 8dd22b76 8d1b9873 6696a6fd 348509fa 13ceac34 cfa2436f 14a3f3cf 65925bf1 f4a13c5d
      15b21e18 84f5ff62 47aeabb7 86b93bce 61bc17d7 68fd9732 45901814 8f6cbe72 2fd04796 562dfdb4`),
  );
  expect(opened).toEqual(
    fromHex(`45000048 699a0000 80114db7 c0a80102 c0a80101 0a9bf156 38d30100 00010000 00000000 045f7369 70045f75 64700373
      69700963 79626572 63697479 02646b00 00210001 01020201`),
  );
});

describe('RFC 7634 appendix A, ChaCha20-Poly1305', () => {
  const packet = fromHex(`01020304 00000005 10111213 14151617
    24039428 b97f417e 3c13753a 4f05087b 67c352e6 a7fab1b9 82d466ef 407ae5c6 14ee8099 d52844eb 61aa95df ab4c02f7
    2aa71e7c 4c4f64c9 befe2fac c638e8f3 cbec163f ac469b50 2773f6fb 94e664da 9165b828 29f641e0 76aaa826 6b7fb0f7
    b11b3699 07e1ad43`);
  const echoRequest = fromHex(`45000054 a6f20000 4001e778 c6336405 c0000205 08005b7a 3a080000 553bec10 00073627 08090a0b 0c0d0e0f 10111213
    14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637`);
  const key = fromHex('80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f a0a1a2a3');

  test('the packet goes through a whole stack', () => {
    const host = new Host(ip('203.0.113.5'));
    const request = add(0x01020304, '203.0.113.153', '203.0.113.5');
    host.pfkey({ ...request, sa: { ...request.sa!, encrypt: 31 }, encryptionKey: key });
    host.pfkey(policy('in', '198.51.100.0/24', '192.0.2.0/24', ['203.0.113.153', '203.0.113.5']));
    const receive = () => host.do({ kind: 'esp', source: ip('203.0.113.153'), destination: ip('203.0.113.5'), payload: packet });
    expect(inbound(receive())).toEqual([echoRequest]);
    expect(drops(receive())).toEqual(['esp-replay']);
    expect(host.ask({ type: 'SADB_GET', sa: request.sa!, destination: address('203.0.113.5') }).lifetimeCurrent).toMatchObject({ allocations: 1, bytes: 84n });
  });

  test('we make the same plaintext of the packet, padding included', () => {
    const suite = { spi: 0x01020304, cipher: cipherSuite('chacha20-poly1305', undefined, 'none').create(key, new Uint8Array(0)), aead: true, extended: false };
    const ours = encapsulate(suite, 5, echoRequest, 4, seeded(1));
    expect(ours.subarray(0, 8)).toEqual(packet.subarray(0, 8));
    expect(ours).toHaveLength(packet.length);
    expect(authenticate(suite, 5, ours.subarray(8))).toEqual(authenticate(suite, 5, packet.subarray(8)));
  });
});

describe('the trailer', () => {
  // RFC 3602 §4, case 7, decrypted
  const echo = fromHex(`45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d 02a20400 08090a0b 0c0d0e0f 10111213
    14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637`);
  const trailer = fromHex('01020304 05060708 090a0a04');

  test('RFC 3602 §4, case 7: ten octets of padding up to the block, next header 4', () => {
    expect(takeTrailerOff(concat(echo, trailer))).toEqual({ ok: true, value: { payload: echo, nextHeader: 4 } });
  });

  test('RFC 3602 §4, case 7: the very ciphertext, when the IV is the same', () => {
    const iv = fromHex('f4e76524 4f6407ad f13dc138 0f673f37');
    const cipher = cipherSuite('aes-cbc', 128, 'hmac-sha1-96').create(fromHex('01234567 89abcdef 01234567 89abcdef'), new Uint8Array(20));
    const ours = encapsulate({ spi: 0x8765, cipher, aead: false, extended: false }, 2, echo, 4, { ...seeded(1), bytes: () => iv });
    expect(ours.subarray(0, -12)).toEqual(
      concat(
        fromHex('00008765 00000002'),
        iv,
        fromHex(`773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8 e4ecaec7 8ac53aad 7a0f022b 859243c6
          47752e94 a859352b 8a4d4d2d ecd136e5 c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d`),
      ),
    );
  });

  test.each([
    ['padding that does not count 1, 2, 3', '45 0102 04 0304', 'esp-padding'],
    ['more padding than there are octets', '45 01 02 0504', 'esp-padding'],
    ['no room for a trailer', '04', 'esp-malformed'],
  ])('%s is refused', (_, plaintext, reason) => {
    expect(takeTrailerOff(fromHex(plaintext))).toMatchObject({ ok: false, reason });
  });
});

test('RFC 4303 §2.2.1: under an HMAC the high half of an extended sequence number is covered behind everything, and does not travel', () => {
  const integrityKey = new Uint8Array(32).fill(7);
  const suite = { spi: 0x1000, cipher: cipherSuite('aes-cbc', 128, 'hmac-sha2-256-128').create(new Uint8Array(16), integrityKey), aead: false, extended: true };
  const packet = encapsulate(suite, 3 * 2 ** 32 + 9, fromHex('45'), 4, seeded(1));
  expect(packet.subarray(0, 8)).toEqual(fromHex('00001000 00000009'));
  const icv = createHmac('sha256', integrityKey).update(packet.subarray(0, -16)).update(fromHex('00000003')).digest().subarray(0, 16);
  expect(packet.subarray(-16)).toEqual(new Uint8Array(icv));
});
