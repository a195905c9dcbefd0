/** AH (RFC 4302): what it covers, and why it does not survive a NAT. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex, setU16, toHex } from '../../src/core/bytes.ts';
import type { StackOutput } from '../../src/ipsec/ports.ts';
import { mac } from '../../src/crypto/integrity.ts';
import { isAuthentic } from '../../src/ipsec/ah.ts';
import { complement, wordSum } from '../../src/wire/checksum.ts';
import { decodeAh } from '../../src/wire/ah.ts';
import { decodeIpv4, encodeIpv4, ipv4HeaderLengthOf } from '../../src/wire/ipv4.ts';
import { authAlgorithms, ipsecModes, pfkeyErrors, policyDirections, policyLevels, policyTypes, saFlags, saTypes, type PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { address, drops, events, Host, inbound, inner, innerOf, messages, of, type Request } from './host.ts';

interface Algorithm {
  readonly auth: number;
  readonly keyOctets: number;
  readonly icvOctets: number;
}
const sha1: Algorithm = { auth: authAlgorithms.SHA1HMAC, keyOctets: 20, icvOctets: 12 };
const sha256: Algorithm = { auth: authAlgorithms.SHA2_256HMAC, keyOctets: 32, icvOctets: 16 };

interface Options {
  readonly algorithm?: Algorithm;
  readonly mode?: 'TRANSPORT' | 'TUNNEL';
  readonly extended?: boolean;
  readonly more?: Partial<PfkeyMessage>;
}

const ah = saTypes.AH;
const add = (spi: number, from: string, to: string, { algorithm = sha1, mode = 'TRANSPORT', extended = false, more = {} }: Options = {}): Request => ({
  type: 'SADB_ADD', saType: ah,
  sa: { spi, replay: 8, state: 0, auth: algorithm.auth, encrypt: 0, flags: extended ? saFlags.ESN : 0 },
  sa2: { mode: ipsecModes[mode], sequence: 0, reqid: 17 },
  source: address(from), destination: address(to),
  authKey: Uint8Array.from({ length: algorithm.keyOctets }, (_, i) => i + 1),
  ...more,
});

const policy = (direction: 'in' | 'out', from: string, to: string, tunnel?: readonly [string, string]): Request => ({
  type: 'SADB_X_SPDADD', source: address(from), destination: address(to),
  policy: {
    type: policyTypes.IPSEC, direction: direction === 'in' ? policyDirections.INBOUND : policyDirections.OUTBOUND, id: 0, priority: 0,
    requests: [{ protocol: 51, level: policyLevels.UNIQUE, reqid: 17, ...(tunnel ? { mode: ipsecModes.TUNNEL, tunnel: { source: ip(tunnel[0]), destination: ip(tunnel[1]) } } : { mode: ipsecModes.TRANSPORT }) }],
  },
});

const [alice, server, box] = ['192.168.1.2', '198.51.100.2', '203.0.113.1'];
const [alice6, server6] = ['2001:db8::1', '2001:db8::2'];

/** alice signs, the server verifies. `as` is whom the server takes her for. */
function pair(options: Options = {}, [left, right, as]: readonly [string, string, string?] = [alice, server]): { alice: Host; server: Host } {
  const hosts = { alice: new Host(ip(left), 1), server: new Host(ip(right), 2) };
  hosts.alice.pfkey(add(0x1000, left, right, options));
  hosts.alice.pfkey(policy('out', left, right));
  hosts.server.pfkey(add(0x1000, as ?? left, right, options));
  hosts.server.pfkey(policy('in', as ?? left, right));
  return hosts;
}

const sent = (outputs: readonly StackOutput[]): Uint8Array[] => of(outputs, 'ah').map(({ packet }) => packet);
const receive = (host: Host, packet: Uint8Array): StackOutput[] => host.do({ kind: 'ah', packet });
const details = (outputs: readonly StackOutput[]): string[] => of(outputs, 'event').flatMap(({ event }) => (event.kind === 'drop' ? [event.detail] : []));

/** What a router does to a packet, or a NAT: with a header checksum that is right. */
function rewritten(packet: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const copy = packet.slice();
  change(copy);
  if (copy[0]! >>> 4 === 4) {
    setU16(copy, 10, 0);
    setU16(copy, 10, complement(wordSum(copy, 0, ipv4HeaderLengthOf(copy))));
  }
  return copy;
}

