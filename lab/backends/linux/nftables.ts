/**
 * A NAT behaviour as the kernel's own NAT: nftables rules and conntrack's timers. A pure function; what the rules do is tested in the kernel,
 * packet by packet beside the `NatBox` machine.
 *
 * Where the two still differ, on purpose (kernel 6.18):
 *  - a client whose port must change may be given a pinned port by chance (1 in 511), which the machine keeps for those who cannot have another;
 *  - a new low port is looked for in up to 240 places, where the machine tries them all;
 *  - conntrack follows TCP's states more closely than the machine, which knows open, closing and closed.
 */
import { describePrefix, type IpAddress } from '../../../src/core/address.ts';
import { seconds, type Duration } from '../../../src/core/time.ts';
import type { NatBehaviour, NatBoxConfig, NatTimeouts, PortForward } from '../../../src/nat/behaviour.ts';
import { blockedUdpPortsOf } from '../../../src/nat/passthrough.ts';

/** The router's interfaces by name, and the address that inside hosts share. */
export interface NatInterfaces {
  readonly inside: readonly string[];
  readonly outside: string;
  readonly outsideAddress: IpAddress;
}

/** A knob that the kernel does not have, with the reason for people. */
export interface UnsupportedKnob {
  /** As in the vocabulary: `ports.overloading`. */
  readonly knob: string;
  readonly reason: string;
}

export type KernelNat =
  | { readonly supported: true; /** For `nft -f`. */ readonly ruleset: string; /** By the name that `sysctl` knows. */ readonly sysctls: Readonly<Record<string, string>> }
  | { readonly supported: false; readonly unsupported: readonly UnsupportedKnob[] };

/** What to tell the kernel so that it behaves as the box's configuration says, or which knobs it cannot honour. */
export function kernelNat(config: NatBoxConfig, interfaces: NatInterfaces): KernelNat {
  const unsupported = [
    ...(config.ipv6 === undefined ? [] : [{ knob: config.ipv6.kind, reason: 'nftables has neither NAT64 nor prefixes that leave checksums as they are' }]),
    ...unsupportedKnobs(config.behaviour),
    ...(config.outsideAddresses.length > 1 ? [{ knob: 'outsideAddresses', reason: 'masquerade uses the first address of its interface; forwarded ports are open on that one' }] : []),
  ];
  if (unsupported.length > 0) return { supported: false, unsupported };
  return { supported: true, ruleset: ruleset(config, interfaces), sysctls: sysctls(config.behaviour.timeouts) };
}

// ---- what the kernel cannot do ----

/** The kernel's own limit is shared by all namespaces; this many it grants everywhere. */
const kernelTableSize = 65536;

/** Linux waits this long before it believes in a stream (nf_conntrack_proto_udp.c); no sysctl for it. */
const streamAfter = seconds(2);

type Limit = readonly [knob: string, isUnsupported: (behaviour: NatBehaviour) => boolean, reason: string];

