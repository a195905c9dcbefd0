/** Boxes with a maker's name: kernels, firewalls, carriers, clouds. */
import { hours, minutes, seconds } from '../../core/time.ts';
import type { NatPreset } from '../behaviour.ts';
import { changed } from '../changes.ts';
import { asTheRfcsAsk, idle, masquerade } from './bases.ts';

const random = changed(masquerade, { mapping: 'address-and-port-dependent', ports: { assignment: 'random' } });

/** pf's own timers; a TCP connection that opens has 30 s, one that closes 45. */
const pf = changed(random, {
  ports: { range: [50001, 65535], keepLowApart: false },
  timeouts: { ...idle(seconds(60)), icmp: seconds(20), esp: seconds(60), tcpEstablished: hours(24), tcpTransitory: seconds(45) },
  tcp: { midStream: 'dropped' },
});

const pfSources = [
  { says: 'source ports are drawn from 50001–65535 for each state, and two states may share one if their remotes differ', where: 'OpenBSD pf.conf(5), nat-to; pf_lb.c' },
  { says: 'UDP 60 s (30 s in one direction), ICMP 20 s, other protocols 60 s, TCP 24 h', where: 'OpenBSD pf.conf(5), set timeout; pfvar.h of FreeBSD: PFTM_UDP_FIRST_PACKET_VAL 60, PFTM_UDP_SINGLE_VAL 30, PFTM_UDP_MULTIPLE_VAL 60, PFTM_ICMP_FIRST_PACKET_VAL 20' },
];