describe('octets from outside: headers written by hand, ICVs by Python’s hmac', () => {
  // 192.168.1.2 > 198.51.100.2, TOS b8, identification 1234, DF, TTL 57; UDP 40000 > 7 "hi"; SPI 1000, sequence 1; the key 01 02 03 …
  const packet = fromHex('45b8001e1234400039114303c0a80102c63364029c400007000a0f496869');
  const signed = fromHex('45b80036123440003933 42c9c0a80102c6336402 1104000000001000 00000001 3cb46ff9970fba5d4528d271 9c400007000a0f496869');

  test('IPv4, transport mode, HMAC-SHA1-96', () => {
    const hosts = pair();
    expect(sent(hosts.alice.outbound(packet)).map(toHex)).toEqual([toHex(signed)]);
    expect(inbound(receive(hosts.server, signed)).map(toHex)).toEqual([toHex(packet)]);
  });

  test('with an extended sequence number whose high bits are 3, which do not travel', () => {
    const withHigh = signed.slice();
    withHigh.set(fromHex('c60da5f26671e015c1e78f3a'), 32);
    const keying = { protocol: 'ah', spi: 0x1000, mac: mac('hmac-sha1-96', Uint8Array.from({ length: 20 }, (_, i) => i + 1)), extended: true } as const;
    expect([2, 3, 4].map((high) => isAuthentic(keying, high * 2 ** 32 + 1, withHigh))).toEqual([false, true, false]);
  });

  test('options: a router alert is covered, a recorded route is not (appendix A1)', () => {
    const withOptions = fromHex('480000421234 0000 3f33 d65f c0a80102c6336402 94040000 0707080a00000100 1104000000001000 00000001 88f0a472866 9b05877c785fa 9c400007000a0f496869'.replace(/ /g, ''));
    expect(inbound(receive(pair().server, withOptions))).toHaveLength(1);
    expect(inbound(receive(pair().server, rewritten(withOptions, (bytes) => bytes.set([10, 9, 9, 9], 27))))).toHaveLength(1);
    expect(drops(receive(pair().server, rewritten(withOptions, (bytes) => bytes.set([1], 23))))).toEqual(['ah-authentication']);
  });

  test('IPv6, transport mode, HMAC-SHA2-256-128: four octets of padding behind the ICV (§2.6)', () => {
    const packet6 = fromHex(`6b8abcde000a113d 20010db8000000000000000000000001 20010db8000000000000000000000002 9c400007000a9fb46869`);
    const signed6 = fromHex(`6b8abcde002a333d 20010db8000000000000000000000001 20010db8000000000000000000000002 1106000000001000 00000001
      e315ce848d1af0d2b37d51cb7ab789d5 00000000 9c400007000a9fb46869`);
    const hosts = pair({ algorithm: sha256 }, [alice6, server6]);
    expect(sent(hosts.alice.outbound(packet6)).map(toHex)).toEqual([toHex(signed6)]);
    expect(inbound(receive(hosts.server, signed6)).map(toHex)).toEqual([toHex(packet6)]);
  });
});

test.skipIf(tsharkMissing)('tshark reads the header: next header, length, SPI, sequence, ICV, and UDP behind it', () => {
  const hosts = [pair({ algorithm: sha1 }), pair({ algorithm: sha256 }, [alice6, server6])];
  const packets = [hosts[0]!.alice.outbound(inner(alice, server)), hosts[1]!.alice.outbound(inner(alice6, server6))].flatMap(sent);
  expect(tshark(packets, ['ah.next_header', 'ah.length', 'ah.spi', 'ah.sequence', 'udp.dstport', 'udp.checksum.status', 'ip.checksum.status'])).toEqual([
    ['17', '4', '0x00001000', '1', '7', '1', '1'],
    ['17', '6', '0x00001000', '1', '7', '1', ''],
  ]);
});

