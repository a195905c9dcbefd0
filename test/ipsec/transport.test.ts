/** Transport mode: a host's own packet, protected in place, and made whole again at the other end. */
import { describe, expect, test } from 'vitest';
import { ip, type Endpoint } from '../../src/core/address.ts';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { start, type Instant } from '../../src/core/time.ts';
import type { StackInput, StackOutput } from '../../src/ipsec/ports.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { encodeIpv6 } from '../../src/wire/ipv6.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { add, carried, drops, east, eastNet, events, Host, inbound, inner, innerOf, messages, of, pair, policy, spiToEast, spiToWest, suites, transportPolicy, west, type SaOptions } from './host.ts';

const udp = (from: string, to: string, ports: readonly [number, number] = [40_000, 7]): Uint8Array => encodeUdpPacket({ address: ip(from), port: ports[0] }, { address: ip(to), port: ports[1] }, fromHex('6869'), 'computed');

type Options = SaOptions & { readonly protocol?: number; readonly ports?: readonly [number, number] };

/** Two hosts that protect what they say to one another; `selector` of what goes from west to east. */
function hosts(selector: { readonly protocol?: number; readonly ports?: readonly [number, number] } = {}, options: Options = {}, [left, right] = [west, east]): { west: Host; east: Host } {
  const both = { west: new Host(ip(left), 1), east: new Host(ip(right), 2) };
  const back = { ...selector, ports: [...(selector.ports ?? [0, 0])].reverse() as [number, number] };
  for (const host of [both.west, both.east]) {
    host.do({ kind: 'udp-encap', port: 4500 });
    host.pfkey(add(spiToEast, left, right, { ...options, mode: 'TRANSPORT' }));
    host.pfkey(add(spiToWest, right, left, { ...options, mode: 'TRANSPORT' }));
    const [toEast, toWest] = host === both.west ? (['out', 'in'] as const) : (['in', 'out'] as const);
    host.pfkey(transportPolicy(toEast, left, right, selector));
    host.pfkey(transportPolicy(toWest, right, left, back));
  }
  return both;
}

describe.each(suites)('$name', (suite) => {
  test.each([
    ['plain, IPv4', {}, [west, east]],
    ['in UDP, IPv4', { ports: [4500, 4500] }, [west, east]],
    ['plain, IPv6', {}, ['2001:db8::1', '2001:db8::2']],
    ['in UDP, IPv6', { ports: [4500, 4500] }, ['2001:db8::1', '2001:db8::2']],
  ] as const)('carries a packet between its own ends and gives it back as it was, %s', (_, options, [left, right]) => {
    const both = hosts({}, { suite, ...options }, [left, right]);
    const packet = udp(left, right);
    const outputs = both.west.outbound(packet);
    expect(of(outputs, 'ports' in options ? 'datagram' : 'esp')).toHaveLength(1);
    const arrived = carried(outputs).flatMap((input) => both.east.do(input));
    expect(inbound(arrived)).toEqual([packet]);
    expect(of(arrived, 'inbound')).toMatchObject([{ mode: 'transport', checksum: 'to be verified' }]);
  });
});

test('the next header of ESP is the transport protocol, and length, protocol and checksum of the restored header are its own', () => {
  const { west: sender, east: receiver } = hosts();
  const packet = innerOf(west, east, 253, fromHex('00112233445566')); // 253: for experiments (RFC 3692)
  const arrived = carried(sender.outbound(packet)).flatMap((input) => inbound(receiver.do(input)));
  // by hand: version 4, 20 octets; TOS 0; 27 octets; id 0; no flags; TTL 64; protocol 253; 192.0.2.1 -> 198.51.100.2; the words sum to 2724e, folded 7250
  expect(arrived).toEqual([fromHex('4500 001b 0000 0000 40fd 8daf c0000201 c6336402 00112233445566')]);
});

