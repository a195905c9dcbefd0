import { expect, test } from 'vitest';
import { concat, fromHex } from '../../src/core/bytes.ts';
import type { Random } from '../../src/core/random.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { prf } from '../../src/crypto/prf.ts';

/** `key` has the salt behind it; `associated` is ESP's SPI and sequence number, or IKE's headers; `sealed` is ciphertext and ICV. */
const aeadVectors = [
  {
    name: 'draft-mcgrew-gcm-test-01 §4, extended sequence number',
    encryption: 'aes-gcm-16',
    bits: 128,
    key: fromHex('4c80cdef bb5d10da 906ac73c 3613a634 2e443b68'),
    associated: fromHex('00004321 87654321 00000000'),
    iv: 0x4956ed7e3b244cfen,
    plaintext: fromHex(`
      45000048 699a0000 80114db7 c0a80102 c0a80101 0a9bf156 38d30100 00010000 00000000 045f7369 70045f75 64700373
      69700963 79626572 63697479 02646b00 00210001 01020201
    `),
    sealed: fromHex(`
      fecf537e 729d5b07 dc30df52 8dd22b76 8d1b9873 6696a6fd 348509fa 13ceac34 cfa2436f 14a3f3cf 65925bf1 f4a13c5d
      15b21e18 84f5ff62 47aeabb7 86b93bce 61bc17d7 68fd9732 45901814 8f6cbe72 2fd04796 562dfdb4
    `),
  },
  {
    name: 'draft-mcgrew-gcm-test-01 §4, ICMP',
    encryption: 'aes-gcm-16',
    bits: 128,
    key: fromHex('3de09874 b388e649 1988d0c3 607eae1f 57690e43'),
    associated: fromHex('42f67e3f 10101010 10101010'),
    iv: 0x4e280000a2fca1a3n,
    plaintext: fromHex(`
      4500003c 99c30000 8001cb7c 40679318 01010101 0800085c 02004300 61626364 65666768 696a6b6c 6d6e6f70 71727374
      75767761 62636465 66676869 01020201
    `),
    sealed: fromHex(`
      fba2caa4 853cf9f0 f22cb10d 86dd83b0 fec75691 cf1a04b0 0d1138ec 9c357917 65acbd87 01ad7984 5bf9fe3f ba487bc9
      1755e666 2b4c8d0d 1f5e2273 9530320a e0d731cc 978ecafa eae88f00 e80d6e48
    `),
  },
  {
    name: 'draft-mcgrew-gcm-test-01 §4, TCP',
    encryption: 'aes-gcm-16',
    bits: 256,
    key: fromHex('abbccdde f0011223 34455667 78899aab abbccdde f0011223 34455667 78899aab 11223344'),
    associated: fromHex('4a2cbfe3 00000002'),
    iv: 0x0102030405060708n,
    plaintext: fromHex(`
      45000030 69a64000 80062690 c0a80102 9389155e 0a9e008b 2dc57ee0 00000000 70024000 20bf0000 020405b4 01010402
      01020201
    `),
    sealed: fromHex(`
      ff425c9b 724599df 7a3bcd51 0194e00d 6a78107f 1b0b1cbf 06efae9d 65a5d763 748a6379 85771d34 7f054565 9f14e99d
      ef842d8e b335f4ee cfdbf831 824b4c49 15956c96
    `),
  },
  {
    name: 'RFC 7634, appendix A (ESP)',
    encryption: 'chacha20-poly1305',
    bits: 256,
    key: fromHex('80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f a0a1a2a3'),
    associated: fromHex('01020304 00000005'),
    iv: 0x1011121314151617n,
    plaintext: fromHex(`
      45000054 a6f20000 4001e778 c6336405 c0000205 08005b7a 3a080000 553bec10 00073627 08090a0b 0c0d0e0f 10111213
      14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637 01020204
    `),
    sealed: fromHex(`
      24039428 b97f417e 3c13753a 4f05087b 67c352e6 a7fab1b9 82d466ef 407ae5c6 14ee8099 d52844eb 61aa95df ab4c02f7
      2aa71e7c 4c4f64c9 befe2fac c638e8f3 cbec163f ac469b50 2773f6fb 94e664da 9165b828 29f641e0 76aaa826 6b7fb0f7
      b11b3699 07e1ad43
    `),
  },
  {
    name: 'RFC 7634, appendix B (IKE)',
    encryption: 'chacha20-poly1305',
    bits: 256,
    key: fromHex('80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f a0a1a2a3'),
    associated: fromHex('c0c1c2c3 c4c5c6c7 d0d1d2d3 d4d5d6d7 2e202500 00000009 00000045 29000029'),
    iv: 0x1011121314151617n,
    plaintext: fromHex('0000000c 00004001 0000000a 00'),
    sealed: fromHex('61039470 1f8d017f 7c129248 896b71bf e25236ef d7cdc670 66906315 b2'),
  },
  {
    name: 'McGrew and Viega, The Galois/Counter Mode of Operation, test case 4',
    encryption: 'aes-gcm-16',
    bits: 128,
    key: fromHex('feffe992 8665731c 6d6a8f94 67308308 cafebabe'),
    associated: fromHex('feedface deadbeef feedface deadbeef abaddad2'),
    iv: 0xfacedbaddecaf888n,
    plaintext: fromHex(`
      d9313225 f88406e5 a55909c5 aff5269a 86a7a953 1534f7da 2e4c303d 8a318a72 1c3c0c95 95680953 2fcf0e24 49a6b525
      b16aedf5 aa0de657 ba637b39
    `),
    sealed: fromHex(`
      42831ec2 21777424 4b7221b7 84d0d49c e3aa212f 2c02a4e0 35c17e23 29aca12e 21d514b2 5466931c 7d8f6a5a ac84aa05
      1ba30b39 6a0aac97 3d58e091 5bc94fbc 3221a5db 94fae95a e7121a47
    `),
  },
  {
    name: 'the same, test case 16',
    encryption: 'aes-gcm-16',
    bits: 256,
    key: fromHex('feffe992 8665731c 6d6a8f94 67308308 feffe992 8665731c 6d6a8f94 67308308 cafebabe'),
    associated: fromHex('feedface deadbeef feedface deadbeef abaddad2'),
    iv: 0xfacedbaddecaf888n,
    plaintext: fromHex(`
      d9313225 f88406e5 a55909c5 aff5269a 86a7a953 1534f7da 2e4c303d 8a318a72 1c3c0c95 95680953 2fcf0e24 49a6b525
      b16aedf5 aa0de657 ba637b39
    `),
    sealed: fromHex(`
      522dc1f0 99567d07 f47f37a3 2a84427d 643a8cdc bfe5c0c9 7598a2bd 2555d1aa 8cb08e48 590dbb3d a7b08b10 56828838
      c5f61e63 93ba7a0a bcc9f662 76fc6ece 0f4e1768 cddf8853 bb2d551b
    `),
  },
] as const;

