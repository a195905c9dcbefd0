import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import type { Random } from '../../src/core/random.ts';
import { dhGroup, dhGroupById } from '../../src/crypto/diffie-hellman.ts';
import type { DhGroupName } from '../../src/crypto/transforms.ts';

const groups = (['modp-1024', 'modp-1536', 'modp-2048', 'ecp-256', 'ecp-384', 'curve25519'] as const).map(dhGroup);

/** Chance that was decided before: each draw gives the next of these. */
function drawing(...draws: readonly Uint8Array[]): Random {
  const left = [...draws];
  const bytes = (length: number): Uint8Array => {
    const next = left.shift();
    if (next?.length !== length) throw new Error(`${length} octets drawn, ${next?.length ?? 'nothing'} there`);
    return next;
  };
  return { bytes, uint32: () => 0, fork: () => drawing(...left) };
}

describe.each(groups)('$name', (group) => {
  test('both sides come to the same secret', () => {
    const [a, b] = [group.generate(seeded(1)), group.generate(seeded(2))];
    expect(a.publicValue).toHaveLength(group.publicLength);
    expect(a.agree(b.publicValue)).toBeDefined();
    expect(a.agree(b.publicValue)).toEqual(b.agree(a.publicValue));
  });

  test('the same randomness gives the same pair, other randomness another', () => {
    expect(group.generate(seeded(7)).publicValue).toEqual(group.generate(seeded(7)).publicValue);
    expect(group.generate(seeded(7)).publicValue).not.toEqual(group.generate(seeded(8)).publicValue);
  });

  test('refuses a public value of any other length', () => {
    const pair = group.generate(seeded(1));
    const peer = group.generate(seeded(2)).publicValue;
    const wrongs = [peer.subarray(1), peer.subarray(0, -1), Uint8Array.of(0, ...peer), new Uint8Array(0)];
    for (const wrong of wrongs) expect(pair.agree(wrong)).toBeUndefined();
  });

  test('refuses zeros', () => {
    expect(group.generate(seeded(1)).agree(new Uint8Array(group.publicLength))).toBeUndefined();
  });

  test('never throws, whatever a peer sends', () => {
    const pair = group.generate(seeded(1));
    const length = group.publicLength;
    fc.assert(fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (peer) => void pair.agree(peer)), { numRuns: 20 });
  });

  test('is found by its transform ID', () => {
    expect(dhGroupById(group.id)).toBe(group);
  });
});

test('a group we have not is not found', () => {
  expect(dhGroupById(1)).toBeUndefined();
});

interface Vector {
  readonly name: string;
  readonly group: DhGroupName;
  readonly i: Uint8Array;
  readonly gi: Uint8Array;
  readonly r: Uint8Array;
  readonly gr: Uint8Array;
  readonly gir: Uint8Array;
}

