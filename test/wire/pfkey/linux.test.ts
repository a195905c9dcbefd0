/**
 * The octets were printed by a C program that fills in the structs of linux/pfkeyv2.h (Linux 6.1 headers) and netinet/in.h on x86-64, one line
 * for the header and one for each extension.
 */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { fromHex, toHex } from '../../../src/core/bytes.ts';
import { describePfkey } from '../../../src/wire/pfkey/describe.ts';
import { decodePfkey, encodePfkey } from '../../../src/wire/pfkey/linux.ts';
import type { PfkeyAddress, PfkeyMessage } from '../../../src/wire/pfkey/message.ts';

const host = (address: string, port = 0): PfkeyAddress => ({ protocol: 0, prefixLength: address.includes(':') ? 128 : 32, address: ip(address), port });
const net = (address: string, prefixLength: number, port = 0, protocol = 0): PfkeyAddress => ({ protocol, prefixLength, address: ip(address), port });
const counting = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);

interface Vector {
  readonly what: string;
  readonly message: PfkeyMessage;
  readonly line: string;
  readonly octets: string;
}

const vectors: readonly Vector[] = [
  {
    what: 'GETSPI with a range and a reqid',
    message: {
      type: 'SADB_GETSPI', saType: 3, errno: 0, sequence: 7, pid: 4242,
      source: host('203.0.113.1'), destination: host('192.168.1.2'),
      spiRange: { min: 0x100, max: 0x0fffffff }, sa2: { mode: 2, sequence: 0, reqid: 0x01020304 },
    },
    line: 'SADB_GETSPI esp spi 0x00000100-0x0fffffff 203.0.113.1 > 192.168.1.2 reqid 16909060',
    octets: `
      02010003 0c000000 07000000 92100000
      03000500 ff200000 02000000 cb007101 00000000 00000000
      03000600 ff200000 02000000 c0a80102 00000000 00000000
      02001000 00010000 ffffff0f 00000000
      02001300 02000000 00000000 04030201`,
  },
  {
    what: 'ADD of an AES-GCM SA in UDP',
    message: {
      type: 'SADB_ADD', saType: 3, errno: 0, sequence: 0x01020304, pid: 4242,
      sa: { spi: 0xc1a2b3d4, replay: 8, state: 1, auth: 0, encrypt: 20, flags: 1 },
      lifetimeHard: { allocations: 1_000_000, bytes: 0x0102030405060708n, addtime: 3600n, usetime: 0n },
      lifetimeSoft: { allocations: 900_000, bytes: 0n, addtime: 3240n, usetime: 0n },
      source: host('192.168.1.2'), destination: host('203.0.113.1'),
      encryptionKey: counting(0x10, 20), sa2: { mode: 2, sequence: 0, reqid: 16385 },
      nattType: 2, nattSourcePort: 4500, nattDestinationPort: 61234,
    },
    line: 'SADB_ADD esp spi 0xc1a2b3d4 192.168.1.2[4500] > 203.0.113.1[61234] udp-encap aes-gcm reqid 16385',
    octets: `
      02030003 1b000000 04030201 92100000
      02000100 c1a2b3d4 08010014 01000000
      04000300 40420f00 08070605 04030201 100e0000 00000000 00000000 00000000
      04000400 a0bb0d00 00000000 00000000 a80c0000 00000000 00000000 00000000
      03000500 ff200000 02000000 c0a80102 00000000 00000000
      03000600 ff200000 02000000 cb007101 00000000 00000000
      04000900 a0000000 10111213 14151617 18191a1b 1c1d1e1f 20212223 00000000
      02001300 02000000 00000000 01400000
      01001400 02000000
      01001500 11940000
      01001600 ef320000`,
  },
  {
    what: 'ADD over IPv6 with two keys and an original address',
    message: {
      type: 'SADB_ADD', saType: 3, errno: 0, sequence: 1, pid: 4242,
      sa: { spi: 0x100, replay: 4, state: 1, auth: 5, encrypt: 12, flags: 0 },
      source: host('2001:db8::1'), destination: host('2001:db8::2'),
      authKey: counting(0x40, 32), encryptionKey: counting(0x80, 16),
      sa2: { mode: 1, sequence: 0, reqid: 1 }, nattOriginalAddress: host('10.0.0.5'),
    },
    line: 'SADB_ADD esp spi 0x00000100 2001:db8::1 > 2001:db8::2 aes-cbc hmac-sha2-256 reqid 1',
    octets: `
      02030003 1b000000 01000000 92100000
      02000100 00000100 0401050c 00000000
      05000500 ff800000 0a000000 00000000 20010db8 00000000 00000000 00000001 00000000 00000000
      05000600 ff800000 0a000000 00000000 20010db8 00000000 00000000 00000002 00000000 00000000
      05000800 00010000 40414243 44454647 48494a4b 4c4d4e4f 50515253 54555657 58595a5b 5c5d5e5f
      03000900 80000000 80818283 84858687 88898a8b 8c8d8e8f
      02001300 01000000 00000000 01000000
      03001700 ff200000 02000000 0a000005 00000000 00000000`,
  },
  {
    what: 'a policy for a protocol and a port, through a tunnel and a transport SA',
    message: {
      type: 'SADB_X_SPDADD', saType: 0, errno: 0, sequence: 3, pid: 4242,
      source: net('10.1.0.0', 24, 1701, 17), destination: net('10.2.0.0', 16, 0, 17),
      policy: {
        type: 2, direction: 2, id: 0x11, priority: 0x7fffffff,
        requests: [
          { protocol: 50, mode: 2, level: 3, reqid: 16385, tunnel: { source: ip('192.168.1.2'), destination: ip('203.0.113.1') } },
          { protocol: 50, mode: 1, level: 2, reqid: 7 },
        ],
      },
    },
    line: 'SADB_X_SPDADD out 10.1.0.0/24[1701] > 10.2.0.0/16 udp ipsec esp tunnel 192.168.1.2 > 203.0.113.1 esp transport',
    octets: `
      020e0000 12000000 03000000 92100000
      03000500 11180000 020006a5 0a010000 00000000 00000000
      03000600 11100000 02000000 0a020000 00000000 00000000
      0a001200 02000200 11000000 ffffff7f 30003200 02030000 01400000 00000000 02000000 c0a80102 00000000 00000000
                                          02000000 cb007101 00000000 00000000 10003200 01020000 07000000 00000000`,
  },
  {
    what: 'a policy through an IPv6 tunnel',
    message: {
      type: 'SADB_X_SPDADD', saType: 0, errno: 0, sequence: 4, pid: 4242,
      source: net('2001:db8:1::', 64), destination: net('2001:db8:2::', 64),
      policy: {
        type: 2, direction: 1, id: 0, priority: 1,
        requests: [{ protocol: 50, mode: 2, level: 3, reqid: 2, tunnel: { source: ip('2001:db8::1'), destination: ip('2001:db8::2') } }],
      },
    },
    line: 'SADB_X_SPDADD in 2001:db8:1::/64 > 2001:db8:2::/64 ipsec esp tunnel 2001:db8::1 > 2001:db8::2',
    octets: `
      020e0000 17000000 04000000 92100000
      05000500 ff400000 0a000000 00000000 20010db8 00010000 00000000 00000000 00000000 00000000
      05000600 ff400000 0a000000 00000000 20010db8 00020000 00000000 00000000 00000000 00000000
      0b001200 02000100 00000000 01000000 48003200 02030000 02000000 00000000 0a000000 00000000 20010db8 00000000 00000000 00000001 00000000
                                                                              0a000000 00000000 20010db8 00000000 00000000 00000002 00000000`,
  },
  {
    what: 'what REGISTER is answered',
    message: {
      type: 'SADB_REGISTER', saType: 3, errno: 0, sequence: 9, pid: 4242,
      supportedAuth: [{ id: 3, ivLength: 0, minBits: 160, maxBits: 160 }, { id: 5, ivLength: 0, minBits: 256, maxBits: 256 }],
      supportedEncryption: [{ id: 12, ivLength: 16, minBits: 128, maxBits: 256 }, { id: 20, ivLength: 8, minBits: 160, maxBits: 288 }],
    },
    line: 'SADB_REGISTER esp',
    octets: `
      02070003 08000000 09000000 92100000
      03000e00 00000000 0300a000 a0000000 05000001 00010000
      03000f00 00000000 0c108000 00010000 1408a000 20010000`,
  },
  {
    what: 'EXPIRE at the soft limit',
    message: {
      type: 'SADB_EXPIRE', saType: 3, errno: 0, sequence: 0, pid: 0,
      sa: { spi: 0xc1a2b3d4, replay: 8, state: 2, auth: 0, encrypt: 20, flags: 0 },
      lifetimeCurrent: { allocations: 42, bytes: 4200n, addtime: 1_700_000_000n, usetime: 1_700_000_100n },
      lifetimeSoft: { allocations: 900_000, bytes: 0n, addtime: 3240n, usetime: 0n },
      source: host('192.168.1.2'), destination: host('203.0.113.1'), sa2: { mode: 2, sequence: 0, reqid: 16385 },
    },
    line: 'SADB_EXPIRE esp spi 0xc1a2b3d4 192.168.1.2 > 203.0.113.1 aes-gcm soft reqid 16385',
    octets: `
      02080003 14000000 00000000 00000000
      02000100 c1a2b3d4 08020014 00000000
      04000200 2a000000 68100000 00000000 00f15365 00000000 64f15365 00000000
      04000400 a0bb0d00 00000000 00000000 a80c0000 00000000 00000000 00000000
      03000500 ff200000 02000000 c0a80102 00000000 00000000
      03000600 ff200000 02000000 cb007101 00000000 00000000
      02001300 02000000 00000000 01400000`,
  },
  {
    what: 'NAT_T_NEW_MAPPING',
    message: {
      type: 'SADB_X_NAT_T_NEW_MAPPING', saType: 3, errno: 0, sequence: 5, pid: 0,
      sa: { spi: 0xc1a2b3d4, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 },
      source: host('198.51.100.7', 4500), destination: host('198.51.100.7', 61235), nattSourcePort: 61234, nattDestinationPort: 61235,
    },
    line: 'SADB_X_NAT_T_NEW_MAPPING esp spi 0xc1a2b3d4 198.51.100.7[61234] > 198.51.100.7[61235]',
    octets: `
      02170003 0c000000 05000000 00000000
      02000100 c1a2b3d4 00010000 00000000
      03000500 ff200000 02001194 c6336407 00000000 00000000
      03000600 ff200000 0200ef33 c6336407 00000000 00000000
      01001500 ef320000
      01001600 ef330000`,
  },
  {
    what: 'DELETE of an SA that is not there',
    message: {
      type: 'SADB_DELETE', saType: 3, errno: 3, sequence: 6, pid: 4242,
      sa: { spi: 0xdeadbeef, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 }, source: host('192.168.1.2'), destination: host('203.0.113.1'),
    },
    line: 'SADB_DELETE esp spi 0xdeadbeef 192.168.1.2 > 203.0.113.1 ESRCH',
    octets: `
      02040303 0a000000 06000000 92100000
      02000100 deadbeef 00000000 00000000
      03000500 ff200000 02000000 c0a80102 00000000 00000000
      03000600 ff200000 02000000 cb007101 00000000 00000000`,
  },
  {
    what: 'FLUSH',
    message: { type: 'SADB_FLUSH', saType: 0, errno: 0, sequence: 2, pid: 4242 },
    line: 'SADB_FLUSH',
    octets: '02090000 02000000 02000000 92100000',
  },
];