test.each(aeadVectors)('$encryption with $bits bits: $name', ({ encryption, bits, key, associated, iv, plaintext, sealed }) => {
  const cipher = cipherSuite(encryption, bits, 'none').create(key, new Uint8Array(0));
  const body = cipher.seal(plaintext, { associated, packetNumber: iv, random: seeded(1) });
  expect(body.subarray(cipher.ivLength)).toEqual(sealed);
  expect(cipher.open(body, { associated })).toEqual(plaintext);
});

const cbcVectors = [
  {
    name: 'RFC 3602 §4, case 1',
    bits: 128,
    key: fromHex('06a92140 36b8a15b 512e03d5 34120006'),
    iv: fromHex('3dafba42 9d9eb430 b422da80 2c9fac41'),
    plaintext: fromHex('53696e67 6c652062 6c6f636b 206d7367'),
    ciphertext: fromHex('e353779c 1079aeb8 2708942d be77181a'),
  },
  {
    name: 'RFC 3602 §4, case 2',
    bits: 128,
    key: fromHex('c286696d 887c9aa0 611bbb3e 2025a45a'),
    iv: fromHex('562e1799 6d093d28 ddb3ba69 5a2e6f58'),
    plaintext: fromHex('00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f'),
    ciphertext: fromHex('d296cd94 c2cccf8a 3a863028 b5e1dc0a 7586602d 253cfff9 1b8266be a6d61ab1'),
  },
  {
    name: 'RFC 3602 §4, case 3',
    bits: 128,
    key: fromHex('56e47a38 c5598974 bc46903d ba290349'),
    iv: fromHex('8ce82eef bea0da3c 44699ed7 db51b7d9'),
    plaintext: fromHex(`
      a0a1a2a3 a4a5a6a7 a8a9aaab acadaeaf b0b1b2b3 b4b5b6b7 b8b9babb bcbdbebf c0c1c2c3 c4c5c6c7 c8c9cacb cccdcecf
      d0d1d2d3 d4d5d6d7 d8d9dadb dcdddedf
    `),
    ciphertext: fromHex(`
      c30e32ff edc0774e 6aff6af0 869f71aa 0f3af07a 9a31a9c6 84db207e b0ef8e4e 35907aa6 32c3ffdf 868bb7b2 9d3d46ad
      83ce9f9a 102ee99d 49a53e87 f4c3da55
    `),
  },
  {
    name: 'RFC 3602 §4, case 7: a tunnelled echo request with its padding and trailer',
    bits: 128,
    key: fromHex('01234567 89abcdef 01234567 89abcdef'),
    iv: fromHex('f4e76524 4f6407ad f13dc138 0f673f37'),
    plaintext: fromHex(`
      45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d 02a20400 08090a0b 0c0d0e0f 10111213
      14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637 01020304 05060708 090a0a04
    `),
    ciphertext: fromHex(`
      773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8 e4ecaec7 8ac53aad 7a0f022b 859243c6
      47752e94 a859352b 8a4d4d2d ecd136e5 c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d
    `),
  },
  {
    name: 'NIST SP 800-38A, F.2.5',
    bits: 256,
    key: fromHex('603deb10 15ca71be 2b73aef0 857d7781 1f352c07 3b6108d7 2d9810a3 0914dff4'),
    iv: fromHex('00010203 04050607 08090a0b 0c0d0e0f'),
    plaintext: fromHex(`
      6bc1bee2 2e409f96 e93d7e11 7393172a ae2d8a57 1e03ac9c 9eb76fac 45af8e51 30c81c46 a35ce411 e5fbc119 1a0a52ef
      f69f2445 df4f9b17 ad2b417b e66c3710
    `),
    ciphertext: fromHex(`
      f58c4c04 d6e5f1ba 779eabfb 5f7bfbd6 9cfc4e96 7edb808d 679f777b c6702c7d 39f23369 a9d9bacf a530e263 04231461
      b2eb05e2 c39be9fc da6c1907 8c6a9d1b
    `),
  },
] as const;