describe('what routers may change does not matter, everything else does', () => {
  const [packet] = sent(pair().alice.outbound(inner(alice, server)));
  test.each([
    ['TOS', (bytes: Uint8Array) => (bytes[1] = 0xff), true],
    ['the identification', (bytes: Uint8Array) => (bytes[5]! ^= 1), false],
    ['DF', (bytes: Uint8Array) => (bytes[6] = 0x40), true],
    ['TTL', (bytes: Uint8Array) => (bytes[8]! -= 7), true],
    ['the source address', (bytes: Uint8Array) => (bytes[15]! ^= 1), false],
    ['the next header of AH', (bytes: Uint8Array) => (bytes[20] = 6), false],
    ['a reserved bit of AH', (bytes: Uint8Array) => (bytes[22]! ^= 1), false],
    ['the sequence number', (bytes: Uint8Array) => (bytes[31]! ^= 8), false],
    ['the ICV', (bytes: Uint8Array) => (bytes[43]! ^= 1), false],
    ['the port of UDP', (bytes: Uint8Array) => (bytes[46]! ^= 1), false],
    ['the data', (bytes: Uint8Array) => (bytes[bytes.length - 1]! ^= 1), false],
  ])('%s', (_, change, good) => {
    const outputs = receive(pair().server, rewritten(packet!, change));
    expect([inbound(outputs).length, drops(outputs)]).toEqual(good ? [1, []] : [0, ['ah-authentication']]);
  });

  test('of IPv6: traffic class, flow label, hop limit', () => {
    const hosts = pair({}, [alice6, server6]);
    const [packet6] = sent(hosts.alice.outbound(inner(alice6, server6)));
    const aged = packet6!.slice();
    aged.set([0x6f, 0xff, 0xff, 0xff]);
    aged[7] = 1;
    expect(inbound(receive(hosts.server, aged))).toHaveLength(1);
  });
});

describe('a NAT', () => {
  /** As `src/nat` would do it: the address, and the header checksum. */
  const behind = (packet: Uint8Array): Uint8Array => {
    const ipv4 = decodeIpv4(packet);
    if (!ipv4.ok) throw new Error(ipv4.detail);
    return encodeIpv4({ ...ipv4.value, source: ip(box) });
  };
  const arrive = (more: Partial<PfkeyMessage>, as: string = box) => {
    const hosts = pair({ more }, [alice, server, as]);
    const [packet] = sent(hosts.alice.outbound(inner(alice, server)));
    return receive(hosts.server, behind(packet!));
  };

  test('makes the ICV wrong; the drop names what it covers', () => {
    const outputs = arrive({});
    expect(drops(outputs)).toEqual(['ah-authentication']);
    expect(details(outputs)[0]).toBe(
      'SPI 0x00001000, sequence 1: from 203.0.113.1 to 198.51.100.2; the ICV covers source and destination address, length, protocol, in IPv4 the identification, and everything behind the header: something of that is not as it was signed',
    );
  });

  const precisely = 'SPI 0x00001000, sequence 1: the source address was changed: signed for 192.168.1.2, arrived as 203.0.113.1';
  test('and says which address was changed where NAT-OA tells the original one', () => {
    expect(details(arrive({ nattOriginalAddress: address(alice) }))).toEqual([precisely]);
  });

  test('or where the SA has it', () => {
    expect(details(arrive({}, alice))).toEqual([precisely]);
  });

  test('the destination too, by what the peer wrote', () => {
    const hosts = { far: new Host(ip(server), 2), near: new Host(ip(alice), 1) };
    hosts.far.pfkey(add(0x1000, server, box));
    hosts.far.pfkey(policy('out', server, box));
    hosts.near.pfkey(add(0x1000, server, alice, { more: { nattOriginalDestination: address(box) } }));
    const [packet] = sent(hosts.far.outbound(inner(server, box)));
    const ipv4 = decodeIpv4(packet!);
    if (!ipv4.ok) throw new Error(ipv4.detail);
    expect(details(receive(hosts.near, encodeIpv4({ ...ipv4.value, destination: ip(alice) })))).toEqual(['SPI 0x00001000, sequence 1: the destination address was changed: signed for 203.0.113.1, arrived as 192.168.1.2']);
  });

  test('there is no AH in UDP', () => {
    expect(new Host(ip(server)).ask(add(0x1000, alice, server, { more: { nattType: 2, nattSourcePort: 4500, nattDestinationPort: 4500 } })).errno).toBe(pfkeyErrors.EINVAL);
  });
});

describe.each([['HMAC-SHA1-96', sha1], ['HMAC-SHA2-256-128', sha256], ['HMAC-SHA2-512-256', { auth: authAlgorithms.SHA2_512HMAC, keyOctets: 64, icvOctets: 32 }]])('%s', (_, algorithm) => {
  test.each([
    ['IPv4 in IPv4', alice, server, '10.1.0.5', '10.2.0.6', 4],
    ['IPv6 in IPv4', alice, server, 'fd01::5', 'fd02::6', 41],
    ['IPv4 in IPv6', alice6, server6, '10.1.0.5', '10.2.0.6', 4],
    ['IPv6 in IPv6', alice6, server6, 'fd01::5', 'fd02::6', 41],
  ])('tunnel mode, %s', (_name, left, right, from, to, nextHeader) => {
    const hosts = { near: new Host(ip(left), 1), far: new Host(ip(right), 2) };
    for (const host of [hosts.near, hosts.far]) {
      host.pfkey(add(0x1000, left, right, { algorithm, mode: 'TUNNEL', extended: true }));
      host.pfkey(policy(host === hosts.near ? 'out' : 'in', from, to, [left, right]));
    }
    const packet = inner(from, to);
    const [outer] = sent(hosts.near.outbound(packet));
    const header = decodeAh(outer!.subarray(left === alice ? 20 : 40));
    expect(header).toMatchObject({ ok: true, value: { nextHeader, spi: 0x1000, sequence: 1 } });
    expect(inbound(receive(hosts.far, outer!))).toEqual([packet]);
  });
});

