/**
 * Octets by hand from illumos' uts/common/net/pfkeyv2.h and pfpolicy.h (the struct is named in front of each group) and netinet/in.h: AF_INET6 is 26 and
 * sockaddr_in6 has 32 octets. The diagnostics are those of ip/sadb.c and ip/ipsecesp.c.
 */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { fromHex } from '../../../src/core/bytes.ts';
import { diagnostics, illumos } from '../../../src/wire/pfkey/illumos.ts';
import type { PfkeyMessage } from '../../../src/wire/pfkey/message.ts';
import { counting, here, host, net, testLacks, testRefusals, testVectors, type Vector } from './vector.ts';

const common = { saType: 3, errno: 0, sequence: 1, pid: 4242 } as const;
const tunnel = { source: ip('203.0.113.1'), destination: ip('192.168.1.2') };

const vectors: readonly Vector[] = [
  {
    what: 'ADD of an inbound SA in UDP', // sadb_sa, _address, _key, _x_kmc; flags NATT_LOC, NATT_REM, TUNNEL, INBOUND
    message: {
      ...common, type: 'SADB_ADD',
      sa: { spi: 0xc1a2b3d4, replay: 8, state: 1, auth: 0, encrypt: 20, flags: 1 },
      source: host('203.0.113.1'), destination: host('192.168.1.2'),
      encryptionKey: counting(0x10, 20), sa2: { mode: 2, sequence: 0, reqid: 0x01020304 },
      nattType: 2, nattSourcePort: 61234, nattDestinationPort: 4500, nattOriginalSource: host('10.0.0.5'),
    },
    octets: `
      02030003 16000000 01000000 92100000
      02000100 c1a2b3d4 40010014 01401a00
      03000500 00200000 02000000 cb007101 00000000 00000000
      03000600 00200000 02000000 c0a80102 00000000 00000000
      04000900 a0000000 10111213 14151617 18191a1b 1c1d1e1f 20212223 00000000
      02001300 01000000 04030201 00000000
      03001400 00200000 02001194 00000000 00000000 00000000
      03001500 00200000 0200ef32 0a000005 00000000 00000000`,
  },
  {
    what: 'ADD of an outbound SA in transport mode from behind a NAT', // flags NATT_LOC, NATT_REM, OUTBOUND, NATTED
    message: {
      ...common, type: 'SADB_ADD',
      sa: { spi: 0x100, replay: 4, state: 1, auth: 5, encrypt: 12, flags: 0 },
      source: host('192.168.1.2'), destination: host('203.0.113.1'),
      authKey: counting(0x40, 32), encryptionKey: counting(0x80, 16), sa2: { mode: 1, sequence: 0, reqid: 0 },
      nattType: 2, nattSourcePort: 4500, nattDestinationPort: 61234, nattLocalBehindNat: true,
    },
    octets: `
      02030003 18000000 01000000 92100000
      02000100 00000100 2001050c 00901800
      03000500 00200000 02000000 c0a80102 00000000 00000000
      03000600 00200000 02000000 cb007101 00000000 00000000
      05000800 00010000 40414243 44454647 48494a4b 4c4d4e4f 50515253 54555657 58595a5b 5c5d5e5f
      03000900 80000000 80818283 84858687 88898a8b 8c8d8e8f
      03001400 00200000 02001194 00000000 00000000 00000000
      03001500 00200000 0200ef32 cb007101 00000000 00000000`,
  },
  {
    what: 'GETSPI over IPv6', // sockaddr_in6 with __sin6_src_id
    message: { ...common, type: 'SADB_GETSPI', source: host('2001:db8::2'), destination: host('2001:db8::1'), spiRange: { min: 0x100, max: 0xfffffff } },
    octets: `
      02010003 0e000000 01000000 92100000
      05000500 00800000 1a000000 00000000 20010db8 00000000 00000000 00000002 00000000 00000000
      05000600 00800000 1a000000 00000000 20010db8 00000000 00000000 00000001 00000000 00000000
      02001000 00010000 ffffff0f 00000000`,
  },
  {
    what: 'an error with its diagnostic', // sadb_x_msg_diagnostic in sadb_msg_reserved; EOPNOTSUPP is 122
    message: { ...common, type: 'SADB_ADD', errno: 95, diagnostic: 51 },
    octets: '02037a03 02003300 01000000 92100000',
  },
  {
    what: 'a rule of PF_POLICY for a tunnel', // spd_msg, spd_portrange, spd_proto, spd_address, spd_ext_actions, spd_rule, spd_if
    message: {
      ...common, type: 'SADB_X_SPDADD', saType: 0,
      source: net('10.98.0.1', 32, 0, 17), destination: net('10.99.0.0', 24, 1701, 17),
      policy: { type: 2, direction: 1, id: 0, priority: 0, requests: [{ protocol: 50, mode: 2, level: 3, reqid: 17, tunnel }] },
    },
    octets: `
      01020000 15000000 01000000 92100000
      01000100 06a506a5
      01000300 11000000
      02000400 02180000 0a630000 00000000
      02000500 02200000 0a620001 00000000
      06000600 01000000 00010000 03000000 01010000 12000000 0d010000 01000000 0e010000 11000000 01000000 00000000
      03000700 ffffffff 05000000 00000000 00000000 00000000
      04000a00 3139322e 3136382e 312e322d 3230332e 302e3131 332e3100 00000000`,
  },
  {
    what: 'a rule that lets everything pass over IPv6', // AF_INET6 26
    message: {
      ...common, type: 'SADB_X_SPDDELETE', saType: 0,
      source: net('2001:db8:1::', 64), destination: net('2001:db8:2::', 64),
      policy: { type: 1, direction: 2, id: 0x11, priority: 1, requests: [] },
    },
    octets: `
      01030000 0e000000 01000000 92100000
      03000400 1a400000 20010db8 00010000 00000000 00000000
      03000500 1a400000 20010db8 00020000 00000000 00000000
      03000600 01000000 00010000 02000000 01000000 00000000
      03000700 feffffff 02000000 00000000 11000000 00000000`,
  },
];