/** i, g^i, r, g^r, g^ir. Nobody has published any for group 14, so those are Python's, with the prime by RFC 3526's formula from π. */
const vectors: readonly Vector[] = [
  {
    name: 'RFC 5903 §8.1',
    group: 'ecp-256',
    i: fromHex('c88f01f5 10d9ac3f 70a292da a2316de5 44e9aab8 afe84049 c62a9c57 862d1433'),
    gi: fromHex(`
      dad0b653 94221cf9 b051e1fe ca5787d0 98dfe637 fc90b9ef 945d0c37 72581180 5271a046 1cdb8252 d61f1c45 6fa3e59a
      b1f45b33 accf5f58 389e0577 b8990bb3
    `),
    r: fromHex('c6ef9c5d 78ae012a 011164ac b397ce20 88685d8f 06bf9be0 b283ab46 476bee53'),
    gr: fromHex(`
      d12dfb52 89c8d4f8 1208b702 70398c34 2296970a 0bccb74c 736fc755 4494bf63 56fbf3ca 366cc23e 8157854c 13c58d6a
      ac23f046 ada30f83 53e74f33 039872ab
    `),
    gir: fromHex('d6840f6b 42f6edaf d13116e0 e1256520 2fef8e9e ce7dce03 812464d0 4b9442de'),
  },
  {
    name: 'RFC 5903 §8.2',
    group: 'ecp-384',
    i: fromHex('099f3c70 34d4a2c6 99884d73 a375a67f 7624ef7c 6b3c0f16 0647b674 14dce655 e35b5380 41e649ee 3faef896 783ab194'),
    gi: fromHex(`
      667842d7 d180ac2c de6f74f3 7551f557 55c7645c 20ef73e3 1634fe72 b4c55ee6 de3ac808 acb4bdb4 c88732ae e95f41aa
      9482ed1f c0eeb9ca fc498462 5ccfc23f 65032149 e0e144ad a0241815 35a0f38e eb9fcff3 c2c947da e69b4c63 4573a81c
    `),
    r: fromHex('41cb0779 b4bdb85d 47846725 fbec3c94 30fab46c c8dc5060 855cc9bd a0aa2942 e0308312 916b8ed2 960e4bd5 5a7448fc'),
    gr: fromHex(`
      e558dbef 53eecde3 d3fccfc1 aea08a89 a987475d 12fd950d 83cfa417 32bc509d 0d1ac43a 0336def9 6fda41d0 774a3571
      dcfbec7a acf31964 72169e83 8430367f 66eebe3c 6e70c416 dd5f0c68 759dd1ff f83fa401 42209dff 5eaad96d b9e6386c
    `),
    gir: fromHex('11187331 c279962d 93d60424 3fd592cb 9d0a926f 422e4718 7521287e 7156c5c4 d6031355 69b9e9d0 9cf5d4a2 70f59746'),
  },
  {
    name: 'RFC 7748 §6.1',
    group: 'curve25519',
    i: fromHex('77076d0a 7318a57d 3c16c172 51b26645 df4c2f87 ebc0992a b177fba5 1db92c2a'),
    gi: fromHex('8520f009 8930a754 748b7ddc b43ef75a 0dbf3a0d 26381af4 eba4a98e aa9b4e6a'),
    r: fromHex('5dab087e 624a8a4b 79e17f8b 83800ee6 6f3bb129 2618b6fd 1c2f8b27 ff88e0eb'),
    gr: fromHex('de9edb7d 7b7dc1b4 d35b61c2 ece43537 3f8343c8 5b78674d adfc7e14 6f882b4f'),
    gir: fromHex('4a5d9d5b a4ce2de1 728e3bf4 80350f25 e07e21c9 47d19e33 76f09b3c 1e161742'),
  },
  {
    name: 'RFC 8031, appendix A',
    group: 'curve25519',
    i: fromHex('751fb430 8655b476 b6789b73 25f9ea8c ddd16a58 533ff6d9 e6000946 4a5f9d94'),
    gi: fromHex('48d5ddd4 061257ba 166fa3f9 bbdb74f1 a4e81c08 9384fa77 f790709f 0dfbc766'),
    r: fromHex('0a546452 53290d60 ddadd0e0 30bacd9e 5501efdc 220755a1 e978f1b8 39a05688'),
    gr: fromHex('0be7c1f5 aad87d7e 44866267 3298a443 478b8597 45179eaf 564c79c0 ef6eee25'),
    gir: fromHex('c7495060 7a12327f 3204d94b 6825bfb0 68b7f831 9a9e3708 ed3d43ce 8130c950'),
  },
  {
    name: 'pow() of Python, a public value that starts with a zero octet',
    group: 'modp-2048',
    i: fromHex('7d53f1b5 474cb7a5 158f5735 cba836e9 ffe66d5b 820e871f 4fd31e04 6ae5ed7e 539357c8 14b70a5b'),
    gi: fromHex(`
      dafbb72e 52bdae0a cbb7193a 0517d009 b4f3356c aedfe379 e3552d89 41f66f6f a621e881 120d460c 8235fcb5 eefb6cf2
      b233a550 00aae84a fedbaa0d 2bf852a4 3710aa29 691005bb afd90860 cae3f655 7471057e 7e15c48c 86ee3510 cb503a42
      0a8874eb 9ada72a3 fd8e5ed6 a8aa3bdb dd56f8df 7735fb09 abb513e4 bf33ba45 f62614e2 ee314644 f9754cce 0b1dae69
      77298bbb 6a3a136e 881eb0b2 319e5d90 3856e7d2 e3da3a81 3c83c77e 243c3cab a287ba12 9a5cf6f1 6c924961 e69d1225
      5185faf3 123e2364 697aff46 6da6a1d2 137ea0ef 386dd565 7e10a7e2 7dfdf925 1504e455 12d4127c ed8c1059 3f9a85e8
      616ee898 f5d0a9fe 5c0a7e16 01cfd8dc
    `),
    r: fromHex('1bb5c0d2 a3026b48 fa64d672 d17948a7 3adbe149 995964b1 eaec1ac6 0bc4e7b6 33531186 c324ca01'),
    gr: fromHex(`
      0090b4c2 9bb2368a b53e0982 b5c0ca9c ce79a8b1 e066ae89 baa7d922 d044df40 d2c0d3ef 992d4ac3 627bced0 41376a3a
      a62c0f3f 25cbbb25 68d5f824 c40f9fa9 c944bf06 d4fc7e33 a45c7dc4 3cf8482d bdfab615 2bb70260 2af1b019 47b13168
      9cf38538 127bfc32 6258b819 9eddff96 b9270a83 cd5c44f8 10ccbccd 57b886c5 16c6da37 49fa6146 00a8bc99 10aad880
      342c876b 2fc99fe1 0eb01897 6f93f241 dc5aed05 c20e4e56 72e8c9d0 33b4ff92 d2844e47 a54d9852 38303958 efe033cc
      430a1bde 3a1da47a 02969dc2 f16c7517 139c2362 37cd9a70 31a30d58 4df7ed62 689ebe10 86d3758f beedff9e 64319e9c
      1e5aa6a3 bfb16d5a cbc7df54 36a52c78
    `),
    gir: fromHex(`
      38ac4102 7c9afad6 55e14df2 8e863d52 0b6cc931 5dda7267 f297ba2d cb5e25cc 45528e11 182f1b25 860317b1 0461b3d6
      0afbeb81 52dd5808 435f9627 a9af9e0a 94ea386d 18469397 6921fdc4 0f2e3d9a e8b39bd9 d10167ff 1a939025 80cd49c6
      32ffe5de 4fe1dbc3 24c68d07 3f037e7d fcbb0cfd 74ff6fcd b5d2e2fa 6600146d d77fbdf2 4db565ff 9806e3b2 ca6e3a85
      edc5fbb5 93feec65 57d21aaf 3e4ecfc7 828a88ef 3b6d3088 1f0cab25 aa56d666 0cdea85f 54734738 80095025 1f0ea732
      54dc7b90 8c8c9bde 08e7e190 258d56f4 9debb3e7 b8b2c684 75edeb68 053515a6 6aa9fdb1 f56fafea f36d0ae6 03a1eef7
      629bbac8 85b24e03 f23ec075 a8428953
    `),
  },
  {
    name: 'pow() of Python, a secret that starts with a zero octet',
    group: 'modp-2048',
    i: fromHex('85a8fd98 7a40431e b42ea0ec d9c5b734 40203a56 c8db1b03 70c13326 121af5b1 bab074d6 f12a1b43'),
    gi: fromHex(`
      b5519ce1 b7c5c57b a79bf0b6 161ceb2c cf78cdef 9d0ef3bf 0aa00c27 20e9e9f5 805da6d5 106375d1 e1d2a07a 65917f33
      0c3afab5 c21e992e 669ac667 832318f1 30651ff7 e7641da6 9421269e 4013da5a c2c184ad 9674bfdc c76cc98a 0cb651b8
      b1dbb0aa 1b05acb3 a0e7b09c b634e6f9 954d58e2 428e746a 5fe2e093 35b3c6a4 c2bcf768 fb35023d f056ebaf 5bf73532
      b99f064d 088e5079 30004b1e 8a2b679d d35b0a2a 1f141015 8b588450 926d2326 7d83d4e7 5194a3cf c981b329 eba64ea0
      6ff1c5e6 662c14db 698c5e36 07a21fa9 b14f655a 4093ed57 2cd8659a 025a7a4c dc0f4269 3dbe74c6 360b1648 0d099e32
      f708df08 5d645611 ca1e6f8f 497f2f29
    `),
    r: fromHex('1bb5c0d2 a3026b48 fa64d672 d17948a7 3adbe149 995964b1 eaec1ac6 0bc4e7b6 33531186 c324ca01'),
    gr: fromHex(`
      0090b4c2 9bb2368a b53e0982 b5c0ca9c ce79a8b1 e066ae89 baa7d922 d044df40 d2c0d3ef 992d4ac3 627bced0 41376a3a
      a62c0f3f 25cbbb25 68d5f824 c40f9fa9 c944bf06 d4fc7e33 a45c7dc4 3cf8482d bdfab615 2bb70260 2af1b019 47b13168
      9cf38538 127bfc32 6258b819 9eddff96 b9270a83 cd5c44f8 10ccbccd 57b886c5 16c6da37 49fa6146 00a8bc99 10aad880
      342c876b 2fc99fe1 0eb01897 6f93f241 dc5aed05 c20e4e56 72e8c9d0 33b4ff92 d2844e47 a54d9852 38303958 efe033cc
      430a1bde 3a1da47a 02969dc2 f16c7517 139c2362 37cd9a70 31a30d58 4df7ed62 689ebe10 86d3758f beedff9e 64319e9c
      1e5aa6a3 bfb16d5a cbc7df54 36a52c78
    `),
    gir: fromHex(`
      001ee5f5 93c41d9c 7ab52bbd 915347df 6066da8c 1201524e 1fb7538f 30695af6 8f09e434 7c2f9c3e 962bc0cd 754b2ee4
      c6ed528d 37f8ac18 51907afb 0f13a337 ed0e832a 6a948e41 3ad3da0d 2f7aae0d 9298c13a cf07e343 9c867d0f 2d36f115
      cdc83023 1afa8b5a 0aecf6f0 5fbff3c4 9a69fd86 fcc49be5 2fad642a 9988e203 58eff219 17aae852 74af81cd 2f8b822a
      1ba89fc1 f6a10494 ead7ff62 a9434da6 a3ad38f4 3c99dec7 fe124de3 76f04ee1 feb942f4 416028f8 10eb2d98 9858e1f0
      368c1522 601e0e2a f41c7217 b448c1fb 77253fd7 2294d05b c239af9c 99f487f1 c2edadcd 0b0c3e4c 158b4fc3 b7449705
      645a0889 d8aa26f4 a99d7db4 2cc468a4
    `),
  },
  {
    name: 'pow() of Python, the prime by the formula of RFC 2409 §6.2, a public value that starts with a zero octet',
    group: 'modp-1024',
    i: fromHex('54dec3bf 95a47a12 6a895c3f 9f91f6dd 0d603440 25cde9c9 6143a2a4 7efb'),
    gi: fromHex(`
      6d02712a 9b4a5238 f8e7de9e a9cd94f1 d7a09c33 1f62688e 804af35a f167ceea 66377110 09d9cde8 5da612f0 03f4dd35
      1da8cd9e 3d1f2f7d bb13e131 781f4917 73304b00 6547efc7 755e0ac3 637ee515 a9c4a2e6 79ba2382 f7371692 ac0cf3fd
      478d3155 d4c61f12 beb0b708 68dd905f 807c7050 ab0f55cf e6aa01b0 4abece00
    `),
    r: fromHex('363f0f69 eb2169b8 33b4b30f 0a4aa6cd 0f2e712e db6ea48e 095c1816 919a'),
    gr: fromHex(`
      008aae47 f53b003e 317d8a5b b4144ef7 2436eb2c 4d7ee789 949af0cd e5059df6 60da3cf2 b1658a34 c2554f17 73515337
      c95a7e88 bab1c659 0d936182 f4df661e fa9af2ad 6bf1aef4 c9536d8c e34f554b 6c46f7c7 55671153 ccb478c5 d0f0483a
      95c1c4a0 276a57b3 7d62af13 3dd59999 cc72c25b ec224097 02269550 b343701a
    `),
    gir: fromHex(`
      48ffaa1c 84187ee6 ef907060 de5f7199 5eb82b93 80e9c4ad fc68c93c dc422534 88bef3ef 163a0721 62f99337 21f9674f
      17173d64 085436a4 f7c1a218 7dc62766 625164a4 2c563803 622742d0 7c87b7e7 1d897560 781acba8 658b62cc f219b2b6
      8a19de62 2fbff61d aae09d80 d1c2c7fc 5c413dba cb6448ba 275778d0 2fc4fca6
    `),
  },
  {
    name: 'pow() of Python, the prime by the formula of RFC 3526 §2, a public value that starts with a zero octet',
    group: 'modp-1536',
    i: fromHex('7f6c57f5 b15b0fc2 7103ecce 33f5de26 4fd70341 d4e11a6e 62939f0d f3d8'),
    gi: fromHex(`
      17300c12 136bdebf bab5f21b 561ff910 67d1c8bd 61375a17 677831b4 6afba87f 2c2a77de 2aeee498 3e126fa4 464ea5f8
      6177dd33 5ffa2105 d1a9e63f 09ed6ddd 66ab3aab 582b91a0 2fba3fe4 1c3655a5 3e8af733 e9010cca 5f7086f6 2ef12455
      354cbe3b af55b299 dcb62d7c d31ee732 dcaf28db a711f800 efd29c4a 9d44ea43 9aa21ae4 0a4abf36 34ced9e6 63a0ca30
      b1dac583 37350860 efea075a b73259ba fdfea98c 4a4334eb 53e93893 5f990f5e 0e2636f7 de423dfd 82443f27 e630a31e
    `),
    r: fromHex('011a0e1c 6639857f 99c07c1f 399ea72d 4cc1215a 42a02423 5ddf2617 91d8'),
    gr: fromHex(`
      001295fc 07dffe07 baaebb90 e3a6fce8 9a28bc77 08bb86c8 47a03033 3c195067 a9ed69ab 76871008 38f921a2 865820fd
      801baa8d ae5e63e5 3ff20a80 05fef6c2 0bbc7505 ec51ef4b 9bdaf6df 545fb995 c97b1d28 c5a9c2a9 688945dd e07994aa
      25ae7842 836eddc0 ecc423e8 e309167b b8b3167e a982b53e c3dfa1cb d795208a d70f803a 5b0c34c7 db225166 b811ef63
      7c652026 3d469f14 2986f848 23fc00db 85583e35 063712fc 3c8ddccb de820d19 549d600b 3b47aab6 d27f767f c97d08bd
    `),
    gir: fromHex(`
      527f185d 6ff6ed3d 4adf5914 41c4cf25 d67c22df 33b5b2bc 1642968e 0d322c14 078d3fcf 012cda00 3cb5c620 e695c21f
      2b4a17f3 2dd4d1ff eb576cd6 892773fd d44732a9 5e866a72 7b3d00fb 44521f40 9277d1ba 34fc3bbe 94a2eda2 2f045951
      d296b2a3 5c9d5615 250ec686 dd59e766 94f22a93 a425c041 1744cb11 68b5732e 5c52ce11 120c4869 5658a355 42e2068f
      a3f97f16 3bca6de1 47f07fcb 0e0558f6 6b6183a9 470e38ed f4660e6e 47bcf800 95245fd0 e4982389 d6a9f71b aefb2497
    `),
  },
];

