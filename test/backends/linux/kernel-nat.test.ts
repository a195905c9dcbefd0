import { expect } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import type { Endpoint } from '../../../src/core/address.ts';
import type { NatEvent } from '../../../src/core/events.ts';
import { KernelNat } from '../../../lab/backends/linux/kernel-nat.ts';
import type { Interfaces } from '../../../lab/backends/linux/links.ts';
import { changeAddress, wire } from '../../../lab/backends/linux/links.ts';
import { Poller } from '../../../lab/backends/linux/poller.ts';
import { IPPROTO_ESP, RawSocket } from '../../../lab/backends/linux/raw-socket.ts';
import { UdpSocket } from '../../../lab/backends/linux/udp-socket.ts';
import type { Datagram } from '../../../lab/backends/linux/udp-socket.ts';
import { needs } from '../../support/needs.ts';
import { Inbox, host } from './two-hosts.ts';

const { test } = needs('network namespaces', 'koffi', 'nft', 'conntrack');

const at = (address: string, port: number): Endpoint => ({ address: ip(address), port });

const rules = `
table ip nat {
  chain in { type nat hook prerouting priority dstnat; udp dport 5000 iif "wan" dnat to 10.0.0.2:500; }
  chain out { type nat hook postrouting priority srcnat; oif "wan" masquerade; }
}
`;

interface BehindBox extends AsyncDisposable {
  readonly client: Interfaces;
  readonly box: Interfaces;
  readonly server: Interfaces;
  readonly poller: Poller;
  readonly nat: KernelNat;
  readonly events: Inbox<NatEvent>;
}

/** client 10.0.0.2 – 10.0.0.1 box 192.0.2.1 – 192.0.2.9 server; mappings of 2 s, replied ones of 4 s. */
function behindBox(): BehindBox {
  const [client, box, server] = [host(), host({ forwarding: true }), host()];
  const end = (node: Interfaces, name: string, address: string) => ({ at: node, name, addresses: [{ address: ip(address), length: 24 }] });
  wire({
    cables: [{ ends: [end(client, 'eth0', '10.0.0.2'), end(box, 'lan', '10.0.0.1')] }, { ends: [end(box, 'wan', '192.0.2.1'), end(server, 'eth0', '192.0.2.9')] }],
    routes: [{ at: client, route: { to: prefix('0.0.0.0/0'), via: ip('10.0.0.1') } }],
  });
  box.namespace.run('nft', ['-f', '-'], rules);
  box.namespace.sysctls({ 'netfilter/nf_conntrack_udp_timeout': 2, 'netfilter/nf_conntrack_udp_timeout_stream': 4, 'netfilter/nf_conntrack_generic_timeout': 2 });
  const poller = new Poller();
  const events = new Inbox<NatEvent>();
  const nat = new KernelNat(box.namespace, poller, { rate: 1, box: 'box', report: events.push });
  return {
    client,
    box,
    server,
    poller,
    nat,
    events,
    [Symbol.asyncDispose]: async () => {
      nat.close();
      await poller.close();
      for (const node of [client, box, server]) {
        node.close();
        node.namespace.close();
      }
    },
  };
}

test('a mapping is told of when it is made, is in the table that `conntrack` shows, and is told of when it expires', { timeout: 15_000 }, async () => {
  await using net = behindBox();
  const received = new Inbox<Datagram>();
  new UdpSocket(net.server.namespace, net.poller, at('192.0.2.9', 500), received.push);
  const client = new UdpSocket(net.client.namespace, net.poller, at('10.0.0.2', 500), () => undefined);
  client.send(at('192.0.2.9', 500), Uint8Array.of(1));
  const started = performance.now();
  expect((await received.next()).peer).toEqual(at('192.0.2.1', 500));

  const mapping = { protocol: 'udp', inside: at('10.0.0.2', 500), outside: at('192.0.2.1', 500), remote: at('192.0.2.9', 500), replied: false };
  const made = await net.events.next();
  expect(made).toMatchObject({ kind: 'mapping-created', mapping });
  expect((made as { story: string }).story).toMatch(/^box maps UDP 10\.0\.0\.2:500 ⇄ 192\.0\.2\.1:500 \(its port kept\) for 192\.0\.2\.9:500; if nothing refreshes it, it lives [12] s$/);
  expect(net.nat.mappings()).toEqual([expect.objectContaining(mapping)]);
  expect(net.box.namespace.run('conntrack', ['-L'])).toMatch(/^udp +17 \d+ src=10\.0\.0\.2 dst=192\.0\.2\.9 sport=500 dport=500 \[UNREPLIED\] src=192\.0\.2\.9 dst=192\.0\.2\.1 sport=500 dport=500/);

  expect(await net.events.next()).toMatchObject({ kind: 'mapping-expired', mapping: { ...mapping, expiresIn: 0 } });
  const lived = performance.now() - started;
  expect(lived).toBeGreaterThan(1990);
  expect(lived).toBeLessThan(2700);
  expect(net.nat.mappings()).toEqual([]);
});

