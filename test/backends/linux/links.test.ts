import { expect } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { changeAddress, wire } from '../../../lab/backends/linux/links.ts';
import type { Interfaces } from '../../../lab/backends/linux/links.ts';
import { createNamespace } from '../../../lab/backends/linux/namespace.ts';
import { UdpSocket } from '../../../lab/backends/linux/udp-socket.ts';
import type { Datagram } from '../../../lab/backends/linux/udp-socket.ts';
import { needs } from '../../support/needs.ts';
import { Inbox, host, twoHosts } from './two-hosts.ts';

const { test } = needs('network namespaces', 'koffi', 'ip');

interface Shown {
  ifname: string;
  operstate: string;
  mtu: number;
  master?: string;
  addr_info: { family: string; local: string; prefixlen: number }[];
  linkinfo?: { info_kind: string; info_data?: Record<string, unknown> };
}

/** What the independent reader, `ip`, finds in a namespace. */
const show = ({ namespace }: Interfaces): Shown[] => JSON.parse(namespace.run('ip', ['-j', '-d', 'address'])) as Shown[];
const routes = ({ namespace }: Interfaces, family: '-4' | '-6' = '-4'): unknown[] => JSON.parse(namespace.run('ip', ['-j', family, 'route'])) as unknown[];

test('a cable has its names, addresses and MTU at both ends, and `ip` sees it up', () => {
  const [a, b] = [host({ ipv6: true }), host()];
  wire({
    cables: [
      {
        mtu: 1400,
        ends: [
          { at: a, name: 'wan', addresses: [{ address: ip('192.0.2.1'), length: 24 }, { address: ip('2001:db8::1'), length: 64 }] },
          { at: b, name: 'eth0', addresses: [{ address: ip('192.0.2.2'), length: 24 }] },
        ],
      },
    ],
  });
  const [lo, wan] = show(a);
  expect(lo).toMatchObject({ ifname: 'lo', operstate: 'UNKNOWN' });
  expect(wan).toMatchObject({ ifname: 'wan', operstate: 'UP', mtu: 1400, linkinfo: { info_kind: 'veth' } });
  expect(wan!.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)).toEqual(['192.0.2.1/24', '2001:db8::1/64']);
  expect(show(b)[1]).toMatchObject({ ifname: 'eth0', operstate: 'UP', mtu: 1400, addr_info: [{ local: '192.0.2.2', prefixlen: 24 }] });
});

test('a bridge joins its cables, without spanning tree or multicast queries', () => {
  const [lan, a, b] = [host(), host(), host()];
  wire({
    bridges: [{ at: lan, name: 'lan' }],
    cables: [
      { ends: [{ at: lan, name: 'a', bridge: 'lan' }, { at: a, name: 'eth0', addresses: [{ address: ip('10.0.0.1'), length: 24 }] }] },
      { ends: [{ at: b, name: 'eth0', addresses: [{ address: ip('10.0.0.2'), length: 24 }] }, { at: lan, name: 'b', bridge: 'lan' }] },
    ],
  });
  const shown = show(lan);
  expect(shown.find(({ ifname }) => ifname === 'lan')?.linkinfo?.info_data).toMatchObject({ forward_delay: 0, stp_state: 0, mcast_snooping: 0 });
  expect(shown.filter(({ master }) => master === 'lan').map(({ ifname }) => ifname)).toEqual(['a', 'b']);
});

test('the very first packet over a fresh cable arrives: nothing is lost while it comes up', async () => {
  for (let round = 0; round < 5; round++) {
    await using net = twoHosts();
    const inbox = new Inbox<Datagram>();
    new UdpSocket(net.a.namespace, net.poller, { address: ip('10.0.0.1'), port: 500 }, inbox.push);
    const sender = new UdpSocket(net.b.namespace, net.poller, { address: ip('10.0.0.2'), port: 500 }, () => undefined);
    const started = performance.now();
    sender.send({ address: ip('10.0.0.1'), port: 500 }, Uint8Array.of(1));
    await inbox.next();
    expect(performance.now() - started).toBeLessThan(900); // a lost ARP request is repeated after a second
  }
});

