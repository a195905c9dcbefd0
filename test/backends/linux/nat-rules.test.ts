import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { milliseconds, seconds } from '../../../src/core/time.ts';
import type { NatBoxConfig } from '../../../src/nat/behaviour.ts';
import { presets, type BehaviourChanges } from '../../../src/nat/presets.ts';
import { kernelNat } from '../../../lab/backends/linux/nftables.ts';
import { behaviourOf } from '../../nat/lab.ts';

const interfaces = { inside: ['eth0', 'eth2'], outside: 'eth1', outsideAddress: ip('203.0.113.1') };

const rulesFor = (preset: string, changes: BehaviourChanges = {}, more: Partial<NatBoxConfig> = {}) =>
  kernelNat({ name: 'box', behaviour: behaviourOf(preset, changes), outsideAddresses: [ip('203.0.113.1')], insidePrefixes: [prefix('10.0.0.0/8'), prefix('192.168.0.0/16')], forwards: [], ...more }, interfaces);

const unsupported = (preset: string, changes?: BehaviourChanges): string[] => {
  const nat = rulesFor(preset, changes);
  return nat.supported ? [] : nat.unsupported.map(({ knob }) => knob);
};

test('plain masquerade, rule for rule', () => {
  const nat = rulesFor('linux-masquerade', {}, { forwards: [{ protocol: 'udp', port: 500, to: { address: ip('10.0.0.9'), port: 500 } }, { protocol: 'esp', to: ip('10.0.0.9') }] });
  expect(nat.supported && nat.ruleset).toBe(`table ip natt_lab
delete table ip natt_lab
table ip natt_lab {
  chain forwarded_ports {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "eth1" ip daddr 203.0.113.1 udp dport 500 dnat to 10.0.0.9:500
    iifname "eth1" ip daddr 203.0.113.1 ip protocol esp dnat to 10.0.0.9
  }
  chain translation {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth1" masquerade
  }
  chain forwarding {
    type filter hook forward priority filter; policy drop;
    ct state invalid drop
    ct state established,related accept
    iifname { "eth0", "eth2" } oifname "eth1" ip saddr { 10.0.0.0/8, 192.168.0.0/16 } ip protocol { icmp, tcp, udp, esp } accept
    iifname "eth1" oifname { "eth0", "eth2" } ct status dnat accept
  }
  chain to_the_box_itself {
    type filter hook input priority filter; policy accept;
    iifname "eth1" drop
    ip daddr 203.0.113.1 drop
  }
}
`);
});

test("conntrack's timers get the behaviour's, in seconds", () => {
  const nat = rulesFor('linux-masquerade');
  expect(nat.supported && nat.sysctls).toMatchObject({
    'net.ipv4.ip_forward': '1',
    'net.netfilter.nf_conntrack_udp_timeout': '30',
    'net.netfilter.nf_conntrack_udp_timeout_stream': '120',
    'net.netfilter.nf_conntrack_icmp_timeout': '30',
    'net.netfilter.nf_conntrack_generic_timeout': '600',
    'net.netfilter.nf_conntrack_tcp_timeout_established': '432000',
    'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': '120',
  });
});