test('a mapping that is refreshed does not expire, and lives longer once both sides have spoken', { timeout: 20_000 }, async () => {
  await using net = behindBox();
  const server: UdpSocket = new UdpSocket(net.server.namespace, net.poller, at('192.0.2.9', 4500), ({ peer }) => server.send(peer, Uint8Array.of(2)));
  const client = new UdpSocket(net.client.namespace, net.poller, at('10.0.0.2', 4500), () => undefined);
  const keepalive = setInterval(() => client.send(at('192.0.2.9', 4500), Uint8Array.of(0xff)), 1000);
  await new Promise((resolve) => setTimeout(resolve, 4500));
  expect(net.events.items.map(({ kind }) => kind)).toEqual(['mapping-created']);
  clearInterval(keepalive);
  const silent = performance.now();
  await net.events.next();
  expect(await net.events.next()).toMatchObject({ kind: 'mapping-expired', mapping: { replied: true } });
  expect(performance.now() - silent).toBeGreaterThan(2900);
});

test('a forwarded port is a mapping opened from outside; ESP has no ports', async () => {
  await using net = behindBox();
  new UdpSocket(net.client.namespace, net.poller, at('10.0.0.2', 500), () => undefined);
  new UdpSocket(net.server.namespace, net.poller, at('192.0.2.9', 500), () => undefined).send(at('192.0.2.1', 5000), Uint8Array.of(1));
  const forwarded = await net.events.next();
  expect(forwarded).toMatchObject({ kind: 'mapping-created', mapping: { protocol: 'udp', inside: at('10.0.0.2', 500), outside: at('192.0.2.1', 5000), remote: at('192.0.2.9', 500) } });
  expect((forwarded as { story: string }).story).toContain('box hands 192.0.2.9:500 on through its forwarded 192.0.2.1:5000 to 10.0.0.2:500');
  new RawSocket(net.client.namespace, net.poller, { protocol: IPPROTO_ESP, family: 4 }, () => undefined).send({
    source: ip('10.0.0.2'),
    destination: ip('192.0.2.9'),
    payload: new Uint8Array(16),
  });
  expect(await net.events.next()).toMatchObject({ kind: 'mapping-created', mapping: { protocol: 'esp', inside: at('10.0.0.2', 0), outside: at('192.0.2.1', 0), remote: at('192.0.2.9', 0) } });
});

test('what is cleared is told as removed, with the reason, and the next packet makes a new mapping', async () => {
  await using net = behindBox();
  const client = new UdpSocket(net.client.namespace, net.poller, at('10.0.0.2', 500), () => undefined);
  for (const why of ['flushed', 'reboot'] as const) {
    client.send(at('192.0.2.9', 500), Uint8Array.of(1));
    expect(await net.events.next(({ kind }) => kind === 'mapping-created')).toBeDefined();
    net.nat.clear(why);
    expect(net.events.items.at(-1)).toMatchObject({ kind: 'mapping-removed', why, mapping: { inside: at('10.0.0.2', 500) } });
    expect(net.nat.mappings()).toEqual([]);
  }
});

test('after a change of address the same socket appears with the new one', async () => {
  await using net = behindBox();
  const received = new Inbox<Datagram>();
  new UdpSocket(net.server.namespace, net.poller, at('192.0.2.9', 4500), received.push);
  const client = new UdpSocket(net.client.namespace, net.poller, at('10.0.0.2', 4500), () => undefined);
  client.send(at('192.0.2.9', 4500), Uint8Array.of(1));
  expect((await received.next()).peer).toEqual(at('192.0.2.1', 4500));
  net.nat.clear('address-changed', () => changeAddress(net.box, 'wan', { address: ip('192.0.2.1'), length: 24 }, { address: ip('192.0.2.77'), length: 24 }));
  expect(net.events.items.at(-1)).toMatchObject({ kind: 'mapping-removed', why: 'address-changed' });
  client.send(at('192.0.2.9', 4500), Uint8Array.of(2));
  expect((await received.next()).peer).toEqual(at('192.0.2.77', 4500));
});