describe('as the header files of illumos lay it out', () => testVectors(illumos, vectors));

describe('what is wrong with the addresses of NAT traversal is told by its diagnostic', () => {
  const header = (words: number): string => `02030003 ${words.toString(16).padStart(2, '0')}000000 01000000 92100000`;
  const ends = '03000500 00200000 02000000 cb007101 00000000 00000000 03000600 00200000 02000000 c0a80102 00000000 00000000';
  const sa = (flags: string): string => `02000100 c1a2b3d4 40010014 ${flags}`;
  const local = '03001400 00200000 02001194 00000000 00000000 00000000';
  const remote = '03001500 00200000 0200ef32 0a000005 00000000 00000000';
  const remote6 = '05001500 00800000 1a00ef32 00000000 20010db8 00000000 00000000 00000002 00000000 00000000';
  test.each([
    ['MISSING_NATT_LOC', header(13), sa('00001800'), remote],
    ['MISSING_NATT_REM', header(13), sa('00001800'), local],
    ['DUPLICATE_NATT_LOC', header(19), sa('00001800'), `${local} ${remote} ${local}`],
    ['DUPLICATE_NATT_REM', header(19), sa('00001800'), `${local} ${remote} ${remote}`],
    ['MALFORMED_NATT_LOC', header(16), sa('00001800'), `${local.replace('02001194', '09001194')} ${remote}`],
    ['MALFORMED_NATT_REM', header(18), sa('00001800'), `${local} ${remote6}`],
  ] as const)('%s', (name, head, association, natt) => {
    expect(illumos.decode(fromHex(`${head} ${association} ${ends} ${natt}`), here)).toMatchObject({ ok: true, value: { type: 'SADB_ADD', diagnostic: diagnostics[name] } });
  });

  const associationAlone = '02000100 c1a2b3d4 40010014 00000000';
  const [source, destination] = [ends.slice(0, ends.length / 2), ends.slice(ends.length / 2 + 1)];
  const [authKey, encryptionKey, spiRange] = ['02000800 40000000 01020304 05060708', '02000900 40000000 01020304 05060708', '02001000 00010000 ffffff0f 00000000'];
  const message = (...extensions: readonly string[]): Uint8Array => {
    const body = fromHex(extensions.join(' '));
    return Uint8Array.from([...fromHex(header(2 + body.length / 8)), ...body]);
  };
  const diagnosticIn = (octets: Uint8Array): number | undefined => {
    const decoded = illumos.decode(octets, here);
    return decoded.ok ? decoded.value.diagnostic : undefined;
  };

  test.each([
    ['SA', associationAlone, '01000100 c1a2b3d4'],
    ['SRC', source, source.replace('02000000', '09000000')],
    ['DST', destination, destination.replace('02000000', '09000000')],
    ['AKEY', authKey, authKey.replace('40000000', '00000000')],
    ['EKEY', encryptionKey, encryptionKey.replace('40000000', '48000000')],
    ['RANGE', spiRange, '01001000 00010000'],
  ] as const)('%s: whole, twice, and malformed', (name, whole, malformed) => {
    expect(diagnosticIn(message(whole))).toBeUndefined();
    expect(diagnosticIn(message(whole, whole))).toBe(diagnostics[`DUPLICATE_${name}`]);
    expect(diagnosticIn(message(malformed))).toBe(diagnostics[`MALFORMED_${name}`]);
  });

  test('of several faults the first one is told', () => {
    expect(diagnosticIn(message(source, source, authKey, authKey))).toBe(diagnostics.DUPLICATE_SRC);
  });

  const end = host('203.0.113.1');
  const said = { spi: 1, replay: 0, state: 1, auth: 5, encrypt: 12, flags: 0 };
  test.each([
    ['MISSING_SRC', { type: 'SADB_ADD', destination: end, sa: said, encryptionKey: counting(0, 16) }],
    ['MISSING_DST', { type: 'SADB_ADD', source: end, sa: said, encryptionKey: counting(0, 16) }],
    ['MISSING_SA', { type: 'SADB_ADD', source: end, destination: end, encryptionKey: counting(0, 16) }],
    ['MISSING_EKEY', { type: 'SADB_ADD', source: end, destination: end, sa: said, authKey: counting(0, 32) }],
    ['MISSING_AKEY', { type: 'SADB_ADD', saType: 2, source: end, destination: end, sa: said }],
    ['MISSING_DST', { type: 'SADB_UPDATE', sa: said }],
    ['MISSING_DST', { type: 'SADB_GET', sa: said }],
    ['MISSING_SA', { type: 'SADB_GET', destination: end }],
    ['MISSING_DST', { type: 'SADB_DELETE', source: end, sa: said }],
    ['MISSING_SA', { type: 'SADB_DELETE' }],
    [undefined, { type: 'SADB_ADD', source: end, destination: end, sa: { ...said, encrypt: 11 } }],
    [undefined, { type: 'SADB_ADD', source: end, destination: end, sa: said, encryptionKey: counting(0, 16) }],
    [undefined, { type: 'SADB_DELETE', destination: end }],
    [undefined, { type: 'SADB_FLUSH' }],
  ] as const)('%s: %o', (name, request) => {
    expect(illumos.missing!({ ...common, ...request })).toBe(name === undefined ? undefined : diagnostics[name]);
  });

  test('a mapped IPv4 address is one of IPv4, and port 0 is 4500', () => {
    const mapped = '05001500 00800000 1a000000 00000000 00000000 00000000 0000ffff 0a000005 00000000 00000000';
    const decoded = illumos.decode(fromHex(`${header(18)} ${sa('00001800')} ${ends} ${local} ${mapped}`), here);
    expect(decoded).toMatchObject({ ok: true, value: { nattSourcePort: 4500, nattOriginalSource: { address: '10.0.0.5' } } });
    expect(decoded.ok && decoded.value.diagnostic).toBeUndefined();
  });
});

