import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { childKeys, ikeKeys, rekeyedIkeKeys, rekeyedSkeySeed, skeySeed } from '../../src/crypto/ike-keys.ts';
import type { IkeKeys, SaKeys } from '../../src/crypto/ike-keys.ts';
import { prf, prfPlus } from '../../src/crypto/prf.ts';
import type { PrfName } from '../../src/crypto/transforms.ts';
import type { CipherSuite } from '../../src/crypto/types.ts';

/** In the order of RFC 7296 §2.14. */
const inOrder = ({ skD, skAi, skAr, skEi, skEr, skPi, skPr }: IkeKeys): Uint8Array => concat(skD, skAi, skAr, skEi, skEr, skPi, skPr);

const gcm128 = cipherSuite('aes-gcm-16', 128, 'none');
const cbc256sha512 = cipherSuite('aes-cbc', 256, 'hmac-sha2-512-256');

interface Exchange {
  readonly prf: PrfName;
  readonly gir: Uint8Array;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
  readonly spiI: Uint8Array;
  readonly spiR: Uint8Array;
  readonly skeySeed: Uint8Array;
  /** The first octets of prf+(SKEYSEED, Ni | Nr | SPIi | SPIr). */
  readonly keys: Uint8Array;
}

const exchange = ({ prf: name, gir, nonceI, nonceR, spiI, spiR }: Exchange, suite: CipherSuite) => ({
  prf: prf(name), suite, sharedSecret: gir, nonceI, nonceR, spiI, spiR,
});

/** NIST CAVP, SP 800-135 IKEv2 KDF (as strongSwan's test vectors have them): SKEYSEED and DKM of the shortest nonces. */
const cavp: readonly Exchange[] = [
  {
    prf: 'hmac-sha2-256',
    gir: fromHex(`
      42968e5d 0ccc3cfc 5a3e4bc1 bba370ce a1fae0d5 4c49ccba 34b2bee8 04beeb2e 9e8c57a4 e01bd451 02cf2433 aacc6cfe
      c06792f3 63e5170e 6aa66502 74e90664 8e449d27 a8f00b5b 44261982 c9835c74 8a751ec5 138eaacc 5e025661 339538a6
      1bf418e4 54699e19 c32db8d9 ce5dd86b 220f1e89 afc5872e 68be36cb 1a0c8866
    `),
    nonceI: fromHex('ed80dc79912c32a9'),
    nonceR: fromHex('35fb6d1a3feac078'),
    spiI: fromHex('47c1858efc932ea4'),
    spiR: fromHex('606fd05609624002'),
    skeySeed: fromHex('37fde90b 81d63692 620f6736 7b62092e 3efdc6a0 3509137d 73100476 7ff35010'),
    keys: fromHex(`
      63d018a0 8f7a29da a7d1f92c b63f45fa 39bbaf5e 5f1a7813 9613bb89 1e3e6bf9 d0448f7c 74e05b4c 1a25c0b6 1e62c875
      e852f287 e192d4ae 536112db 51972164 00bd5e12 3470efc1 5f531618 65fe8b19 a1416518 a157d651 ecd2cadd ab6a9eae
      6a27a55a f088218d 5156edaa 9789f934 d9836ed4 3edffda5 53822202 ff9f7d48 60ca72e0
    `),
  },
  {
    prf: 'hmac-sha2-384',
    gir: fromHex(`
      4df040b7 0978629c 49437cff 41a0d46c bea68c8d 75b370ff c11d7b38 7144ea83 bb5903fb b92e473d f50a9b19 ea43e9c2
      f3da9a84 9c038642 76c6f264 ecf02a60 d40ba65c 06656b63 3f02a874 27e928eb 66a2dabd 9dc05744 717bcaf7 ae78c296
      872f5c48 d1a8120c 2155b70c 565ce271 998e3e44 af263d48 7ea3ba7f 56132d7d
    `),
    nonceI: fromHex('d672b0bc852829b9'),
    nonceR: fromHex('3509f3b724706364'),
    spiI: fromHex('0f9a016d7b22223c'),
    spiR: fromHex('85f710daf8b982d8'),
    skeySeed: fromHex('54436a9e a95d6ff7 9b967f4b 07f6de97 6a376e8e a26aa957 4709afc6 0243c9c1 41da4ca0 e158e627 a75ea87f 6feb07ef'),
    keys: fromHex(`
      10b00a65 4643b3b9 85764f86 e23ef624 31122fcc 96de16e3 38a372be e49391db 1f83a735 8c080380 abbf4af4 7cdb83b9
      53034316 8f7dbc92 21260e15 46c6b383 e2235d27 05a727f0 b41aebf6 a1b4c61c b4606601 52a17ba7 4c20d519 1ba68417
      94945270 d829587b 7f329463 9ea7b771 49e1d072 30ac16e0 cd5ab236 fa3212bd 569ee70f
    `),
  },
  {
    prf: 'hmac-sha2-512',
    gir: fromHex(`
      1e3b007d 2da913ca 60ecc98c 25a22db0 8073d5c3 5c11b252 4b298a92 2b6abfe6 acf7359d b66ae5f8 5d67aacf f686419c
      d8666d05 ae7977ce fad7f54d d8e312a8 e8e5e037 0f88142f bdd659dd 6fde22bd d531f540 2881a8de 85c1024e 595ec93c
      575618af 7fd3dbac 79829190 78d71cc1 3eff1910 a032750e 1ff42867 5de189ee
    `),
    nonceI: fromHex('df7931db9b429e10'),
    nonceR: fromHex('b8aa8e4d46042393'),
    spiI: fromHex('9ba40af9157f4792'),
    spiR: fromHex('5383c7cd3d1046e6'),
    skeySeed: fromHex(`
      daf9bd6f 2f912da5 53867966 af386e67 909a8df0 ca7e84b8 3b355cb7 d7f1026f 17d8ea34 b5d57fd0 d1ba3895 28fca1e8
      1d1c8ce5 11b28a24 58241143 fee30ccc
    `),
    keys: fromHex(`
      919a75de aeccbd39 3bebc896 15f8a215 edb7073b 2319d867 40221eee 7a2deb92 509044d7 e61fcb1b f9676b38 81c7ced4
      9e6bba15 49da3113 601677a2 445d91ac 13a59733 5782dd3a 9cf496d9 e19b932f 27dd35e3 6f8070d2 32d0a3b3 f4c4a0b4
      ba447077 8dc090f3 1f52ab1b 6d81e4c7 dfb35063 ad96c327 adcdbde7 14cc9a6b 5ef049b8
    `),
  },
];