test.each(vectors)('$group agrees with $name', ({ group, i, gi, r, gr, gir }) => {
  const initiator = dhGroup(group).generate(drawing(i));
  const responder = dhGroup(group).generate(drawing(r));
  expect(initiator.publicValue).toEqual(gi);
  expect(responder.publicValue).toEqual(gr);
  expect(initiator.agree(gr)).toEqual(gir);
  expect(responder.agree(gi)).toEqual(gir);
});

test('a private key out of range is drawn again', () => {
  const { i, gi } = vectors[0]!;
  const order = fromHex('ffffffff 00000000 ffffffff ffffffff bce6faad a7179e84 f3b9cac2 fc632551'); // RFC 5903 §3.1
  expect(dhGroup('ecp-256').generate(drawing(new Uint8Array(32), order, new Uint8Array(32).fill(255), i)).publicValue).toEqual(gi);
  const one = new Uint8Array(40).fill(1, 39);
  expect(dhGroup('modp-2048').generate(drawing(new Uint8Array(40), one, vectors[4]!.i)).publicValue).toEqual(vectors[4]!.gi);
});

test.each(['ecp-256', 'ecp-384'] as const)('%s refuses a point that is not on the curve (RFC 6989 §2.3)', (name) => {
  const forged = dhGroup(name).generate(seeded(2)).publicValue.slice();
  forged[forged.length - 1]! ^= 1;
  expect(dhGroup(name).generate(seeded(1)).agree(forged)).toBeUndefined();
});