test('the flag for extended sequence numbers of other systems asks for none', () => {
  const decoded = illumos.decode(fromHex('02030003 04000000 01000000 92100000 02000100 c1a2b3d4 40010014 01040000'), here);
  expect(decoded).toMatchObject({ ok: true, value: { sa: { flags: 1 } } });
});

const rule = '01020000 06000000 01000000 92100000';
testRefusals(illumos, [
  ['a message of PF_KEY that is one of policies elsewhere', '020e0000 02000000 01000000 92100000', /type 14/],
  ['a rule of both directions', '01020000 05000000 01000000 92100000 03000700 00000000 03000000 00000000 00000000 00000000', /not one direction/],
  ['a range of ports', '01020000 03000000 01000000 92100000 01000100 06a506a6', /localPort: ports from 1701 to 1702/],
  ['an action without an end', `${rule.replace('06', '04')} 02000600 01000000 00010000 03000000`, /action: no end/],
  ['a tunnel of another name', '01020000 0a000000 01000000 92100000 03000600 01000000 00010000 03000000 01000000 00000000 03000700 00000000 01000000 00000000 00000000 00000000 02000a00 69702e74 756e3000 00000000', /a tunnel named ip\.tun0/],
  ['a name without end', '01020000 03000000 01000000 92100000 01000a00 69702e74', /a name without end/],
  ['a rule of another version', '03020000 02000000 01000000 92100000', /version 3/],
]);

const message = (body: Partial<PfkeyMessage>): PfkeyMessage => ({ ...common, type: 'SADB_ADD', ...body });
const sa = { spi: 1, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 };
const policy = { type: 2, direction: 1, id: 0, priority: 0, requests: [] };
testLacks(illumos, [
  ['SADB_X_NAT_T_NEW_MAPPING', message({ type: 'SADB_X_NAT_T_NEW_MAPPING' })],
  ['SADB_X_SPDUPDATE', message({ type: 'SADB_X_SPDUPDATE' })],
  ['newSource', message({ newSource: host('192.0.2.1') })],
  ['encryption algorithm 31', message({ sa: { ...sa, encrypt: 31 } })],
  ['extended sequence numbers', message({ sa: { ...sa, flags: 0x400 } })],
  ['a replay window of 256 packets', message({ sa: { ...sa, replay: 32 } })],
  ['the non-IKE marker', message({ nattType: 1 })],
  ['ESP in UDP over IPv6', message({ nattType: 2, source: host('2001:db8::1') })],
  ['direction 3', message({ type: 'SADB_X_SPDADD', policy: { ...policy, direction: 3 } })],
  ['level 1', message({ type: 'SADB_X_SPDADD', policy: { ...policy, requests: [{ protocol: 50, mode: 2, level: 1, reqid: 0, tunnel }] } })],
  ['more than one request', message({ type: 'SADB_X_SPDADD', policy: { ...policy, requests: [{ protocol: 50, mode: 2, level: 2, reqid: 0, tunnel }, { protocol: 50, mode: 1, level: 2, reqid: 0 }] } })],
]);
