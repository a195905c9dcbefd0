import { expect, test } from 'vitest';
import { fromHex } from '../../src/core/bytes.ts';
import { prf, prfById, prfPlus } from '../../src/crypto/prf.ts';
import { prfIds } from '../../src/crypto/transforms.ts';
import type { PrfName } from '../../src/crypto/transforms.ts';

const vectors: readonly { name: string; prf: PrfName; key: Uint8Array; data: Uint8Array; expected: Uint8Array }[] = [
  {
    name: 'RFC 2202 §3, test case 1',
    prf: 'hmac-sha1',
    key: fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b'),
    data: fromHex('48692054 68657265'),
    expected: fromHex('b6173186 55057264 e28bc0b6 fb378c8e f146be00'),
  },
  {
    name: 'RFC 2202 §3, test case 2',
    prf: 'hmac-sha1',
    key: fromHex('4a656665'),
    data: fromHex('77686174 20646f20 79612077 616e7420 666f7220 6e6f7468 696e673f'),
    expected: fromHex('effcdf6a e5eb2fa2 d27416d5 f184df9c 259a7c79'),
  },
  {
    name: 'RFC 2202 §3, test case 6',
    prf: 'hmac-sha1',
    key: fromHex(`
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
    `),
    data: fromHex(`
      54657374 20557369 6e67204c 61726765 72205468 616e2042 6c6f636b 2d53697a 65204b65 79202d20 48617368 204b6579
      20466972 7374
    `),
    expected: fromHex('aa4ae5e1 5272d00e 95705637 ce8a3b55 ed402112'),
  },
  {
    name: 'RFC 4231 §4.2',
    prf: 'hmac-sha2-256',
    key: fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b'),
    data: fromHex('48692054 68657265'),
    expected: fromHex('b0344c61 d8db3853 5ca8afce af0bf12b 881dc200 c9833da7 26e9376c 2e32cff7'),
  },
  {
    name: 'RFC 4231 §4.4',
    prf: 'hmac-sha2-256',
    key: fromHex('aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa'),
    data: fromHex(`
      dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd
      dddd
    `),
    expected: fromHex('773ea91e 36800e46 854db8eb d09181a7 2959098b 3ef8c122 d9635514 ced565fe'),
  },
  {
    name: 'RFC 4231 §4.7, a key longer than the block',
    prf: 'hmac-sha2-256',
    key: fromHex(`
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaa
    `),
    data: fromHex(`
      54657374 20557369 6e67204c 61726765 72205468 616e2042 6c6f636b 2d53697a 65204b65 79202d20 48617368 204b6579
      20466972 7374
    `),
    expected: fromHex('60e43159 1ee0b67f 0d8a26aa cbf5b77f 8e0bc621 3728c514 0546040f 0ee37f54'),
  },
  {
    name: 'RFC 4231 §4.2',
    prf: 'hmac-sha2-384',
    key: fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b'),
    data: fromHex('48692054 68657265'),
    expected: fromHex('afd03944 d8489562 6b0825f4 ab46907f 15f9dadb e4101ec6 82aa034c 7cebc59c faea9ea9 076ede7f 4af152e8 b2fa9cb6'),
  },
  {
    name: 'RFC 4231 §4.4',
    prf: 'hmac-sha2-384',
    key: fromHex('aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa'),
    data: fromHex(`
      dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd
      dddd
    `),
    expected: fromHex('88062608 d3e6ad8a 0aa2ace0 14c8a86f 0aa635d9 47ac9feb e83ef4e5 5966144b 2a5ab39d c13814b9 4e3ab6e1 01a34f27'),
  },
  {
    name: 'RFC 4231 §4.7, a key longer than the block',
    prf: 'hmac-sha2-384',
    key: fromHex(`
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaa
    `),
    data: fromHex(`
      54657374 20557369 6e67204c 61726765 72205468 616e2042 6c6f636b 2d53697a 65204b65 79202d20 48617368 204b6579
      20466972 7374
    `),
    expected: fromHex('4ece0844 85813e90 88d2c63a 041bc5b4 4f9ef101 2a2b588f 3cd11f05 033ac4c6 0c2ef6ab 4030fe82 96248df1 63f44952'),
  },
  {
    name: 'RFC 4231 §4.2',
    prf: 'hmac-sha2-512',
    key: fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b'),
    data: fromHex('48692054 68657265'),
    expected: fromHex(`
      87aa7cde a5ef619d 4ff0b424 1a1d6cb0 2379f4e2 ce4ec278 7ad0b305 45e17cde daa833b7 d6b8a702 038b274e aea3f4e4
      be9d914e eb61f170 2e696c20 3a126854
    `),
  },
  {
    name: 'RFC 4231 §4.4',
    prf: 'hmac-sha2-512',
    key: fromHex('aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa'),
    data: fromHex(`
      dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd dddddddd
      dddd
    `),
    expected: fromHex(`
      fa73b008 9d56a284 efb0f075 6c890be9 b1b5dbdd 8ee81a36 55f83e33 b2279d39 bf3e8482 79a722c8 06b485a4 7e67c807
      b946a337 bee89426 74278859 e13292fb
    `),
  },
  {
    name: 'RFC 4231 §4.7, a key longer than the block',
    prf: 'hmac-sha2-512',
    key: fromHex(`
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa
      aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa aaaaaa
    `),
    data: fromHex(`
      54657374 20557369 6e67204c 61726765 72205468 616e2042 6c6f636b 2d53697a 65204b65 79202d20 48617368 204b6579
      20466972 7374
    `),
    expected: fromHex(`
      80b24263 c7c1a3eb b71493c1 dd7be8b4 9b46d1f4 1b4aeec1 121b0137 83f8f352 6b56d037 e05f2598 bd0fd221 5d6a1e52
      95e64f73 f63f0aec 8b915a98 5d786598
    `),
  },
  {
    name: 'RFC 2202 §2, case 1',
    prf: 'hmac-md5',
    key: fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b'),
    data: fromHex('48692054 68657265'),
    expected: fromHex('9294727a 3638bb1c 13f48ef8 158bfc9d'),
  },
  {
    name: 'RFC 2202 §2, case 2',
    prf: 'hmac-md5',
    key: fromHex('4a656665'),
    data: fromHex('77686174 20646f20 79612077 616e7420 666f7220 6e6f7468 696e673f'),
    expected: fromHex('750c783e 6ab0b503 eaa86e31 0a5db738'),
  },
];