describe.each(cavp)('CAVP, $prf', (vector) => {
  test('SKEYSEED', () => {
    expect(skeySeed(exchange(vector, gcm128))).toEqual(vector.skeySeed);
  });

  test.each([gcm128, cbc256sha512])('the keys of an IKE SA are cut from prf+ in order: $name', (suite) => {
    const keys = inOrder(ikeKeys(exchange(vector, suite)));
    const known = Math.min(keys.length, vector.keys.length);
    expect(keys.subarray(0, known)).toEqual(vector.keys.subarray(0, known));
  });
});

/** What libreswan's CAVP program says it prints: it has the KEYMAT of child SAs and the SKEYSEED of a rekey too. */
const libreswan = {
  prf: 'hmac-sha1' as const,
  gir: fromHex('4b2c1f97 1981a8ad 8d0abeaf abf38cf7 5fc8349c 14814246 5ed9c8b5 16b8be52'),
  newGir: fromHex('863f3c9d 06efd39d 2b907b97 f8699e5d d5251ef6 4a2a176f 36ee40c8 7d4f9330'),
  nonceI: fromHex('32b50d5f4a3763f3'),
  nonceR: fromHex('9206a04b26564cb1'),
  spiI: fromHex('34c9e7c188868785'),
  spiR: fromHex('3ff77d760d2b2199'),
  skeySeed: fromHex('a9a7b222 b59f8f48 645f28a1 db5b5f5d 7479cba7'),
  keys: fromHex(`
    a1429367 7cc80ff8 f9cc0eee 30d895da 9d8f4056 66e30ef0 dfcb63c6 34a46002 a2a63080 e514a062 768b7660 6f9fa5e9
    92204fc5 a670bde3 f10d6b02 7113936a 5c55b648 a194ae58 7b0088d5 2204b702 c979fa28 0870d2ed 41efa9c5 49fd1119
    8af1670b 143d384b d275c5f5 94cf266b 05ebadca 855e4249 520a441a 81157435 a7a56cc4
  `),
  child: fromHex(`
    8059e3ee 8810e6c3 a91bc8bc d2a7a411 51b8d0e6 ae239c7b 38093ad8 5ef4c581 1a8e7b5d 1cdabd95 60b2d5e0 92d1f24e
    2d4b85ec cdf0ad0d c9abd94b 51ee7181 4ca6dbc8 bb51b630 9f5b9545 c7eb35cf 5580b1e5 21a8fe20 754a2d88 3ba0c2cf
    285f524a ea6545b3 3106bc03 e614296d 319d41d4 b50b3f51 0b1c0a22 f3e66499 4d234cb4
  `),
  childWithDh: fromHex(`
    bb43244c 1860ad65 ee1e211f fe8bb366 1750c8f8 9cb9f547 df7f4fa6 1d373016 28190e38 c66232ea b4b3ab14 c400a519
    7dd3730e d4820a8a 10394d51 e1c04000 52f63ebd 36b0e7ef 53aaed31 eba4a508 0d7d4b56 66023a8b bb5ffb78 57240f9a
    05884d1b 7d2f9337 08450b7b 3288f1fc 863ab49f a901227c ffc06e27 899c7054 d56fd74c
  `),
  rekeyed: fromHex('63e81194 946ebd05 df7df5eb f5d87500 56bf1f1d'),
};

