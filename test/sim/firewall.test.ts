/** A router that forwards some protocols only. */
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { World } from '../../src/sim/world.ts';
import type { FirewallProtocol } from '../../src/sim/firewall.ts';
import { encodeEchoPacket } from '../../src/wire/echo.ts';
import { encodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { at, host, router, segment, stubEndpoint, Talker } from '../support/worlds.ts';

const ends = {
  4: { alice: '10.1.0.2', inner: '10.1.0.1', outer: '10.2.0.1', bob: '10.2.0.2', left: '10.1.0.0/24', right: '10.2.0.0/24', all: '0.0.0.0/0', length: 24 },
  6: { alice: '2001:db8:1::2', inner: '2001:db8:1::1', outer: '2001:db8:2::1', bob: '2001:db8:2::2', left: '2001:db8:1::/64', right: '2001:db8:2::/64', all: '::/0', length: 64 },
} as const;

/** alice -- firewall -- bob; one packet of each protocol, to bob and to the firewall itself. What came through to bob, what was dropped where. */
function run(version: 4 | 6, passes: readonly FirewallProtocol[] | undefined): { arrived: number[]; drops: string[]; firewallAnswers: number } {
  const { alice, inner, outer, bob, left, right, all, length } = ends[version];
  const addresses = { source: ip(alice), destination: ip(bob) };
  const raw = (protocol: number): Uint8Array => encodeIp({ ...addresses, protocol, payload: new Uint8Array(40) });
  const talkers: Record<string, Talker> = { alice: new Talker(), bob: new Talker() };
  const packets = [
    encodeUdpPacket({ address: addresses.source, port: 500 }, { address: addresses.destination, port: 500 }, new Uint8Array(20), 'computed'), raw(6), raw(50), raw(51), raw(132),
    encodeEchoPacket(addresses, { kind: 'echo-request', identifier: 1, sequence: 1, data: new Uint8Array(8) }, 1),
    encodeEchoPacket({ source: ip(alice), destination: ip(inner) }, { kind: 'echo-request', identifier: 2, sequence: 1, data: new Uint8Array(8) }, 2),
  ];
  packets.forEach((packet, i) => talkers['alice']!.put(i + 1, { kind: 'bypass', packet }));
  const world = new World(
    {
      segments: [segment('left', left), segment('right', right)],
      nodes: [
        host('alice', [`left ${alice}/${length}`], [`${all} ${inner}`], { endpoint: stubEndpoint('alice', alice) }),
        { ...router('firewall', [`left ${inner}/${length}`, `right ${outer}/${length}`]), ...(passes && { passes }) },
        host('bob', [`right ${bob}/${length}`], [`${all} ${outer}`], { endpoint: stubEndpoint('bob', bob) }),
      ],
    },
    { seed: 1, endpoint: ({ name }) => talkers[name]! },
  );
  world.run(at(5_000));
  const protocolOf = (bytes: Uint8Array): number => bytes[version === 4 ? 9 : 6]!;
  return {
    arrived: world.trace.of('packet', 'bob').flatMap(({ body }) => (body.direction === 'in' ? [protocolOf(body.bytes)] : [])),
    drops: world.trace.of('drop', 'firewall').map(({ body }) => `${body.reason}: ${body.detail}`),
    firewallAnswers: world.trace.of('packet', 'firewall').filter(({ body }) => body.direction === 'out' && body.interface === 'eth0' && [1, 58].includes(protocolOf(body.bytes))).length,
  };
}

test.each([[4, 1], [6, 58]] as const)('over IPv%i UDP and ICMP pass where they are named, and nothing else; the firewall itself is spoken to as ever', (version, icmp) => {
  const { arrived, drops } = run(version, ['udp', 'icmp']);
  expect(arrived).toEqual([17, icmp]);
  expect(drops).toEqual([6, 50, 51, 132].map((protocol) => `firewall: protocol ${protocol} does not pass: only udp, icmp`));
  expect(run(version, ['esp']).firewallAnswers).toBe(1);
});

test.each([4, 6] as const)('over IPv%i everything passes where nothing is named', (version) => {
  const { arrived, drops } = run(version, undefined);
  expect(arrived).toHaveLength(6);
  expect(drops).toEqual([]);
});