const limits: readonly Limit[] = [
  ['filtering', ({ filtering }) => filtering !== 'address-and-port-dependent', 'conntrack lets in what answers a flow, from the very address and port it went to, and nothing else'],
  ['ports.overloading', ({ ports }) => ports.overloading === false, 'Linux gives one outside port to two clients as soon as they talk to different servers, with a timer for each flow'],
  ['ports.assignment', ({ ports }) => ports.assignment === 'sequential', 'masquerade keeps the port or draws one; it does not count'],
  ['mapping', ({ mapping, ports }) => ports.assignment !== 'sequential' && mapping !== (ports.assignment === 'preserve' ? 'endpoint-independent' : 'address-and-port-dependent'), 'masquerade keeps one port for every destination, and masquerade random draws one for each flow; there is nothing in between'],
  ['ports.range', ({ ports }) => ports.range[0] !== 1024 || ports.range[1] !== 65535, 'a range in the masquerade rule would also move ports that are free, and mix low ports with high ones'],
  ['ports.keepLowApart', ({ ports }) => !ports.keepLowApart, 'Linux keeps ports below 512, below 1024 and above apart, and has no switch for it'],
  ['ports.onConflict', ({ ports }) => ports.assignment === 'preserve' && ports.onConflict !== 'another-port', 'masquerade finds another port when one is taken, and stays with it'],
  ['ports.parity', ({ ports }) => ports.parity === 'preserve', 'masquerade looks at no parity when it draws a port'],
  ['ports.contiguous', ({ ports }) => ports.contiguous, 'masquerade draws each port by itself'],
  ['ports.blocks', ({ ports }) => ports.blocks !== false, 'masquerade draws from one range for all'],
  ['pool.byRemotePort', ({ pool }) => Object.keys(pool.byRemotePort).length > 0, 'masquerade uses the first address of its interface'],
  ['fragments', ({ fragments }) => fragments === 'follow' || fragments === 'first-only', 'conntrack puts fragments together before anything else sees them'],
  ['zeroChecksum', ({ zeroChecksum }) => zeroChecksum !== 'kept', 'the kernel leaves a checksum of zero alone'],
  ['icmpErrors', ({ icmpErrors }) => icmpErrors !== 'translated', 'conntrack translates errors with the packets inside them'],
  ['refusals', ({ refusals }) => refusals === 'icmp', 'netfilter drops without a word what finds no port'],
  ['tcp.unsolicitedSyn', ({ tcp }) => tcp.unsolicitedSyn !== 'dropped', 'what comes to the outside address and belongs to no flow is dropped by a rule'],
  ['tcp.midStream', ({ tcp }) => tcp.midStream === 'dropped', 'conntrack picks up connections in their midst'],
  ['hostLimit', ({ hostLimit }) => hostLimit !== 'none', 'conntrack counts what there is in all, not what is whose'],
  ['whenAddressChanges', ({ whenAddressChanges }) => whenAddressChanges === 'keep', 'masquerade forgets what stood at an address that goes'],
  ['whenFull', ({ whenFull }) => whenFull === 'evict-oldest', 'conntrack drops the newcomer; which old flow it gives up early, it alone decides'],
  ['refresh', ({ refresh }) => refresh !== 'both', 'conntrack renews a flow on packets of either direction'],
  ['hairpinning', ({ hairpinning }) => hairpinning !== false, 'what inside hosts send to the outside address ends in the router itself'],
  ['pinned.onConflict', ({ pinned }) => pinned.ports.length > 0 && pinned.onConflict === 'steal', 'stealing a pinned mapping: nftables has no rule for it'],
  ['pinned.onConflict', ({ pinned }) => pinned.ports.length > 0 && pinned.onConflict === 'share-by-cookie', 'conntrack does not look into IKE, and cannot tell two clients of one server and port apart'],
  ['pinned.scope', ({ pinned }) => pinned.ports.length > 0 && pinned.scope === 'whole-box', 'conntrack tells two clients of one outside port apart by their servers, and lets both in'],
  ['esp', ({ esp }) => esp === 'one-client', 'conntrack tells ESP of two clients apart by their servers, and lets both in'],
  ['esp', ({ esp }) => esp === 'by-spi', 'conntrack knows no SPIs'],
  ['ah', ({ ah }) => ah !== 'blocked', 'the rules let ICMP, TCP, UDP and ESP out, no other protocol'],
  ['helpers', ({ helpers }) => helpers.length > 0, 'the kernel does not change IKE messages'],
  ['pptp', ({ pptp }) => pptp !== 'untracked', 'the rules have no conntrack helper for PPTP'],
  ['timeouts.repliedAfter', ({ timeouts }) => timeouts.repliedAfter !== streamAfter && timeouts.replied !== timeouts.unreplied, 'Linux believes in a stream after 2 s, always'],
];

