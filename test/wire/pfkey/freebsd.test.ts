/** Octets by hand from FreeBSD's sys/net/pfkeyv2.h (the struct is named in front of each group) and its sys/netinet/in.h, sys/socket.h: AF_INET6 is 28, sockaddrs begin with their length. */
import { describe } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { freebsd } from '../../../src/wire/pfkey/freebsd.ts';
import type { PfkeyMessage } from '../../../src/wire/pfkey/message.ts';
import { counting, host, net, testLacks, testRefusals, testVectors, type Vector } from './vector.ts';

const common = { saType: 3, errno: 0, sequence: 1, pid: 4242 } as const;

const vectors: readonly Vector[] = [
  {
    what: 'ADD of an AES-GCM SA in UDP with the original addresses of both ends', // sadb_sa, _lifetime, _address, _key, _x_sa2, _x_nat_t_type, _x_nat_t_port
    message: {
      ...common, type: 'SADB_ADD',
      sa: { spi: 0xc1a2b3d4, replay: 8, state: 1, auth: 0, encrypt: 20, flags: 0x400 },
      lifetimeHard: { allocations: 1_000_000, bytes: 0x0102030405060708n, addtime: 3600n, usetime: 0n },
      source: host('203.0.113.1'), destination: host('192.168.1.2'),
      encryptionKey: counting(0x10, 20), sa2: { mode: 1, sequence: 0, reqid: 0x01020304 },
      nattType: 2, nattSourcePort: 61234, nattDestinationPort: 4500,
      nattOriginalSource: host('10.0.0.5'), nattOriginalDestination: host('203.0.113.99'), nattFragmentLength: 1200,
    },
    octets: `
      02030003 1e000000 01000000 92100000
      02000100 c1a2b3d4 08010014 00040000
      04000300 40420f00 08070605 04030201 100e0000 00000000 00000000 00000000
      03000500 ff200000 10020000 cb007101 00000000 00000000
      03000600 ff200000 10020000 c0a80102 00000000 00000000
      04000900 a0000000 10111213 14151617 18191a1b 1c1d1e1f 20212223 00000000
      02001300 01000000 00000000 04030201
      01001400 02000000
      01001500 ef320000
      01001600 11940000
      03001700 ff200000 10020000 0a000005 00000000 00000000
      03001800 ff200000 10020000 cb007163 00000000 00000000
      01001900 b0040000`,
  },
  {
    what: 'UPDATE to other addresses over IPv6', // sockaddr_in6: u8 28, u8 28
    message: {
      ...common, type: 'SADB_UPDATE',
      source: host('2001:db8::1'), destination: host('2001:db8::2'), newDestination: host('2001:db8::3'),
    },
    octets: `
      02020003 11000000 01000000 92100000
      05000500 ff800000 1c1c0000 00000000 20010db8 00000000 00000000 00000001 00000000 00000000
      05000600 ff800000 1c1c0000 00000000 20010db8 00000000 00000000 00000002 00000000 00000000
      05001c00 ff800000 1c1c0000 00000000 20010db8 00000000 00000000 00000003 00000000 00000000`,
  },
  {
    what: 'a policy through a tunnel', // sadb_x_policy, sadb_x_ipsecrequest of 8 octets: u16 len, u16 proto, u8 mode, u8 level, u16 reqid
    message: {
      ...common, type: 'SADB_X_SPDADD', saType: 0,
      source: net('10.1.0.0', 24, 1701, 17), destination: net('10.2.0.0', 16, 0, 17),
      policy: {
        type: 2, direction: 2, id: 0x11, priority: 7,
        requests: [{ protocol: 50, mode: 2, level: 3, reqid: 16385, tunnel: { source: ip('192.168.1.2'), destination: ip('203.0.113.1') } }, { protocol: 50, mode: 1, level: 2, reqid: 7 }],
      },
    },
    octets: `
      020e0000 10000000 01000000 92100000
      03000500 11180000 100206a5 0a010000 00000000 00000000
      03000600 11100000 10020000 0a020000 00000000 00000000
      08001200 02000200 11000000 07000000 28003200 02030140 10020000 c0a80102 00000000 00000000 10020000 cb007101 00000000 00000000 08003200 01020700`,
  },
  {
    what: 'the original address of the peer of an inbound SA', // OAI
    message: { ...common, type: 'SADB_ADD', destination: host('192.168.1.2'), nattOriginalAddress: host('10.0.0.5') },
    octets: `
      02030003 08000000 01000000 92100000
      03000600 ff200000 10020000 c0a80102 00000000 00000000
      03001700 ff200000 10020000 0a000005 00000000 00000000`,
    read: { ...common, type: 'SADB_ADD', destination: host('192.168.1.2'), nattOriginalSource: host('10.0.0.5') },
  },
  {
    what: 'the original address of the peer of an outbound SA', // OAR
    message: { ...common, type: 'SADB_ADD', destination: host('203.0.113.1'), nattOriginalAddress: host('10.0.0.5') },
    octets: `
      02030003 08000000 01000000 92100000
      03000600 ff200000 10020000 cb007101 00000000 00000000
      03001800 ff200000 10020000 0a000005 00000000 00000000`,
    read: { ...common, type: 'SADB_ADD', destination: host('203.0.113.1'), nattOriginalDestination: host('10.0.0.5') },
  },
  {
    what: 'an SA for which NAT traversal found nothing, like any other', // EOPNOTSUPP of the answer is 45
    message: { ...common, type: 'SADB_ADD', errno: 95, nattType: 0, destination: host('192.168.1.2') },
    octets: `
      02032d03 05000000 01000000 92100000
      03000600 ff200000 10020000 c0a80102 00000000 00000000`,
    read: { ...common, type: 'SADB_ADD', errno: 95, destination: host('192.168.1.2') },
  },
];

describe('as the header file of FreeBSD lays it out', () => testVectors(freebsd, vectors));

testRefusals(freebsd, [
  ['NAT_T_NEW_MAPPING, which Linux has,', '02170003 02000000 05000000 00000000', /type 23/],
  ['a sockaddr of a length that is not its family\'s', '02020003 05000000 01000000 92100000 03000600 ff200000 1c020000 c0a80102 00000000 00000000', /destination: sockaddr of family 2 with a length of 28/],
  ['a sockaddr as Linux has it', '02020003 05000000 01000000 92100000 03000600 ff200000 02000000 c0a80102 00000000 00000000', /address family 0/],
  ['AF_INET6 by the number of Linux', '02020003 07000000 01000000 92100000 05000600 ff800000 1c0a0000 00000000 20010db8 00000000 00000000 00000001 00000000 00000000', /address family 10/],
]);

const message = (body: Partial<PfkeyMessage>): PfkeyMessage => ({ ...common, type: 'SADB_ADD', ...body });
testLacks(freebsd, [
  ['SADB_X_NAT_T_NEW_MAPPING', message({ type: 'SADB_X_NAT_T_NEW_MAPPING' })],
  ['SA type 9', message({ saType: 9 })],
  ['a policy\'s reqid above 65535', message({ type: 'SADB_X_SPDADD', policy: { type: 2, direction: 1, id: 0, priority: 0, requests: [{ protocol: 50, mode: 2, level: 3, reqid: 0x10000 }] } })],
]);