test.each(cbcVectors)('aes-cbc with $bits bits: $name', ({ bits, key, iv, plaintext, ciphertext }) => {
  const cipher = cipherSuite('aes-cbc', bits, 'hmac-sha2-256-128').create(key, new Uint8Array(32));
  const associated = new Uint8Array(8);
  const random: Random = { ...seeded(1), bytes: () => iv };
  const body = cipher.seal(plaintext, { associated, packetNumber: 1n, random });
  expect(body.subarray(0, -cipher.icvLength)).toEqual(concat(iv, ciphertext));
  expect(cipher.open(body, { associated })).toEqual(plaintext);
});

// The HMACs themselves stand in prf.test.ts; RFC 2404 and RFC 4868 §2.6 say how much of one is sent, RFC 4303 §2.8 what it covers.
test.each([
  ['hmac-sha1-96', 'hmac-sha1', 20, 12],
  ['hmac-sha2-256-128', 'hmac-sha2-256', 32, 16],
  ['hmac-sha2-384-192', 'hmac-sha2-384', 48, 24],
  ['hmac-sha2-512-256', 'hmac-sha2-512', 64, 32],
] as const)('%s covers associated, IV, ciphertext and trailing octets, in this order', (integrity, prfName, keyLength, icvLength) => {
  const random = seeded(2);
  const key = random.bytes(keyLength);
  const cipher = cipherSuite('aes-cbc', 128, integrity).create(random.bytes(16), key);
  const [associated, trailing] = [random.bytes(8), random.bytes(4)];
  const body = cipher.seal(random.bytes(32), { associated, trailing, packetNumber: 1n, random });
  const icv = prf(prfName).compute(key, associated, body.subarray(0, -icvLength), trailing).subarray(0, icvLength);
  expect(body.subarray(-icvLength)).toEqual(icv);
});

test.each([0, 15, 17, 40])('a peer that has the keys and sends %i octets of IV and ciphertext is refused, not thrown at', (length) => {
  const key = new Uint8Array(32);
  const cipher = cipherSuite('aes-cbc', 128, 'hmac-sha2-256-128').create(new Uint8Array(16), key);
  const body = new Uint8Array(length);
  const icv = prf('hmac-sha2-256').compute(key, body).subarray(0, 16);
  expect(cipher.open(concat(body, icv), { associated: new Uint8Array(0) })).toBeUndefined();
});