test('modp-2048 refuses 0, 1, p − 1, p and more (RFC 6989 §2.1)', () => {
  const group = dhGroup('modp-2048');
  const pair = group.generate(seeded(1));
  const p = fromHex(`
    ffffffff ffffffff c90fdaa2 2168c234 c4c6628b 80dc1cd1 29024e08 8a67cc74
    020bbea6 3b139b22 514a0879 8e3404dd ef9519b3 cd3a431b 302b0a6d f25f1437
    4fe1356d 6d51c245 e485b576 625e7ec6 f44c42e9 a637ed6b 0bff5cb6 f406b7ed
    ee386bfb 5a899fa5 ae9f2411 7c4b1fe6 49286651 ece45b3d c2007cb8 a163bf05
    98da4836 1c55d39a 69163fa8 fd24cf5f 83655d23 dca3ad96 1c62f356 208552bb
    9ed52907 7096966d 670c354e 4abc9804 f1746c08 ca18217c 32905e46 2e36ce3b
    e39e772c 180e8603 9b2783a2 ec07a28f b5c55df0 6f4c52c9 de2bcbf6 95581718
    3995497c ea956ae5 15d22618 98fa0510 15728e5a 8aacaa68 ffffffff ffffffff
  `); // RFC 3526 §3
  const small = (value: number): Uint8Array => new Uint8Array(256).fill(value, 255);
  const pMinusOne = Uint8Array.from(p, (octet, at) => octet - Number(at === 255));
  for (const value of [small(0), small(1), pMinusOne, p, new Uint8Array(256).fill(255)]) expect(pair.agree(value)).toBeUndefined();
  expect(pair.agree(small(4))).toBeDefined();
});

test.each([
  ['0', '0'.repeat(64)],
  ['1', `01${'0'.repeat(62)}`],
  ['of order 8', 'e0eb7a7c 3b41b8ae 1656e3fa f19fc46a da098deb 9c32b1fd 86620516 5f49b800'],
  ['p − 1', `ec${'ff'.repeat(30)}7f`],
])('curve25519 refuses a peer of small order, whose secret is all zero (RFC 7748 §6.1): %s', (_, peer) => {
  expect(dhGroup('curve25519').generate(seeded(1)).agree(fromHex(peer))).toBeUndefined();
});

test('curve25519 ignores the top bit of the peer (RFC 7748 §5)', () => {
  const pair = dhGroup('curve25519').generate(seeded(1));
  const peer = dhGroup('curve25519').generate(seeded(2)).publicValue;
  const flagged = peer.slice();
  flagged[31]! |= 0x80;
  expect(pair.agree(flagged)).toEqual(pair.agree(peer));
});
