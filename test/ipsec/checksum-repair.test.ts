/** RFC 3948 §3.1.2: checksums that a NAT has made wrong inside transport mode. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressFromBytes, ip, type Endpoint, type IpAddress } from '../../src/core/address.ts';
import { fromHex, setU16, toHex, u16At, utf8 } from '../../src/core/bytes.ts';
import { repairChecksum, type ChecksumRepair, type OriginalAddresses } from '../../src/ipsec/checksum-repair.ts';
import { decodeIp, encodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeTcp, encodeTcp, tcpFlags } from '../../src/wire/tcp.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { add, address, carried, Host, inbound, transportPolicy } from './host.ts';

const unknown: OriginalAddresses = { source: undefined, destination: undefined };
const portOf = { udp: protocols.udp, tcp: protocols.tcp } as const;

/** A packet as the sender made it: the checksum is over the addresses given. */
function made(protocol: 'udp' | 'tcp', source: IpAddress, destination: IpAddress, data: Uint8Array, ports: readonly [number, number] = [40_000, 7]): Uint8Array {
  if (protocol === 'udp') return encodeUdpPacket({ address: source, port: ports[0] }, { address: destination, port: ports[1] }, data, 'computed');
  const segment = encodeTcp({ sourcePort: ports[0], destinationPort: ports[1], sequence: 0x01020304, flags: tcpFlags.psh | tcpFlags.ack, payload: data }, { source, destination });
  return encodeIp({ source, destination, protocol: protocols.tcp, payload: segment });
}

/** The same upper layer under the header that a NAT has made of the first one. */
function translated(packet: Uint8Array, protocol: 'udp' | 'tcp', source: IpAddress, destination: IpAddress): Uint8Array {
  const before = decodeIp(packet);
  if (!before.ok) throw new Error(before.detail);
  return encodeIp({ source, destination, protocol: portOf[protocol], payload: before.value.payload.slice() });
}

function isGood(packet: Uint8Array, protocol: 'udp' | 'tcp'): boolean {
  const decoded = decodeIp(packet);
  if (!decoded.ok) throw new Error(decoded.detail);
  return (protocol === 'udp' ? decodeUdp(decoded.value.payload, decoded.value) : decodeTcp(decoded.value.payload, decoded.value)).ok;
}

function repaired(how: ChecksumRepair, packet: Uint8Array, originals: OriginalAddresses): { packet: Uint8Array; trust: string } {
  const copy = packet.slice();
  return { trust: repairChecksum(how, copy, originals), packet: copy };
}

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressFromBytes);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressFromBytes);
const protocolNames = fc.constantFrom('udp' as const, 'tcp' as const);
const traffic = fc.constantFrom(ipv4, ipv6).chain((addresses) =>
  fc.record({ protocol: protocolNames, was: fc.tuple(addresses, addresses), is: fc.tuple(addresses, addresses), data: fc.oneof(fc.uint8Array({ maxLength: 41 }), fc.constant(new Uint8Array(0))) }),
);

test('adjusting and recomputing give the same octets for every packet whose checksum was right, odd ones and empty ones too', () => {
  fc.assert(
    fc.property(traffic, ({ protocol, was, is, data }) => {
      const original = made(protocol, ...was, data);
      const arrived = translated(original, protocol, ...is);
      const adjusted = repaired('adjust', arrived, { source: was[0], destination: was[1] });
      expect(toHex(adjusted.packet)).toBe(toHex(repaired('recompute', arrived, unknown).packet));
      expect(toHex(adjusted.packet)).toBe(toHex(made(protocol, ...is, data)));
      expect(adjusted.trust).toBe('to be verified');
    }),
    { numRuns: 600 },
  );
});