describe('a policy in transport mode', () => {
  test.each([
    ['of UDP holds UDP', { protocol: protocols.udp }, udp(west, east), []],
    ['of UDP does not hold another protocol', { protocol: protocols.udp }, innerOf(west, east, 253, new Uint8Array(8)), ['policy-discard']],
    ['of L2TP’s ports holds them', { protocol: protocols.udp, ports: [1701, 1701] }, udp(west, east, [1701, 1701]), []],
    ['of L2TP’s ports does not hold another source port', { protocol: protocols.udp, ports: [1701, 1701] }, udp(west, east, [40_000, 1701]), ['policy-discard']],
    ['of one port at the far end holds any at this one', { protocol: protocols.udp, ports: [0, 1701] }, udp(west, east, [40_000, 1701]), []],
    ['does not hold what is for another address', {}, udp(west, '198.51.100.3'), ['policy-discard']],
  ] as const)('%s', (_, selector, packet, reasons) => {
    const { west: sender, east: receiver } = hosts(selector);
    const outputs = sender.outbound(packet);
    expect(drops(outputs)).toEqual(reasons);
    expect(carried(outputs).flatMap((input) => inbound(receiver.do(input)))).toEqual(reasons.length === 0 ? [packet] : []);
  });

  test('lets nothing in that it does not hold, whoever has the keys', () => {
    const { west: sender } = hosts();
    const { east: receiver } = hosts({ protocol: protocols.udp, ports: [1701, 1701] });
    expect(carried(sender.outbound(udp(west, east))).flatMap((input) => drops(receiver.do(input)))).toEqual(['esp-selectors']);
  });

  test('asks for an SA between the addresses of the packet', () => {
    const host = new Host(ip(west));
    host.pfkey({ type: 'SADB_REGISTER' });
    host.pfkey(transportPolicy('out', '0.0.0.0/0', '0.0.0.0/0', { reqid: 0 }));
    const outputs = host.outbound(udp(west, '198.51.100.9'));
    expect(drops(outputs)).toEqual(['policy-no-sa']);
    expect(messages(outputs)).toMatchObject([{ type: 'SADB_ACQUIRE', source: { address: west }, destination: { address: '198.51.100.9' }, sa2: { mode: 1 } }]);
  });

  test('is told as it was given: no ends of a tunnel', () => {
    const { west: host } = hosts({ protocol: protocols.udp, ports: [0, 1701] });
    const [told] = messages(host.pfkey({ type: 'SADB_X_SPDDUMP' })).filter(({ policy: dumped }) => dumped!.direction === 2);
    expect(told).toMatchObject({ source: { address: west, protocol: 17, port: 0 }, destination: { address: east, port: 1701 }, policy: { requests: [{ mode: 1, reqid: 17 }] } });
    expect(told!.policy!.requests[0]).not.toHaveProperty('tunnel');
  });

  test('does not take an SA in tunnel mode between the same ends, nor the other way round', () => {
    const { west: host } = pair();
    host.pfkey(transportPolicy('out', west, east));
    expect(drops(host.outbound(udp(west, east)))).toEqual(['policy-no-sa']);
    const { west: other } = hosts();
    other.pfkey(policy('out', '10.1.0.0/24', eastNet, [west, east]));
    expect(drops(other.outbound(inner('10.1.0.5', '10.2.0.6')))).toEqual(['policy-no-sa']);
  });
});

describe('what is not for transport mode', () => {
  const wide = (): Host => {
    const { west: host } = hosts();
    host.pfkey(transportPolicy('out', '0.0.0.0/0', '0.0.0.0/0', { reqid: 0 }));
    host.pfkey(transportPolicy('out', '::/0', '::/0', { reqid: 0 }));
    return host;
  };
  test.each([
    ['a packet that is forwarded, not the host’s own', udp('10.1.0.5', east)],
    ['a fragment (RFC 4303 §3.3.4)', encodeIpv4({ source: ip(west), destination: ip(east), protocol: 17, moreFragments: true, payload: new Uint8Array(16) })],
    ['a header with options, which would be lost', encodeIpv4({ source: ip(west), destination: ip(east), protocol: 17, options: Uint8Array.of(1, 1, 1, 0), payload: new Uint8Array(16) })],
  ])('%s', (_, packet) => {
    expect(drops(wide().outbound(packet))).toEqual(['policy-discard']);
  });

  test('but extension headers of IPv6 go along', () => {
    const [left, right] = ['2001:db8::1', '2001:db8::2'];
    const both = hosts({}, {}, [left, right]);
    const packet = encodeIpv6({ source: ip(left), destination: ip(right), nextHeader: protocols.destination, payload: concat(fromHex('1100010400000000'), udp(left, right).subarray(40)) });
    expect(carried(both.west.outbound(packet)).flatMap((input) => inbound(both.east.do(input)))).toEqual([packet]);
  });

  test('a packet of the SA under another’s address', () => {
    const { west: sender, east: receiver } = hosts();
    receiver.pfkey(transportPolicy('in', '0.0.0.0/0', east));
    expect(carried(sender.outbound(udp(west, east)), { address: ip('192.0.2.99'), port: 0 }).flatMap((input) => drops(receiver.do(input)))).toEqual(['esp-selectors']);
  });
});

