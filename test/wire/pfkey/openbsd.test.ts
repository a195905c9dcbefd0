/**
 * Octets by hand from OpenBSD's sys/net/pfkeyv2.h (the struct is named in front of each group) and sys/socket.h, netinet/in.h: AF_INET6 is 24, sockaddrs
 * begin with their length. Which extension means what is pfkeyv2_convert.c's, and iked's pfkey.c for flows.
 */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { openbsd } from '../../../src/wire/pfkey/openbsd.ts';
import type { PfkeyMessage } from '../../../src/wire/pfkey/message.ts';
import { counting, here, host, net, testLacks, testRefusals, testVectors, type Vector } from './vector.ts';

const common = { saType: 3, errno: 0, sequence: 1, pid: 4242 } as const;
const tunnel = { source: ip('192.168.1.2'), destination: ip('203.0.113.1') };
const flow = { ...common, source: net('10.1.0.0', 24, 1701, 17), destination: net('10.2.0.0', 16, 0, 17), policy: { type: 2, direction: 2, id: 0, priority: 0, requests: [{ protocol: 50, mode: 2, level: 3, reqid: 17, tunnel }] } };
const moved = { ...common, type: 'SADB_UPDATE' as const, sa: { spi: 0x100, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 }, source: host('192.168.1.2'), destination: host('203.0.113.1'), newDestination: host('203.0.113.7'), nattType: 2, nattSourcePort: 4500, nattDestinationPort: 61234 };

const vectors: readonly Vector[] = [
  {
    what: 'ADD of an inbound SA in UDP', // sadb_sa, _address, _key, _ident, _x_udpencap; SATYPE_ESP is 2; flags TUNNEL, UDPENCAP, ESN
    message: {
      ...common, type: 'SADB_ADD',
      sa: { spi: 0xc1a2b3d4, replay: 8, state: 1, auth: 0, encrypt: 20, flags: 0x400 },
      source: host('203.0.113.1'), destination: host('192.168.1.2'),
      encryptionKey: counting(0x10, 20), sa2: { mode: 2, sequence: 0, reqid: 17 },
      nattType: 2, nattSourcePort: 61234, nattDestinationPort: 4500,
    },
    octets: `
      02030002 17000000 01000000 92100000
      02000100 c1a2b3d4 40010014 04060000
      03000500 00000000 10020000 cb007101 00000000 00000000
      03000600 00000000 10020000 c0a80102 00000000 00000000
      04000900 a0000000 10111213 14151617 18191a1b 1c1d1e1f 20212223 00000000
      04000a00 02000000 00000000 00000000 72657169 642d3137 00000000 00000000
      04000b00 02000000 00000000 00000000 72657169 642d3137 00000000 00000000
      01001f00 ef320000`,
  },
  {
    what: 'UPDATE of an outbound SA to where the peer is now', // the new destination stands in ADDRESS_PROXY
    message: moved,
    octets: `
      02020002 0e000000 01000000 92100000
      02000100 00000100 00010000 00020000
      03000500 00000000 10020000 c0a80102 00000000 00000000
      03000600 00000000 10020000 cb007101 00000000 00000000
      03000700 00000000 10020000 cb007107 00000000 00000000
      01001f00 ef320000`,
    read: { ...moved, newSource: host('192.168.1.2') },
  },
  {
    what: 'EXPIRE, with the last use in an extension of its own', // sadb_lifetime; SADB_X_EXT_LIFETIME_LASTUSE
    message: {
      ...common, type: 'SADB_EXPIRE', pid: 0,
      sa: { spi: 0xc1a2b3d4, replay: 0, state: 2, auth: 0, encrypt: 20, flags: 0 },
      lifetimeCurrent: { allocations: 42, bytes: 4200n, addtime: 1_700_000_000n, usetime: 1_700_000_100n },
      lifetimeSoft: { allocations: 900_000, bytes: 0n, addtime: 3240n, usetime: 0n },
      source: host('192.168.1.2'), destination: host('203.0.113.1'), sa2: { mode: 2, sequence: 0, reqid: 0 },
    },
    octets: `
      02080002 16000000 01000000 00000000
      02000100 c1a2b3d4 00020014 04000000
      04000200 2a000000 68100000 00000000 00f15365 00000000 64f15365 00000000
      04000400 a0bb0d00 00000000 00000000 a80c0000 00000000 00000000 00000000
      03000500 00000000 10020000 c0a80102 00000000 00000000
      03000600 00000000 10020000 cb007101 00000000 00000000
      04002000 00000000 00000000 00000000 00000000 00000000 64f15365 00000000`,
  },
  {
    what: 'a flow for a port through a tunnel', // X_ADDFLOW; sadb_address for flows and masks, sadb_protocol twice
    message: { ...flow, type: 'SADB_X_SPDADD' },
    octets: `
      020c0002 1e000000 01000000 92100000
      03000500 00000000 10020000 c0a80102 00000000 00000000
      03000600 00000000 10020000 cb007101 00000000 00000000
      04000a00 02000000 00000000 00000000 72657169 642d3137 00000000 00000000
      04000b00 02000000 00000000 00000000 72657169 642d3137 00000000 00000000
      03001100 00000000 1002ffff ffffff00 00000000 00000000
      03001200 00000000 10020000 ffff0000 00000000 00000000
      01001300 11000000
      01001400 03020000
      03001500 00000000 100206a5 0a010000 00000000 00000000
      03001600 00000000 10020000 0a020000 00000000 00000000`,
    read: { ...flow, type: 'SADB_X_SPDUPDATE' },
  },
  {
    what: 'the end of a flow over IPv6', // X_DELFLOW; sockaddr_in6: u8 28, u8 24
    message: { ...common, type: 'SADB_X_SPDDELETE', source: net('2001:db8:1::', 64), destination: net('2001:db8:2::', 64), policy: { type: 1, direction: 1, id: 0, priority: 0, requests: [] } },
    octets: `
      020d0002 18000000 01000000 92100000
      05001100 00000000 1c180000 00000000 ffffffff ffffffff 00000000 00000000 00000000 00000000
      05001200 00000000 1c180000 00000000 ffffffff ffffffff 00000000 00000000 00000000 00000000
      01001300 00000000
      01001400 04010000
      05001500 00000000 1c180000 00000000 20010db8 00010000 00000000 00000000 00000000 00000000
      05001600 00000000 1c180000 00000000 20010db8 00020000 00000000 00000000 00000000 00000000`,
  },
  {
    what: 'what REGISTER is answered', // sadb_supported, sadb_alg; SADB_X_EALG_CHACHA20POLY1305 is 22
    message: { ...common, type: 'SADB_REGISTER', supportedEncryption: [{ id: 20, ivLength: 64, minBits: 128, maxBits: 256 }, { id: 31, ivLength: 64, minBits: 256, maxBits: 256 }] },
    octets: `
      02070002 05000000 01000000 92100000
      03000f00 00000000 14408000 00010000 16400001 00010000`,
  },
];