export const systems: readonly NatPreset[] = [
  {
    name: 'linux-masquerade',
    title: 'Linux masquerade: keeps the port where it can, one timer a flow, 30 s until answered and 120 s after',
    met: 'Most home routers, hotspots and container hosts run this.',
    sources: [{ says: 'all of it; a second client from port 500 gets one below 512, from 4500 one above 1023', where: 'measured on kernel 6.18 with nftables 1.0.6, and held to it by the conformance table' }],
    modelled: "Nothing, but for TCP's states, which are three here, and for what the kernel leaves to chance.",
    behaviour: masquerade,
  },
  {
    name: 'linux-masquerade-random',
    title: 'Linux masquerade random: a new outside port for every flow',
    met: 'Some firewalls and container platforms set the `random` flag of the masquerade rule: symmetric NAT out of the same kernel.',
    sources: [{ says: 'all of it', where: 'measured on kernel 6.18 with nftables 1.0.6, and held to it by the conformance table' }],
    modelled: 'As with linux-masquerade.',
    behaviour: random,
  },
  {
    name: 'mikrotik',
    title: 'MikroTik RouterOS: Linux masquerade with 10 s until answered and 3 minutes after',
    met: 'Small providers, hotels, offices.',
    sources: [{ says: 'udp-timeout 10 s, udp-stream-timeout 3 min, icmp-timeout 10 s, generic-timeout 10 min, tcp-established-timeout 1 day, closing states 10 s', where: "RouterOS manual, IP/Firewall/Connection tracking (defaults of version 6)" }],
    modelled: 'That the rest is as in Linux today.',
    behaviour: changed(masquerade, { timeouts: { unreplied: seconds(10), replied: minutes(3), icmp: seconds(10), tcpEstablished: hours(24), tcpTransitory: seconds(10) } }),
  },
  {
    name: 'openbsd-pf',
    title: 'pf of OpenBSD and FreeBSD: a random high port for every flow, 60 s',
    met: 'Firewalls built on OpenBSD or FreeBSD whose nat-to rule says nothing more.',
    sources: pfSources,
    modelled: 'A flow has 60 s after its first packet; that a second unanswered one leaves it 30 s is left out. TCP that opens or closes has 45 s, where pf counts from 30 s to 15 min.',
    behaviour: pf,
  },
  {
    name: 'pf-static-port',
    title: 'pf with static-port: keeps every port or passes nothing',
    met: "Rules made for consoles and telephones, and for 'IPsec' by those who want it simple.",
    sources: [{ says: 'static-port keeps pf from changing the source port of TCP and UDP', where: 'OpenBSD pf.conf(5), nat-to' }, ...pfSources.slice(1)],
    modelled: 'That the second client of one port and one server is dropped; timers as with openbsd-pf.',
    behaviour: changed(pf, { mapping: 'endpoint-independent', ports: { assignment: 'preserve', onConflict: 'refuse' } }),
  },
  {
    name: 'pfsense',
    title: 'pfSense: random ports, but source port 500 leaves as 500',
    met: 'Small companies, and homes of people who care. OPNsense has the same rule.',
    sources: [{ says: 'automatic outbound NAT keeps the source port of UDP 500, and rewrites all others', where: 'pfSense documentation, Outbound NAT, Static Port' }, ...pfSources],
    modelled: 'That the second client from 500 to one server is dropped; timers as with openbsd-pf.',
    behaviour: changed(pf, { pinned: { ports: [500], onConflict: 'refuse', scope: 'per-server' } }),
  },
  {
    name: 'windows-ics',
    title: 'Windows Internet Connection Sharing: a minute for UDP, changed ports from 1025 on',
    met: 'A laptop that shares its connection; Routing and Remote Access on old servers.',
    sources: [
      { says: 'ports for translation are reserved from 1025 to 3000 (0x0401 to 0x0BB8)', where: 'Windows Embedded CE, IP NAT Registry Settings: ReservedPortsStart, ReservedPortsEnd' },
      { says: 'ESP and AH are mapped beside TCP, UDP, ICMP and PPTP', where: 'MS-RRASM, IP_NAT_SESSION_MAPPING' },
    ],
    modelled: 'That UDP mappings live 1 minute and TCP ones 24 hours, for which no page of the maker was found; that a free port is kept, the filter, and that ESP and AH pass for one client a server.',
    behaviour: changed(asTheRfcsAsk, {
      filtering: 'address-and-port-dependent',
      ports: { range: [1025, 3000], keepLowApart: false, assignment: 'preserve' },
      timeouts: { ...idle(minutes(1)), tcpEstablished: hours(24) },
      hairpinning: false,
      ah: 'one-per-server',
      pptp: 'by-call-id',
    }),
  },
  {
    name: 'windows-winnat',
    title: 'WinNAT: address-restricted, 2 minutes, refreshed from inside only, no ESP',
    met: 'Under Hyper-V, containers and WSL on every newer Windows.',
    sources: [
      { says: 'UdpIdleSessionTimeout 120, UdpFilteringBehavior AddressDependentFiltering, UdpInboundRefresh False, IcmpQueryTimeout 30, TcpEstablishedConnectionTimeout 1800, TcpTransientConnectionTimeout 120', where: 'Get-NetNat, defaults' },
    ],
    modelled: 'One high port for each client port, for every destination; that nothing but TCP, UDP and ICMP passes.',
    behaviour: changed(asTheRfcsAsk, {
      filtering: 'address-dependent',
      ports: { assignment: 'random', range: [49152, 65535], keepLowApart: false },
      timeouts: { ...idle(seconds(120)), icmp: seconds(30), tcpEstablished: minutes(30), tcpTransitory: seconds(120) },
      refresh: 'outbound',
      hairpinning: false,
      esp: 'blocked',
      pptp: 'blocked',
    }),
  },
  {
    name: 'cisco-ios',
    title: 'Cisco IOS, PAT by interface overload: keeps the port or takes one of its class, 5 minutes',
    met: 'Branch offices.',
    sources: [
      { says: 'udp-timeout 5 min, tcp-timeout 24 h, icmp-timeout, syn-timeout and finrst-timeout 60 s', where: 'Cisco IOS command reference, ip nat translation' },
      { says: 'a port that is taken is replaced by one of 1–511, 512–1023 or 1024–65535, whichever it is from', where: 'Cisco, NAT FAQ' },
      { says: 'without SPI matching, ESP entries wait for a reply, one at a time', where: 'Cisco IOS 12.2(15)T, NAT Support for IPsec ESP, Phase II' },
    ],
    modelled: 'That a class in the middle begins at 600, as in Linux; ESP is one client a server.',
    behaviour: changed(asTheRfcsAsk, {
      filtering: 'address-and-port-dependent',
      timeouts: { tcpEstablished: hours(24), tcpTransitory: seconds(60) },
      hairpinning: false,
    }),
  },
  {
    name: 'cisco-asa',
    title: 'Cisco ASA, dynamic PAT: keeps the port or takes one of its class, 2 minutes, no ESP',
    met: 'Company firewalls.',
    sources: [
      { says: 'the real port is used if it is free, else one of 0–511, 512–1023 or 1024–65535, whichever it is from', where: 'Cisco ASA Series Firewall CLI Configuration Guide, Network Object NAT, Configuring Dynamic PAT (Hide)' },
      { says: 'timeout conn 1:00:00 half-closed 0:10:00 udp 0:02:00 icmp 0:00:02, and pat-xlate 0:00:30', where: 'the defaults that every show running-config prints; Cisco ASA command reference, timeout' },
      { says: 'after a connection a multi-session translation stays for 30 s, a per-session one is gone at once', where: 'Cisco ASA Series Firewall CLI Configuration Guide, Dynamic PAT' },
      { says: 'ESP passes only with inspect ipsec-pass-thru, which is off at first', where: 'Cisco ASA configuration guide, inspection' },
    ],
    modelled: 'That a class in the middle begins at 600, as in Linux; the 30 s for which a multi-session translation outlives its last connection are left out. TCP that opens has 30 s, and so has one that closes, where the ASA gives 10 minutes to one half-closed.',
    behaviour: changed(asTheRfcsAsk, {
      filtering: 'address-and-port-dependent',
      timeouts: { ...idle(minutes(2)), icmp: seconds(2), tcpEstablished: hours(1), tcpTransitory: seconds(30) },
      hairpinning: false,
      tcp: { midStream: 'dropped' },
      esp: 'blocked',
    }),
  },
  {
    name: 'juniper-persistent',
    title: 'Juniper SRX, persistent NAT for any remote host: a random port, open to everyone, 6 minutes',
    met: 'Providers and companies whose users telephone and play.',
    sources: [
      { says: 'any-remote-host: whoever knows the outside port may send to it; a binding waits 5 minutes after its last session', where: 'Junos security configuration guide, Persistent NAT' },
      { says: 'a UDP session lasts 1 minute, TCP 30, ICMP 1', where: 'Junos security configuration guide, protocol-based default timeouts' },
      { says: 'ports are 1024–63487', where: 'show security nat source pool' },
    ],
    modelled: 'A mapping lives for the session and the wait together; ESP is one client a server.',
    behaviour: changed(asTheRfcsAsk, {
      ports: { assignment: 'random', range: [1024, 63487], keepLowApart: false },
      timeouts: { ...idle(minutes(6)), tcpEstablished: minutes(30), esp: minutes(30) },
    }),
  },
  {
    name: 'carrier-cgnat',
    title: 'Carrier NAT: two addresses, each customer on one of them, ports by the block',
    met: 'Mobile and cable networks that are out of addresses; mostly behind it stands a home router, too.',
    sources: [
      { says: 'RFC 4787 holds (REQ-1), a customer has one outside address (REQ-2) and a limit (REQ-4), which makes room for the others', where: 'RFC 6888' },
      { says: 'ports in blocks, so that one line in the log tells who had them', where: 'RFC 6888 REQ-12, RFC 7422' },
    ],
    modelled: 'Blocks of 512 and four a customer, random ports in them, 2 minutes, which is the least that RFC 4787 allows.',
    behaviour: changed(asTheRfcsAsk, {
      pool: { addresses: 2, pooling: 'paired' },
      ports: { assignment: 'random', keepLowApart: false, blocks: { size: 512, perHost: 4 } },
      timeouts: idle(minutes(2)),
      hostLimit: 2048,
    }),
  },
  {
    name: 'carrier-arbitrary',
    title: 'Carrier NAT of the worse kind: any of two addresses for every flow',
    met: 'Mobile networks whose gateways balance load by flow: IKE on 500 and on 4500 comes from two addresses, by chance.',
    sources: [{ says: 'arbitrary pooling breaks REQ-2, which is a recommendation for the sake of protocols with several flows', where: 'RFC 4787 §4.1' }],
    modelled: 'All of it, out of Linux masquerade random.',
    behaviour: changed(random, { pool: { addresses: 2, pooling: 'arbitrary' }, ports: { keepLowApart: false } }),
  },
  {
    name: 'aws-nat-gateway',
    title: "Amazon's NAT gateway: a new high port for every destination, 350 s, TCP, UDP and ICMP only",
    met: 'Private subnets of that cloud.',
    sources: [
      { says: 'TCP, UDP and ICMP are supported; up to 55,000 connections to each destination', where: 'Amazon VPC user guide, NAT gateway basics' },
      { says: 'a connection that is idle for 350 s or more times out; IPsec cannot be established through it', where: 'Amazon VPC user guide, Troubleshoot NAT gateways' },
    ],
    modelled: 'How ports are drawn. The reset that follows a forgotten TCP connection is left out.',
    behaviour: changed(random, { ports: { keepLowApart: false }, timeouts: { ...idle(seconds(350)), icmp: seconds(350), tcpEstablished: seconds(350) }, esp: 'blocked', tcp: { midStream: 'dropped' } }),
  },
  {
    name: 'google-cloud-nat',
    title: "Google's Cloud NAT: ports by blocks of 64, 30 s for UDP, TCP, UDP and ICMP only",
    met: 'Private machines of that cloud.',
    sources: [
      { says: '64 ports for each machine, used anew for each destination; with dynamic allocation more as they run out', where: 'Cloud NAT documentation, addresses and ports' },
      { says: 'UDP 30 s, ICMP 30 s, TCP 20 minutes, 30 s while it opens', where: 'Cloud NAT documentation, tune NAT configuration' },
    ],
    modelled: 'With dynamic allocation, up to 1024 ports, each time 64 more; without endpoint-independent mapping, which is a switch; one outside address.',
    behaviour: changed(random, {
      ports: { keepLowApart: false, blocks: { size: 64, perHost: 16 } },
      timeouts: { ...idle(seconds(30)), icmp: seconds(30), tcpEstablished: minutes(20), tcpTransitory: seconds(30) },
      esp: 'blocked',
      tcp: { midStream: 'dropped' },
    }),
  },
];