describe('as the header files of Linux lay it out', () => {
  test.each(vectors)('$what is encoded', ({ message, octets }) => {
    expect(toHex(encodePfkey(message))).toBe(toHex(fromHex(octets)));
  });

  test.each(vectors)('$what is decoded', ({ message, octets }) => {
    expect(decodePfkey(fromHex(octets))).toEqual({ ok: true, value: message });
  });

  test.each(vectors)('$what is told in one line', ({ message, line }) => {
    expect(describePfkey(message)).toBe(line);
  });
});

test('protocol 255 and protocol 0 both mean any', () => {
  const zero = '02040003 05000000 01000000 00000000 03000500 00200000 02000000 c0a80102 00000000 00000000';
  expect(decodePfkey(fromHex(zero))).toMatchObject({ ok: true, value: { source: { protocol: 0 } } });
  expect(decodePfkey(fromHex(zero.replace('00200000', 'ff200000')))).toMatchObject({ ok: true, value: { source: { protocol: 0 } } });
});

test('new addresses of an SA stand in extensions 27 and 28', () => {
  const message: PfkeyMessage = {
    type: 'SADB_UPDATE', saType: 3, errno: 0, sequence: 1, pid: 1, newSource: host('192.0.2.1'), newDestination: host('198.51.100.7'),
  };
  const octets = `
      02020003 08000000 01000000 01000000
      03001b00 ff200000 02000000 c0000201 00000000 00000000
      03001c00 ff200000 02000000 c6336407 00000000 00000000`;
  expect(toHex(encodePfkey(message))).toBe(toHex(fromHex(octets)));
  expect(decodePfkey(fromHex(octets))).toEqual({ ok: true, value: message });
});