test.each(vectors)('$prf computes what the RFC says: $name', ({ prf: name, key, data, expected }) => {
  expect(prf(name).compute(key, data)).toEqual(expected);
  expect(prf(name)).toHaveLength(expected.length);
});

test('data in parts is the data in one piece', () => {
  const { key, data, expected } = vectors[1]!;
  expect(prf('hmac-sha1').compute(key, data.subarray(0, 5), new Uint8Array(0), data.subarray(5))).toEqual(expected);
});

test.each(Object.entries(prfIds))('%s is found by its transform ID', (name, id) => {
  expect(prfById(id)).toMatchObject({ name, id });
});

test('a PRF we have not (AES128_XCBC) is not found', () => {
  expect(prfById(4)).toBeUndefined();
});

// strongSwan's vector for PRF_HMAC_SHA2_256 over RFC 4231's key and data; those of NIST's CAVP are in ike-keys.test.ts.
test('prf+ chains its blocks, counts them from 1, and cuts the last one', () => {
  const key = fromHex('0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b 0b0b0b0b');
  const expected = fromHex(`
    b9bdc089 88b4c2b7 5aa93e59 6ac84205 fa2ddde1 bf7a2572 067b00e1 4b237732 83050998 1ad2f94a 8c32a47d aa2255b6
    60c43634 7ae756a6 edc02347 7d809590 e682f61d 9c04b06b 4ad971a3 4c8147fa 66792ff1 434b93c7 22b32e12 f48832eb
    c15ce236 9ce71fe9 b7b81e57 04c14d0f 5280a6ec 626e992d 7a9f
  `);
  expect(prfPlus(prf('hmac-sha2-256'), key, fromHex('48692054 68657265'), 122)).toEqual(expected);
});

test('prf+ ends where its counter does (RFC 7296 §2.13)', () => {
  const sha1 = prf('hmac-sha1');
  expect(prfPlus(sha1, new Uint8Array(20), new Uint8Array(1), 255 * 20)).toHaveLength(5100);
  expect(() => prfPlus(sha1, new Uint8Array(20), new Uint8Array(1), 255 * 20 + 1)).toThrow(RangeError);
});
