/** The texts are by hand from ipsec-tools' libipsec: pfkey_sadump1() and pfkey_spdump1() of pfkey_dump.c, ipsec_dump_policy.c, ipsec_hexdump() of key_debug.c. */
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import type { Instant } from '../../src/core/time.ts';
import type { PfkeyAddress, PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { setkeySad, setkeySpd } from '../../lab/report/setkey.ts';

const end = (address: string, prefixLength = 32, port = 0, protocol = 0): PfkeyAddress => ({ protocol, prefixLength, address: ip(address), port });
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const header = { saType: 3, errno: 0, pid: 4242 } as const;
const [blank, beginning] = [' '.repeat(20), 'Jan  1 00:00:00 1970'];

const inUdp: PfkeyMessage = {
  ...header, type: 'SADB_DUMP', sequence: 1,
  sa: { spi: 0xc1a2b3d4, replay: 4, state: 1, auth: 5, encrypt: 12, flags: 0 }, sa2: { mode: 2, sequence: 0, reqid: 16385 },
  source: end('192.168.1.2'), destination: end('203.0.113.1'), nattType: 2, nattSourcePort: 4500, nattDestinationPort: 61234,
  encryptionKey: counting(16), authKey: counting(36),
  lifetimeCurrent: { allocations: 3, bytes: 252n, addtime: 5n, usetime: 3700n }, lifetimeHard: { allocations: 0, bytes: 0n, addtime: 3600n, usetime: 0n }, lifetimeSoft: { allocations: 900, bytes: 1000n, addtime: 2880n, usetime: 60n },
};

test('an SA in UDP, with its ports, keys and lifetimes', () => {
  expect(setkeySad([inUdp], 3_725_900 as Instant)).toBe(
    '192.168.1.2[4500] 203.0.113.1[61234] \n' +
      '\tesp-udp mode=tunnel spi=3248665556(0xc1a2b3d4) reqid=16385(0x00004001)\n' +
      '\tE: aes-cbc  00010203 04050607 08090a0b 0c0d0e0f\n' +
      '\tA: hmac-sha256  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f\n 20212223\n' +
      '\tseq=0x00000000 replay=4 flags=0x00000000 state=mature \n' +
      '\tcreated: Jan  1 00:00:05 1970\tcurrent: Jan  1 01:02:05 1970\n' +
      '\tdiff: 3720(s)\thard: 3600(s)\tsoft: 2880(s)\n' +
      '\tlast: Jan  1 01:01:40 1970\thard: 0(s)\tsoft: 60(s)\n' +
      '\tcurrent: 252(bytes)\thard: 0(bytes)\tsoft: 1000(bytes)\n' +
      '\tallocated: 3\thard: 0\tsoft: 900\n' +
      '\tsadb_seq=1 pid=4242 refcnt=0\n',
  );
});

test('a plain SA in transport mode that was never used, and an SPI that nobody has filled', () => {
  const { sa, sa2, source, destination } = inUdp;
  const bare: PfkeyMessage = { ...header, type: 'SADB_DUMP', sequence: 1, sa: sa!, sa2: sa2!, source: source!, destination: destination! };
  const plain: PfkeyMessage = { ...bare, sa2: { mode: 1, sequence: 0, reqid: 0 }, lifetimeCurrent: { allocations: 0, bytes: 0n, addtime: 0n, usetime: 0n } };
  expect(setkeySad([plain, { ...bare, sequence: 0, sa: { ...bare.sa!, replay: 0, state: 0 } }], 0 as Instant)).toBe(
    '192.168.1.2 203.0.113.1 \n' +
      '\tesp mode=transport spi=3248665556(0xc1a2b3d4) reqid=0(0x00000000)\n' +
      '\tseq=0x00000000 replay=4 flags=0x00000000 state=mature \n' +
      `\tcreated: ${beginning}\tcurrent: ${beginning}\n` +
      '\tdiff: 0(s)\thard: 0(s)\tsoft: 0(s)\n' +
      `\tlast: ${blank}\thard: 0(s)\tsoft: 0(s)\n` +
      '\tcurrent: 0(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n' +
      '\tallocated: 0\thard: 0\tsoft: 0\n' +
      '\tsadb_seq=1 pid=4242 refcnt=0\n' +
      '192.168.1.2 203.0.113.1 \n' +
      '\tesp mode=tunnel spi=3248665556(0xc1a2b3d4) reqid=16385(0x00004001)\n' +
      '\tseq=0x00000000 replay=0 flags=0x00000000 state=larval \n' +
      '\tsadb_seq=0 pid=4242 refcnt=0\n',
  );
});

test('the original address of the peer has a line of its own', () => {
  expect(setkeySad([{ ...inUdp, nattOriginalAddress: end('10.0.0.5') }], 0 as Instant)).toContain('reqid=16385(0x00004001)\n\tNAT OA=10.0.0.5\n\tE: ');
});

test('policies, with ports, priorities, levels and reqids as setkey writes them', () => {
  const request = { protocol: 50, mode: 2, level: 3, reqid: 17, tunnel: { source: ip('192.168.1.2'), destination: ip('203.0.113.1') } };
  const policies: PfkeyMessage[] = [
    { ...header, type: 'SADB_X_SPDDUMP', sequence: 3, source: end('10.1.0.0', 24), destination: end('10.2.0.7'), policy: { type: 2, direction: 2, id: 9, priority: 0, requests: [request] } },
    { ...header, type: 'SADB_X_SPDDUMP', sequence: 2, source: end('10.1.0.1', 32, 1701, 17), destination: end('10.2.0.0', 16, 0, 17), policy: { type: 2, direction: 1, id: 10, priority: 0x7fff_fff6, requests: [{ protocol: 50, mode: 1, level: 2, reqid: 16384 }] } },
    { ...header, type: 'SADB_X_SPDDUMP', sequence: 1, source: end('10.1.0.1', 32, 0, 1), destination: end('10.2.0.0', 16, 0, 1), policy: { type: 0, direction: 3, id: 11, priority: 0x4000_0001, requests: [] } },
    { ...header, type: 'SADB_X_SPDDUMP', sequence: 0, source: end('2001:db8::1', 128, 0, 253), destination: end('2001:db8::', 64, 0, 253), policy: { type: 1, direction: 2, id: 12, priority: 0xc000_0000, requests: [] } },
  ];
  expect(setkeySpd(policies)).toBe(
    '10.1.0.0/24[any] 10.2.0.7[any] any\n\tout ipsec\n\tesp/tunnel/192.168.1.2-203.0.113.1/unique:17\n\tspid=9 seq=3 pid=4242\n\trefcnt=0\n' +
      '10.1.0.1[1701] 10.2.0.0/16[any] udp\n\tin prio def + 10 ipsec\n\tesp/transport//require#16384\n\tspid=10 seq=2 pid=4242\n\trefcnt=0\n' +
      '10.1.0.1 10.2.0.0/16 icmp\n\tfwd prio high - 1 discard\n\tspid=11 seq=1 pid=4242\n\trefcnt=0\n' +
      '2001:db8::1[any] 2001:db8::/64[any] 253\n\tout prio low none\n\tspid=12 seq=0 pid=4242\n\trefcnt=0\n',
  );
});

test('where there is nothing, it says so', () => {
  expect([setkeySad([], 0 as Instant), setkeySpd([])]).toEqual(['No SAD entries.\n', 'No SPD entries.\n']);
});