test('an extension that the lab has no use for is passed over', () => {
  const securityContext = '02001800 01010800 61626364 65666700';
  expect(decodePfkey(fromHex(`02090000 04000000 02000000 92100000 ${securityContext}`))).toMatchObject({ ok: true, value: { type: 'SADB_FLUSH' } });
});

const header = (words: string): string => `02030003 ${words}0000 01000000 92100000`;
test.each([
  ['a version that is not 2', '03090000 02000000 02000000 92100000', /version 3/],
  ['a type that nobody knows', '02630000 02000000 02000000 92100000', /type 99/],
  ['a header cut short', '0209', /cut off/],
  ['more octets than its length says', '02090000 02000000 02000000 92100000 00000000 00000000', /length is 16 octets, 24 there/],
  ['a length below that of the header', '02090000 00000000 02000000 92100000', /length is 0/],
  ['an extension of no length', `${header('0300')} 00000100 00000000`, /sa of 0 octets/],
  ['an extension longer than the message', `${header('0300')} 02000100 c1a2b3d4`, /cut off/],
  ['an extension of type 0', `${header('0300')} 01000000 00000000`, /extension 0/],
  ['an extension twice', `${header('0400')} 01001500 11940000 01001500 11940000`, /nattSourcePort is there twice/],
  ['a structure too short for its fields', `${header('0300')} 01000100 c1a2b3d4`, /sa: cut off/],
  ['a structure with words left over', `${header('0500')} 03000100 c1a2b3d4 08010014 01000000 00000000 00000000`, /sa: 8 octets left over/],
  ['an address family that nobody knows', `${header('0500')} 03000500 ff200000 11000000 c0a80102 00000000 00000000`, /address family 17/],
  ['an IPv6 address in the room of an IPv4 one', `${header('0500')} 03000500 ff200000 0a000000 c0a80102 00000000 00000000`, /source: cut off/],
  ['a prefix longer than the address', `${header('0500')} 03000500 ff210000 02000000 c0a80102 00000000 00000000`, /prefix length 33/],
  ['a key of no bits', `${header('0300')} 01000900 00000000`, /a key of 0 bits/],
  ['a key of more bits than there are', `${header('0400')} 02000900 48000000 10111213 14151617`, /encryptionKey: cut off/],
  ['a key of fewer bits than there are', `${header('0500')} 03000900 08000000 10000000 00000000 00000000 00000000`, /encryptionKey: 15 octets left over/],
  ['a policy request shorter than its structure', `${header('0600')} 04001200 02000200 00000000 00000000 08003200 02030000 00000000 00000000`, /request 1 of 8 octets/],
  ['a policy request longer than the policy', `${header('0600')} 04001200 02000200 00000000 00000000 18003200 02030000 00000000 00000000`, /policy: cut off/],
  [
    'a tunnel from an IPv4 to an IPv6 address',
    `${header('0d00')} 0b001200 02000100 00000000 01000000 48003200 02030000 02000000 00000000 02000000 c0a80102 00000000 00000000 0a000000 00000000
     20010db8 00000000 00000000 00000002 00000000 00000000 00000000 00000000`,
    /request 1: a tunnel from 192.168.1.2 to 2001:db8::2/,
  ],
  [
    'a policy request with words left over',
    `${header('0b00')} 09001200 02000200 11000000 ffffff7f 38003200 02030000 01400000 00000000 02000000 c0a80102 00000000 00000000
     02000000 cb007101 00000000 00000000 00000000 00000000`,
    /request 1: 8 octets left over/,
  ],
])('%s is refused', (_, octets, detail) => {
  expect(decodePfkey(fromHex(octets))).toMatchObject({ ok: false, reason: 'pfkey-malformed', detail: expect.stringMatching(detail) as string });
});

test.each(['nattOriginalSource', 'nattFragmentLength'] as const)('%s has no place in a message of Linux', (field) => {
  expect(() => encodePfkey({ type: 'SADB_ADD', saType: 3, errno: 0, sequence: 1, pid: 1, [field]: field === 'nattFragmentLength' ? 1200 : host('10.0.0.5') })).toThrow(RangeError);
});