test('routes are what `ip route` shows: default, through an interface, with a source of their own', async () => {
  await using net = twoHosts({ ipv6: true });
  net.a.addRoute({ to: prefix('0.0.0.0/0'), via: ip('10.0.0.2') });
  net.a.addRoute({ to: prefix('10.7.0.0/16'), through: 'eth0', from: ip('10.0.0.1') });
  net.a.addRoute({ to: prefix('::/0'), via: ip('fd00::2') });
  expect(routes(net.a)).toEqual([
    expect.objectContaining({ dst: 'default', gateway: '10.0.0.2', dev: 'eth0' }),
    expect.objectContaining({ dst: '10.0.0.0/24', dev: 'eth0', scope: 'link' }),
    expect.objectContaining({ dst: '10.7.0.0/16', dev: 'eth0', scope: 'link', prefsrc: '10.0.0.1' }),
  ]);
  expect(routes(net.a, '-6')).toContainEqual(expect.objectContaining({ dst: 'default', gateway: 'fd00::2' }));
  net.a.deleteRoute({ to: prefix('10.7.0.0/16'), through: 'eth0' });
  expect(routes(net.a)).toHaveLength(2);
});

test('a changed address takes the old one away and keeps the default route', async () => {
  await using net = twoHosts();
  net.a.addRoute({ to: prefix('0.0.0.0/0'), via: ip('10.0.0.2') });
  changeAddress(net.a, 'eth0', { address: ip('10.0.0.1'), length: 24 }, { address: ip('10.0.0.9'), length: 24 });
  expect(show(net.a)[1]!.addr_info.map(({ local }) => local)).toEqual(['10.0.0.9']);
  expect(routes(net.a)).toContainEqual(expect.objectContaining({ dst: 'default', gateway: '10.0.0.2' }));
});

test('a host that moves to another subnet takes its routers from there', async () => {
  await using net = twoHosts();
  net.b.addAddress('eth0', { address: ip('172.16.0.2'), length: 24 });
  net.a.addRoute({ to: prefix('0.0.0.0/0'), via: ip('10.0.0.2') });
  const moved = { address: ip('172.16.0.1'), length: 24 };
  changeAddress(net.a, 'eth0', { address: ip('10.0.0.1'), length: 24 }, moved, [{ to: prefix('0.0.0.0/0'), via: ip('172.16.0.2') }]);
  expect(routes(net.a)).toEqual([expect.objectContaining({ dst: 'default', gateway: '172.16.0.2' }), expect.objectContaining({ dst: '172.16.0.0/24' })]);
});

test('a cable that was pulled and plugged in again has its addresses and routes as before', async () => {
  await using net = twoHosts({ ipv6: true });
  net.a.addRoute({ to: prefix('0.0.0.0/0'), via: ip('10.0.0.2') });
  net.a.addRoute({ to: prefix('::/0'), via: ip('fd00::2') });
  const before = { a: show(net.a)[1]!.addr_info.map(({ local }) => local), v4: routes(net.a), v6: routes(net.a, '-6') };
  net.a.setUp('eth0', false);
  expect(show(net.b)[1]!.operstate).toBe('DOWN');
  net.a.setUp('eth0', true);
  expect({ a: show(net.a)[1]!.addr_info.map(({ local }) => local), v4: routes(net.a), v6: routes(net.a, '-6') }).toEqual(before);
  expect(net.a.namespace.run('ping', ['-c', '1', '-W', '1', '10.0.0.2'])).toContain('1 received');
});

test('what the kernel refuses says what was being done and why', () => {
  const a = host();
  const far = host();
  wire({ cables: [{ ends: [{ at: a, name: 'eth0' }, { at: far, name: 'eth0' }] }] });
  expect(() => a.addRoute({ to: prefix('0.0.0.0/0'), via: ip('10.0.0.2') })).toThrow(/^netlink: ENETUNREACH \(routing 0\.0\.0\.0\/0 via 10\.0\.0\.2: Nexthop has invalid gateway\)$/);
  expect(() => a.index('wan')).toThrow('no interface wan here, only lo, eth0');
});

test('a namespace is entered for the length of a call, and left again when it throws', () => {
  const namespace = createNamespace();
  const outside = host().namespace.run('readlink', ['/proc/self/ns/net']);
  const inside = namespace.run('readlink', ['/proc/self/ns/net']);
  expect(inside).not.toBe(outside);
  expect(() => namespace.inside(() => {
    throw new Error('on purpose');
  })).toThrow('on purpose');
  expect(createNamespace().inside(() => namespace.run('readlink', ['/proc/self/ns/net']))).toBe(inside);
  namespace.sysctls({ 'ipv4/ip_forward': 1 });
  expect(namespace.readSysctl('ipv4/ip_forward')).toBe('1');
  namespace.close();
});