describe('as the header file of OpenBSD lays it out', () => testVectors(openbsd, vectors));

const flowHead = '020c0002 10000000 01000000 92100000';
const flowEnds = '01001400 03020000 03001500 00000000 10020000 0a010000 00000000 00000000 03001600 00000000 10020000 0a020000 00000000 00000000';
const mask = '03001200 00000000 10020000 ffff0000 00000000 00000000';
testRefusals(openbsd, [
  ['a reserved field of an address that is not zero', '02040002 05000000 01000000 92100000 03000600 ff200000 10020000 c0a80102 00000000 00000000', /destination: its reserved field is not zero/],
  ['a sockaddr of another length', '02040002 05000000 01000000 92100000 03000600 00000000 1c020000 c0a80102 00000000 00000000', /family 2 with a length of 28/],
  ['a replay window of more than 64 packets', '02030002 04000000 01000000 92100000 02000100 c1a2b3d4 41010014 04000000', /sa: a replay window of 65 packets/],
  ['a flow without masks', `${flowHead.replace('10', '09')} ${flowEnds}`, /a flow without its ends and masks/],
  ['a mask with a hole', `${flowHead.replace('10', '0f')} ${flowEnds} 03001100 00000000 10020000 ff00ff00 00000000 00000000 ${mask}`, /sourceMask: 255\.0\.255\.0 is no mask/],
  ['a mask of half a port', `${flowHead.replace('10', '0f')} ${flowEnds} 03001100 00000000 1002ff00 ff000000 00000000 00000000 ${mask}`, /sourceMask: port ff00/],
  ['a flow of a type that the lab has not', `${flowHead.replace('10', '0f')} ${flowEnds.replace('03020000', '02020000')} 03001100 00000000 10020000 ff000000 00000000 00000000 ${mask}`, /flowType: 2/],
  ['a flow of no direction', `${flowHead.replace('10', '0f')} ${flowEnds.replace('03020000', '03030000')} 03001100 00000000 10020000 ff000000 00000000 00000000 ${mask}`, /flowType: direction 3/],
]);

const message = (body: Partial<PfkeyMessage>): PfkeyMessage => ({ ...common, type: 'SADB_ADD', ...body });
const sa = { spi: 1, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 };
testLacks(openbsd, [
  ['SADB_X_SPDFLUSH', message({ type: 'SADB_X_SPDFLUSH' })],
  ['SADB_X_NAT_T_NEW_MAPPING', message({ type: 'SADB_X_NAT_T_NEW_MAPPING' })],
  ['proxy', message({ proxy: host('192.0.2.1') })],
  ['a replay window of 72 packets', message({ sa: { ...sa, replay: 9 } })],
  ['a reqid in SADB_GETSPI', message({ type: 'SADB_GETSPI', sa2: { mode: 0, sequence: 0, reqid: 7 } })],
  ['an SA for less, or more, than two hosts', message({ source: net('10.0.0.0', 8) })],
  ['a port of this host other than 4500', message({ sa, nattType: 2, nattSourcePort: 500, nattDestinationPort: 500 })],
  ['the non-IKE marker', message({ nattType: 1 })],
  ['the priority of a policy', message({ ...flow, type: 'SADB_X_SPDADD', policy: { ...flow.policy, priority: 1 } })],
  ['the id of a policy', message({ ...flow, type: 'SADB_X_SPDADD', policy: { ...flow.policy, id: 1 } })],
  ['a reqid without level UNIQUE, or the other way round', message({ ...flow, type: 'SADB_X_SPDADD', policy: { ...flow.policy, requests: [{ protocol: 50, mode: 2, level: 2, reqid: 17, tunnel }] } })],
]);

test('an SA from another port of this host than 4500 is a bug, although the peer has that one', () => {
  const outbound = message({ sa, source: host('192.168.1.2'), destination: host('203.0.113.1'), nattType: 2, nattSourcePort: 500, nattDestinationPort: 4500 });
  expect(() => openbsd.encode(outbound, here)).toThrow(RangeError);
});