test('a checksum that was wrong stays wrong when adjusted, and is made right by recomputing: that is what one gives up', () => {
  fc.assert(
    fc.property(traffic, fc.integer({ min: 1, max: 0xfffe }), ({ protocol, was, is, data }, bend) => {
      const original = made(protocol, ...was, data);
      const at = original.length - data.length - (protocol === 'udp' ? 2 : 4);
      const sum = u16At(original, at);
      setU16(original, at, (sum + bend) % 0xffff || 0xffff); // another one, and none that is the same in ones' complement
      fc.pre((sum + bend) % 0xffff !== sum % 0xffff);
      const arrived = translated(original, protocol, ...is);
      expect(isGood(repaired('adjust', arrived, { source: was[0], destination: was[1] }).packet, protocol)).toBe(false);
      expect(isGood(repaired('recompute', arrived, unknown).packet, protocol)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

describe('a UDP checksum', () => {
  const [private4, public4, server] = [ip('192.168.1.2'), ip('203.0.113.1'), ip('198.51.100.2')];

  test.each(['adjust', 'recompute', 'zero-udp-trust-tcp', 'none'] as const)('of zero stays zero, %s: there is none (RFC 768)', (how) => {
    const packet = encodeUdpPacket({ address: public4, port: 40_000 }, { address: server, port: 7 }, utf8('hi'), 'zero');
    expect(repaired(how, packet, { source: private4, destination: server })).toEqual({ packet, trust: 'to be verified' });
  });

  test('that comes out as zero is sent as all ones', () => {
    const source = ip('10.0.0.1');
    // data that sum up with all the rest to ffff, for the address as it arrives
    const blank = made('udp', public4, server, fromHex('0000'));
    const data = new Uint8Array(2);
    setU16(data, 0, u16At(blank, 26));
    const packet = made('udp', public4, server, data);
    expect(u16At(packet, 26)).toBe(0xffff);
    const arrived = translated(made('udp', source, server, data), 'udp', public4, server);
    expect(u16At(repaired('adjust', arrived, { source, destination: server }).packet, 26)).toBe(0xffff);
    expect(u16At(repaired('recompute', arrived, unknown).packet, 26)).toBe(0xffff);
  });
});

describe('by hand: 192.168.1.2 became 203.0.113.1', () => {
  // UDP 1701 -> 1701, "hi" (6869), to 198.51.100.2. Pseudo-header and datagram sum up, over 192.168.1.2, to
  // c0a8+0102 + c633+6402 + 0011+000a + 06a5+06a5+000a + 6869 = 261b7 -> 61b9, of which the complement is 9e46.
  // Over 203.0.113.1: cb00+7101 in place of c0a8+0102: 2dc0e -> dc10, the complement is 23ef.
  const packet = fromHex('4500001e00000000 40111498 cb007101c6336402 06a506a5000a9e466869');
  const originals: OriginalAddresses = { source: ip('192.168.1.2'), destination: ip('198.51.100.2') };
  test.each([
    ['adjust', originals, '23ef'],
    ['adjust', unknown, '9e46'],
    ['recompute', unknown, '23ef'],
    ['zero-udp-trust-tcp', unknown, '0000'],
    ['none', originals, '9e46'],
  ] as const)('%s, %o', (how, known, checksum) => {
    expect(decodeIp(packet)).toMatchObject({ ok: true });
    expect(toHex(repaired(how, packet, known).packet.subarray(26, 28))).toBe(checksum);
  });
});

describe('zero-udp-trust-tcp', () => {
  const [was, is, far] = [ip('192.168.1.2'), ip('203.0.113.1'), ip('198.51.100.2')];
  test('leaves TCP as it is, and says that nobody shall look', () => {
    const packet = translated(made('tcp', was, far, utf8('hi')), 'tcp', is, far);
    expect(repaired('zero-udp-trust-tcp', packet, unknown)).toEqual({ packet, trust: 'trusted' });
  });

  test('leaves UDP over IPv6 as it is, where zero is no checksum (RFC 8200 §8.1)', () => {
    const packet = translated(made('udp', ip('fd00::1'), ip('2001:db8::2'), utf8('hi')), 'udp', ip('2001:db8::1'), ip('2001:db8::2'));
    expect(repaired('zero-udp-trust-tcp', packet, unknown)).toEqual({ packet, trust: 'trusted' });
  });
});

test('what is no TCP or UDP, too short for it, or a fragment is left alone', () => {
  const [source, destination] = [ip('203.0.113.1'), ip('198.51.100.2')];
  const others = [encodeIp({ source, destination, protocol: 253, payload: new Uint8Array(40).fill(1) }), encodeIp({ source, destination, protocol: protocols.tcp, payload: new Uint8Array(17).fill(1) })];
  for (const packet of others) for (const how of ['adjust', 'recompute', 'zero-udp-trust-tcp'] as const) expect(repaired(how, packet, { source: ip('10.0.0.1'), destination })).toEqual({ packet, trust: 'to be verified' });
});

describe('in the stack', () => {
  const [alice, box, server] = ['192.168.1.2', '203.0.113.1', '198.51.100.2'];
  const atBox: Endpoint = { address: ip(box), port: 61_234 };
  const clear = made('udp', ip(alice), ip(server), utf8('through'));

  /** A server to which alice comes by way of a box. */
  function arrive(checksumRepair: ChecksumRepair, natOa: object, packet = clear) {
    const host = new Host(ip(server), 2, { checksumRepair });
    host.do({ kind: 'udp-encap', port: 4500 });
    host.pfkey(add(0x1000, box, server, { mode: 'TRANSPORT', ports: [61_234, 4500], more: natOa }));
    host.pfkey(transportPolicy('in', box, server));
    const client = new Host(ip(alice), 1);
    client.pfkey(add(0x1000, alice, server, { mode: 'TRANSPORT', ports: [4500, 4500] }));
    client.pfkey(transportPolicy('out', alice, server));
    return { host, outputs: carried(client.outbound(packet), atBox).flatMap((input) => host.do(input)) };
  }
  const linux = { nattOriginalAddress: address(alice) };

  test.each([
    ['adjust', 'the peer’s address', linux, true],
    ['adjust', 'no NAT-OA', {}, false],
    ['recompute', 'no NAT-OA', {}, true],
    ['zero-udp-trust-tcp', 'no NAT-OA', {}, true],
    ['none', 'the peer’s address', linux, false],
  ] as const)('%s with %s', (how, _, natOa, good) => {
    expect(inbound(arrive(how, natOa).outputs).map((packet) => isGood(packet, 'udp'))).toEqual([good]);
  });

  test('UPDATE may bring the addresses later, and GET tells them', () => {
    const { host } = arrive('adjust', {});
    const named = { sa: { spi: 0x1000, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 }, source: address(box), destination: address(server) };
    expect(host.ask({ type: 'SADB_UPDATE', ...named, ...linux })).toMatchObject({ errno: 0, ...linux });
    expect(host.ask({ type: 'SADB_GET', ...named })).toMatchObject({ errno: 0, ...linux });
  });

  test.skipIf(tsharkMissing)('tshark finds the checksum bad without NAT-OA and good with it', () => {
    const tcp = made('tcp', ip(alice), ip(server), utf8('odd'));
    const packets = [{}, linux].flatMap((natOa) => [clear, tcp].flatMap((packet) => inbound(arrive('adjust', natOa, packet).outputs)));
    expect(tshark(packets, ['udp.checksum.status', 'tcp.checksum.status'])).toEqual([['0', ''], ['', '0'], ['1', ''], ['', '1']]);
  });
});