describe('which presets the kernel can be', () => {
  const missing: Record<string, string[]> = {
    'rfc-4787': ['filtering', 'ports.overloading', 'ports.parity', 'refusals', 'tcp.unsolicitedSyn', 'refresh', 'hairpinning'],
    'full-cone': ['filtering', 'ports.overloading', 'hairpinning'],
    restricted: ['filtering', 'ports.overloading', 'hairpinning'],
    'port-restricted': ['ports.overloading', 'hairpinning'],
    'no-hairpin': ['ports.overloading'],
    symmetric: ['ports.overloading', 'ports.keepLowApart'],
    'turns-symmetric': ['ports.overloading', 'ports.onConflict', 'hairpinning'],
    'short-timeouts': [],
    'linux-masquerade': [],
    'linux-masquerade-random': [],
    mikrotik: [],
    'openbsd-pf': ['ports.range', 'ports.keepLowApart', 'tcp.midStream'],
    'pf-static-port': ['ports.range', 'ports.keepLowApart', 'ports.onConflict', 'tcp.midStream'],
    pfsense: ['ports.range', 'ports.keepLowApart', 'tcp.midStream'],
    'windows-ics': ['ports.overloading', 'ports.range', 'ports.keepLowApart', 'ah', 'pptp'],
    'windows-winnat': ['filtering', 'ports.overloading', 'mapping', 'ports.range', 'ports.keepLowApart', 'refresh', 'pptp'],
    'cisco-ios': ['ports.overloading'],
    'cisco-asa': ['ports.overloading', 'tcp.midStream'],
    'juniper-persistent': ['filtering', 'ports.overloading', 'mapping', 'ports.range', 'ports.keepLowApart', 'hairpinning'],
    'carrier-cgnat': ['filtering', 'ports.overloading', 'mapping', 'ports.keepLowApart', 'ports.blocks', 'hostLimit', 'hairpinning'],
    'carrier-arbitrary': ['ports.keepLowApart'],
    'aws-nat-gateway': ['ports.keepLowApart', 'tcp.midStream'],
    'google-cloud-nat': ['ports.keepLowApart', 'ports.blocks', 'tcp.midStream'],
    'passthrough-500': [],
    'passthrough-single': ['pinned.scope', 'esp'],
    'passthrough-500-steal': ['pinned.onConflict', 'pinned.scope'],
    'passthrough-cookie': ['pinned.onConflict', 'esp'],
    'passthrough-spi': ['esp'],
    'passthrough-off': ['pptp'],
    'helper-strips-nat-t': ['pinned.scope', 'esp', 'helpers'],
    'udp-4500-blocked': [],
    'udp-blocked': [],
    'split-ports': ['pool.byRemotePort'],
    'fragments-dropped': [],
    'fragments-first-only': ['fragments'],
    'zero-checksum-adjusted': ['zeroChecksum'],
    'icmp-errors-dropped': ['icmpErrors'],
    'evicting-table': ['whenFull'],
    'stale-mappings': ['whenAddressChanges'],
  };
  test.each(presets.map(({ name }) => name))('%s', (name) => expect(unsupported(name)).toEqual(missing[name]));
});

describe('a knob that the kernel has not is named', () => {
  const knobs: [BehaviourChanges, string][] = [
    [{ mapping: 'address-dependent' }, 'mapping'],
    [{ ports: { assignment: 'sequential' } }, 'ports.assignment'],
    [{ ports: { assignment: 'random' } }, 'mapping'],
    [{ ports: { range: [2000, 3000] } }, 'ports.range'],
    [{ ports: { onConflict: 'refuse' } }, 'ports.onConflict'],
    [{ refresh: 'outbound' }, 'refresh'],
    [{ esp: 'one-client' }, 'esp'],
    [{ timeouts: { unreplied: milliseconds(1500) } }, 'timeouts.unreplied'],
    [{ timeouts: { esp: milliseconds(0) } }, 'timeouts.esp'],
    [{ timeouts: { byRemotePort: { 500: milliseconds(100) } } }, 'timeouts.byRemotePort.500'],
    [{ timeouts: { repliedAfter: seconds(0) } }, 'timeouts.repliedAfter'],
  ];
  test.each(knobs)('%o', (changes, knob) => expect(unsupported('linux-masquerade', changes)).toEqual([knob]));

  test('with a reason in words', () => {
    const nat = rulesFor('passthrough-500-steal');
    expect(nat.supported ? [] : nat.unsupported[0]!.reason).toBe('stealing a pinned mapping: nftables has no rule for it');
  });
  test('but one that changes nothing is let pass: what a pin would do without a pinned port, when a stream would begin with one timer for both', () => {
    expect(unsupported('linux-masquerade', { pinned: { onConflict: 'steal', scope: 'whole-box' }, timeouts: { unreplied: seconds(20), replied: seconds(20), repliedAfter: seconds(0) } })).toEqual([]);
  });
});