function unsupportedKnobs(behaviour: NatBehaviour): UnsupportedKnob[] {
  const durations = [
    ...Object.keys(timers).map((knob) => [knob, behaviour.timeouts[knob as TimerKnob]] as const),
    ...Object.entries(behaviour.timeouts.byRemotePort).map(([port, life]) => [`byRemotePort.${port}`, life] as const),
  ];
  return [
    ...limits.flatMap(([knob, isUnsupported, reason]) => (isUnsupported(behaviour) ? [{ knob, reason }] : [])),
    ...durations.flatMap(([knob, life]) => (isWholeSeconds(life) ? [] : [{ knob: `timeouts.${knob}`, reason: `conntrack counts whole seconds, from 1 on; this is ${life / 1000} s` }])),
  ];
}

const isWholeSeconds = (life: Duration): boolean => Number.isSafeInteger(life / 1000) && life >= 1000;

// ---- timers ----

type TimerKnob = Exclude<keyof NatTimeouts, 'repliedAfter' | 'byRemotePort'>;

/** Where one knob stands for several of conntrack's timers, all get its value. */
const timers: Record<TimerKnob, readonly string[]> = {
  unreplied: ['udp_timeout'],
  replied: ['udp_timeout_stream'],
  icmp: ['icmp_timeout'],
  esp: ['generic_timeout'], // conntrack knows no ESP
  tcpEstablished: ['tcp_timeout_established', 'tcp_timeout_unacknowledged', 'tcp_timeout_max_retrans'],
  tcpTransitory: ['syn_sent', 'syn_recv', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close'].map((state) => `tcp_timeout_${state}`),
};

function sysctls(timeouts: NatTimeouts): Record<string, string> {
  const conntrack = (name: string): string => `net.netfilter.nf_conntrack_${name}`;
  return {
    'net.ipv4.ip_forward': '1',
    [conntrack('checksum')]: '0', // a wrong checksum is for its receiver to see, as the machine has it
    [conntrack('tcp_be_liberal')]: '1', // ports and addresses are what this box looks at, not windows
    ...Object.fromEntries(
      Object.entries(timers).flatMap(([knob, names]) => names.map((name) => [conntrack(name), inSeconds(timeouts[knob as TimerKnob])])),
    ),
  };
}

const inSeconds = (life: Duration): string => String(life / 1000);

// ---- rules ----

const table = 'natt_lab';

function ruleset(config: NatBoxConfig, interfaces: NatInterfaces): string {
  const parts = [timeoutObjects(config.behaviour), lifetimes(config.behaviour, interfaces), fragments(config.behaviour), destinationNat(config, interfaces), sourceNat(config, interfaces), pinning(config, interfaces), forwarding(config, interfaces), toTheBoxItself(interfaces)];
  // declared, deleted and made: one transaction that replaces what an earlier call made
  return `table ip ${table}\ndelete table ip ${table}\n${block(`table ip ${table}`, parts.flat())}\n`;
}

/** nft wants a newline in front of every closing brace. */
const block = (head: string, lines: readonly string[]): string => [`${head} {`, ...lines.flatMap((line) => line.split('\n')).map((line) => `  ${line}`), '}'].join('\n');

const chain = (name: string, hook: string, rules: readonly string[]): string[] => (rules.length === 0 ? [] : [block(`chain ${name}`, [hook, ...rules])]);

const oneOf = (names: readonly (string | number)[]): string => (names.length === 1 ? String(names[0]) : `{ ${names.join(', ')} }`);

const quoted = (names: readonly string[]): string => oneOf(names.map((name) => `"${name}"`));

const timeoutObjects = ({ timeouts }: NatBehaviour): string[] =>
  Object.entries(timeouts.byRemotePort).map(([port, life]) =>
    block(`ct timeout remote_${port}`, ['protocol udp;', 'l3proto ip;', `policy = { unreplied : ${inSeconds(life)}, replied : ${inSeconds(life)} };`]),
  );

const lifetimes = ({ timeouts }: NatBehaviour, { inside, outside }: NatInterfaces): string[] =>
  chain(
    'lifetimes',
    'type filter hook prerouting priority mangle; policy accept;', // conntrack has seen the packet, nobody has confirmed the flow
    Object.keys(timeouts.byRemotePort).flatMap((port) => [
      `iifname ${quoted(inside)} udp dport ${port} ct timeout set "remote_${port}"`,
      `iifname "${outside}" udp sport ${port} ct timeout set "remote_${port}"`,
    ]),
  );

/** Conntrack puts fragments together at -400: who wants them dropped must come before. */
const fragments = (behaviour: NatBehaviour): string[] =>
  behaviour.fragments === 'reassemble' ? [] : chain('fragments', 'type filter hook prerouting priority -450; policy accept;', ['ip frag-off & 0x3fff != 0 drop']);

const destinationNat = ({ forwards }: NatBoxConfig, { outside, outsideAddress }: NatInterfaces): string[] =>
  chain(
    'forwarded_ports',
    'type nat hook prerouting priority dstnat; policy accept;',
    forwards.map((forward) => `iifname "${outside}" ip daddr ${outsideAddress} ${dnat(forward)}`),
  );

const dnat = (forward: PortForward): string =>
  forward.protocol === 'esp' ? `ip protocol esp dnat to ${forward.to}` : `${forward.protocol} dport ${forward.port} dnat to ${forward.to.address}:${forward.to.port}`;

const sourceNat = ({ behaviour }: NatBoxConfig, { outside }: NatInterfaces): string[] =>
  chain('translation', 'type nat hook postrouting priority srcnat; policy accept;', [
    ...behaviour.pinned.ports.map((port) => `oifname "${outside}" udp sport ${port} masquerade`),
    `oifname "${outside}" masquerade${behaviour.ports.assignment === 'random' ? ' random' : ''}`,
  ]);

/**
 * A pinned port that became another one goes no further, and its flow is forgotten. `snat to ADDRESS:500` refuses the second client too, but then
 * a flow that has expired stands in its way until conntrack's collector passes by, which may take a minute more; masquerade looks for a
 * free port and clears such a flow away as it looks.
 */
const pinning = ({ behaviour }: NatBoxConfig, { outside }: NatInterfaces): string[] =>
  chain(
    'pinned_ports',
    'type filter hook postrouting priority srcnat + 10; policy accept;',
    behaviour.pinned.ports.map((port) => `oifname "${outside}" meta l4proto udp ct original proto-src ${port} ct direction original udp sport != ${port} drop`),
  );

function forwarding({ behaviour, insidePrefixes }: NatBoxConfig, { inside, outside }: NatInterfaces): string[] {
  const outward = `iifname ${quoted(inside)} oifname "${outside}"`;
  const inward = `iifname "${outside}" oifname ${quoted(inside)}`;
  const blockedUdpPorts = blockedUdpPortsOf(behaviour);
  return chain('forwarding', 'type filter hook forward priority filter; policy drop;', [
    'ct state invalid drop', // what conntrack cannot follow would leave untranslated
    ...(behaviour.esp === 'blocked' ? ['ip protocol esp drop'] : []),
    ...(blockedUdpPorts.length > 0 ? [`${outward} udp dport ${oneOf(blockedUdpPorts)} drop`] : []),
    'ct state established,related accept',
    ...(behaviour.tableSize < kernelTableSize ? ['ct status confirmed accept', `ct count over ${behaviour.tableSize} drop`] : []),
    `${outward} ip saddr ${oneOf(insidePrefixes.map(describePrefix))} ip protocol { icmp, tcp, udp, esp } accept`,
    `${inward} ct status dnat accept`,
  ]);
}

/** Silently, as a box does that has no row for it: an ICMP error from here, or an entry in conntrack, would change what happens next. */
const toTheBoxItself = ({ outside, outsideAddress }: NatInterfaces): string[] =>
  chain('to_the_box_itself', 'type filter hook input priority filter; policy accept;', [`iifname "${outside}" drop`, `ip daddr ${outsideAddress} drop`]);