describe('two clients behind one NAT with equal selectors (RFC 3948 §5.2)', () => {
  const nat = '203.0.113.7';
  const [first, second]: readonly Endpoint[] = [{ address: ip(nat), port: 61_001 }, { address: ip(nat), port: 61_002 }];
  /** L2TP: whoever comes, it is UDP 1701 to 1701, and the address is the NAT's. */
  function server(): Host {
    const host = new Host(ip(east));
    host.do({ kind: 'udp-encap', port: 4500 });
    const selector = { protocol: protocols.udp, ports: [1701, 1701] } as const;
    host.pfkey(transportPolicy('in', nat, east, selector));
    host.pfkey(transportPolicy('out', east, nat, selector));
    return host;
  }
  const arrives = (host: Host, spi: number, client: Endpoint): StackOutput[] => {
    host.pfkey(add(spi, nat, east, { mode: 'TRANSPORT', ports: [client.port, 4500] }));
    return host.pfkey(add(spi + 1, east, nat, { mode: 'TRANSPORT', ports: [4500, client.port] }));
  };
  const reply = (host: Host): (Endpoint | undefined)[] => of(host.outbound(udp(east, nat, [1701, 1701])), 'datagram').map(({ peer }) => peer);

  test('the last one wins: every answer goes to the newest SA, and the stack says whose traffic that takes away', () => {
    const host = server();
    expect(events(arrives(host, 0x5000, first!))).toEqual(['sa-added', 'esp-keys']);
    expect(reply(host)).toEqual([first]);
    const outputs = arrives(host, 0x6000, second!);
    expect(events(outputs)).toEqual(['sa-added', 'esp-keys', 'sa-eclipsed']);
    expect(of(outputs, 'event').find(({ event }) => event.kind === 'sa-eclipsed')!.event).toMatchObject({ spi: 0x5001, by: 0x6001, peer: first, newPeer: second });
    expect(reply(host)).toEqual([second]);
  });

  test('what either of them sends still comes in', () => {
    const host = server();
    arrives(host, 0x5000, first!);
    arrives(host, 0x6000, second!);
    for (const [spi, client] of [[0x5000, first!], [0x6000, second!]] as const) {
      const behind = new Host(ip('192.168.1.2'));
      behind.pfkey(add(spi, '192.168.1.2', east, { mode: 'TRANSPORT', ports: [4500, 4500] }));
      behind.pfkey(transportPolicy('out', '192.168.1.2', east));
      const inputs: StackInput[] = carried(behind.outbound(udp('192.168.1.2', east, [1701, 1701])), client);
      expect(inputs.flatMap((input) => inbound(host.do(input)))).toHaveLength(1);
    }
  });

  test('a rekey takes nothing away from anybody', () => {
    const host = server();
    arrives(host, 0x5000, first!);
    host.now = (start + 1000) as Instant;
    expect(events(arrives(host, 0x6000, first!))).toEqual(['sa-added', 'esp-keys']);
  });

  test('with other ports of their own both are served', () => {
    const host = new Host(ip(east));
    for (const [i, client] of [first!, second!].entries()) {
      const reqid = 20 + i;
      host.pfkey(add(0x5000 + i, east, nat, { mode: 'TRANSPORT', reqid, ports: [4500, client.port] }));
      host.pfkey(transportPolicy('out', east, nat, { reqid, protocol: protocols.udp, ports: [1701, 40_001 + i] }));
    }
    expect([40_001, 40_002].flatMap((port) => of(host.outbound(udp(east, nat, [1701, port])), 'datagram').map(({ peer }) => peer))).toEqual([first, second]);
  });
});