describe('from SK_d on (hmac-sha1, libreswan)', () => {
  const { nonceI, nonceR, newGir } = libreswan;
  const keys = ikeKeys(exchange(libreswan, cbc256sha512));
  const child = { prf: prf('hmac-sha1'), keyLengths: cbc256sha512, skD: keys.skD, nonceI, nonceR };
  const keymat = ({ initiator, responder }: { initiator: SaKeys; responder: SaKeys }): Uint8Array =>
    concat(initiator.encryption, initiator.integrity, responder.encryption, responder.integrity).subarray(0, libreswan.child.length);

  test('the keys of the IKE SA', () => {
    expect(skeySeed(exchange(libreswan, cbc256sha512))).toEqual(libreswan.skeySeed);
    expect(inOrder(keys).subarray(0, libreswan.keys.length)).toEqual(libreswan.keys);
  });

  test('a child SA takes the initiator’s keys first, encryption before integrity (RFC 7296 §2.17)', () => {
    expect(keymat(childKeys(child))).toEqual(libreswan.child);
  });

  test('a child SA with a Diffie-Hellman of its own', () => {
    expect(keymat(childKeys({ ...child, sharedSecret: newGir }))).toEqual(libreswan.childWithDh);
  });

  test('a rekeyed IKE SA starts from the old SK_d (RFC 7296 §2.18), and goes on with the PRF of the new one', () => {
    const old = { prf: prf('hmac-sha1'), skD: keys.skD };
    expect(rekeyedSkeySeed(old, { ...exchange(libreswan, gcm128), sharedSecret: newGir })).toEqual(libreswan.rekeyed);
    const fresh = { ...exchange(libreswan, gcm128), prf: prf('hmac-sha2-256'), sharedSecret: newGir };
    const seed = concat(nonceI, nonceR, libreswan.spiI, libreswan.spiR);
    expect(inOrder(rekeyedIkeKeys(old, fresh))).toEqual(prfPlus(prf('hmac-sha2-256'), libreswan.rekeyed, seed, 3 * 32 + 2 * 20));
  });
});

test('each key has the length that PRF and suite ask for, and memory of its own', () => {
  const keys = ikeKeys(exchange(cavp[0]!, cipherSuite('aes-cbc', 128, 'hmac-sha1-96')));
  expect(Object.values(keys).map((key: Uint8Array) => key.length)).toEqual([32, 20, 20, 16, 16, 32, 32]);
  expect(new Set(Object.values(keys).map((key: Uint8Array) => key.buffer)).size).toBe(7);
});