describe('as ESP has it', () => {
  test('nothing is taken twice', () => {
    const hosts = pair();
    const [packet] = sent(hosts.alice.outbound(inner(alice, server)));
    expect(inbound(receive(hosts.server, packet!))).toHaveLength(1);
    expect(drops(receive(hosts.server, packet!))).toEqual(['ah-replay']);
  });

  test('what no policy holds does not come in', () => {
    const host = new Host(ip(server));
    host.pfkey(add(0x1000, alice, server));
    expect(drops(receive(host, sent(pair().alice.outbound(inner(alice, server)))[0]!))).toEqual(['ah-selectors']);
  });

  test('an SPI of ESP is not one of AH', () => {
    const { server: host } = pair();
    expect(messages(host.pfkey({ type: 'SADB_DUMP', saType: ah })).map(({ saType, sa }) => [saType, sa!.spi])).toEqual([[ah, 0x1000]]);
    expect(host.ask({ type: 'SADB_DUMP' }).errno).toBe(pfkeyErrors.ENOENT);
    expect(messages(host.pfkey({ type: 'SADB_DUMP', saType: saTypes.UNSPEC })).map(({ saType }) => saType)).toEqual([ah]);
    expect(host.do({ kind: 'esp', source: ip(alice), destination: ip(server), payload: fromHex('00001000 00000001 0000000000000000000000000000000000000000') }).map((output) => output.kind === 'event' && output.event.kind === 'drop' && output.event.reason)).toEqual(['esp-unknown-spi']);
  });

  test('its keys are told to nobody, since nothing is hidden', () => {
    expect(events(new Host(ip(server)).pfkey(add(0x1000, alice, server)))).toEqual(['sa-added']);
  });

  test('GETSPI and UPDATE, DELETE, EXPIRE are about SAs of AH where they say so', () => {
    const host = new Host(ip(server));
    const { sa } = host.ask({ type: 'SADB_GETSPI', saType: ah, source: address(alice), destination: address(server), spiRange: { min: 256, max: 0xffff } });
    expect(host.ask({ ...add(sa!.spi, alice, server, { more: { lifetimeHard: { allocations: 0, bytes: 0n, addtime: 5n, usetime: 0n } } }), type: 'SADB_UPDATE', saType: saTypes.ESP }).errno).toBe(pfkeyErrors.ESRCH);
    expect(host.ask({ ...add(sa!.spi, alice, server, { more: { lifetimeHard: { allocations: 0, bytes: 0n, addtime: 5n, usetime: 0n } } }), type: 'SADB_UPDATE' }).errno).toBe(0);
    expect(messages(host.until(6000 as typeof host.now))).toMatchObject([{ type: 'SADB_EXPIRE', saType: ah, sa: { spi: sa!.spi } }]);
  });

  test.each<[string, Request]>([
    ['a key for a cipher', add(0x1000, alice, server, { more: { encryptionKey: new Uint8Array(16) } })],
    ['no key', { ...add(0x1000, alice, server), authKey: undefined as never }],
    ['a key of another length', add(0x1000, alice, server, { more: { authKey: new Uint8Array(16) } })],
  ])('%s is EINVAL', (_, request) => {
    expect(new Host(ip(server)).ask(request).errno).toBe(pfkeyErrors.EINVAL);
  });
});

test('any bytes: one drop, or one packet that was signed', () => {
  const hosts = pair();
  const [packet] = sent(hosts.alice.outbound(innerOf(alice, server, 253, new Uint8Array(30).fill(5))));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([place, bend]) => rewritten(packet!, (bytes) => (bytes[place % bytes.length]! ^= bend)))), (bytes) => {
      const outputs = receive(pair().server, bytes);
      expect(drops(outputs).length + inbound(outputs).length).toBe(1);
    }),
    { numRuns: 300 },
  );
});

