/**
 * What a NAT box does to packets, as one table that three runners read: the `NatBox` machine alone, the machine in a router's namespace, and the
 * Linux kernel with the rules that `lab/backends/linux/nftables.ts` writes for the same behaviour.
 *
 * Packets are texts: `udp 10.0.0.2:500 > 198.51.100.1:500`. In an expected one a port may be `{name 1-511}`, any of that range, remembered under that
 * name; later `{name}` is the port it was, in what is sent as well as in what is expected, and `{not name 1-511}` is any other.
 */
import { ip } from '../../src/core/address.ts';
import type { Side } from '../../src/core/events.ts';
import { milliseconds, seconds } from '../../src/core/time.ts';
import type { PortForward } from '../../src/nat/behaviour.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { echo, esp, icmp, tcp, udp, type TcpFlag } from './packets.ts';

export type Step =
  | readonly [from: Side, packet: string, expected: string]
  | readonly [wait: 'wait', seconds: number]
  | readonly [flush: 'flush'];

export interface ConformanceCase {
  readonly claim: string;
  readonly preset: string;
  readonly changes?: BehaviourChanges;
  readonly forwards?: readonly PortForward[];
  /** A behaviour that the kernel has not, and says so: for the machine only. */
  readonly beyondTheKernel?: true;
  readonly steps: readonly Step[];
}

const server = (port: number): PortForward => ({ protocol: 'udp', port, to: { address: ip('10.0.0.9'), port } });

/** Timers short enough to wait for. */
const short: BehaviourChanges = { timeouts: { unreplied: seconds(2), replied: seconds(5) } };

export const conformance: readonly ConformanceCase[] = [
  {
    claim: 'a free source port is kept, one for every destination, and the answer finds its way back',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:500', 'udp 198.51.100.2:500 > 10.0.0.2:500'],
    ],
  },
  {
    claim: 'who was not spoken to is not let in: not another port, not another address, not at another port of the box',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:4500', 'dropped'],
      ['outside', 'udp 198.51.100.2:4500 > 203.0.113.1:4500', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4501', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 10.0.0.2:4500', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 10.255.255.1:4500', 'dropped'], // the kernel box's own inside address
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
    ],
  },
  {
    claim: 'what knocked in vain leaves no trace: the port is still free for the client behind',
    preset: 'linux-masquerade',
    steps: [
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'dropped'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
    ],
  },
  {
    claim: 'a second client from port 500 gets one below 512, from 4500 one above 1023, from 600 one of 600–1023; each gets its own answers',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'udp 203.0.113.1:{low 1-511} > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{high 1024-65535} > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.2:600 > 198.51.100.1:9', 'udp 203.0.113.1:600 > 198.51.100.1:9'],
      ['inside', 'udp 10.0.0.3:600 > 198.51.100.1:9', 'udp 203.0.113.1:{middle 600-1023} > 198.51.100.1:9'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:{low}', 'udp 198.51.100.1:500 > 10.0.0.3:500'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:{high}', 'udp 198.51.100.1:4500 > 10.0.0.3:4500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'udp 203.0.113.1:{low} > 198.51.100.1:500'],
    ],
  },
  {
    claim: 'two clients share an outside port towards different servers',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:500', 'udp 198.51.100.2:500 > 10.0.0.3:500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
    ],
  },
  {
    claim: 'a client that was given another port once is given the same one towards a third server',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'udp 203.0.113.1:{low 1-511} > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.3:500', 'udp 203.0.113.1:{low} > 198.51.100.3:500'],
    ],
  },
  {
    claim: 'masquerade random draws a port for each flow, of the class of the source port',
    preset: 'linux-masquerade-random',
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{one 1024-65535} > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.2:4500', 'udp 203.0.113.1:{not one 1024-65535} > 198.51.100.2:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{one} > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:{low 1-511} > 198.51.100.1:500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:{low}', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
    ],
  },
  {
    claim: 'passthrough: a second client from 500 to the same server is dropped, to another server or from 4500 it is not',
    preset: 'passthrough-500',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'dropped'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:4500', 'udp 203.0.113.1:500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{high 1024-65535} > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:500', 'udp 198.51.100.2:500 > 10.0.0.3:500'],
    ],
  },
  {
    claim: 'passthrough: the second client gets in once the first mapping has expired, and then the first one is out; its attempts kept nothing alive',
    preset: 'passthrough-500',
    changes: short,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['wait', 1.2],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'dropped'],
      ['wait', 1.2],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'dropped'],
    ],
  },
  {
    claim: 'UDP 4500 is not let out, from whatever port; TCP is',
    preset: 'udp-4500-blocked',
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.2:1000 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:500', 'udp 203.0.113.1:4500 > 198.51.100.1:500'],
      ['inside', 'tcp:syn 10.0.0.2:4500 > 198.51.100.1:4500', 'tcp 203.0.113.1:4500 > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'an unanswered mapping lives its first timeout, from its last packet',
    preset: 'linux-masquerade',
    changes: short,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 1.2],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 1.2],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 2.2],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'dropped'],
    ],
  },
  {
    claim: 'the 10 s of RouterOS until somebody answers',
    preset: 'mikrotik',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['wait', 8.5],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 3],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
    ],
  },
  {
    claim: 'a box with one short timeout gives an answered flow no more',
    preset: 'short-timeouts',
    changes: { timeouts: { unreplied: seconds(3), replied: seconds(3) } },
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 2],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 2],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 4.5],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'dropped'],
    ],
  },
  {
    claim: 'neither IKE nor ESP gets out of a box that blocks IPsec, whatever port it comes from; all else does',
    preset: 'udp-blocked',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'dropped'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.2:7000 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'esp 10.0.0.2 > 198.51.100.1', 'dropped'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:53', 'udp 203.0.113.1:500 > 198.51.100.1:53'],
      ['inside', 'tcp:syn 10.0.0.2:4500 > 198.51.100.1:4500', 'tcp 203.0.113.1:4500 > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'an answered one older than 2 s lives its second timeout, refreshed from either side; before that the first',
    preset: 'linux-masquerade',
    changes: short,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 1.2],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 1.2], // 2.4 s
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 3],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
    ],
  },
  {
    claim: 'a timer of its own for a remote port, answered or not',
    preset: 'linux-masquerade',
    changes: { timeouts: { byRemotePort: { 500: seconds(1) } } },
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:4500', 'udp 203.0.113.1:500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['wait', 1.5],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'dropped'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:500', 'udp 198.51.100.1:4500 > 10.0.0.2:500'],
    ],
  },
  {
    claim: 'ESP serves one client a server, until its timer runs out',
    preset: 'linux-masquerade',
    changes: { timeouts: { esp: seconds(1) } },
    steps: [
      ['inside', 'esp 10.0.0.2 > 198.51.100.1', 'esp 203.0.113.1 > 198.51.100.1'],
      ['outside', 'esp 198.51.100.1 > 203.0.113.1', 'esp 198.51.100.1 > 10.0.0.2'],
      ['inside', 'esp 10.0.0.3 > 198.51.100.1', 'dropped'],
      ['inside', 'esp 10.0.0.3 > 198.51.100.2', 'esp 203.0.113.1 > 198.51.100.2'],
      ['outside', 'esp 198.51.100.3 > 203.0.113.1', 'dropped'],
      ['wait', 1.5],
      ['inside', 'esp 10.0.0.3 > 198.51.100.1', 'esp 203.0.113.1 > 198.51.100.1'],
    ],
  },
  {
    claim: 'ESP blocked goes neither way',
    preset: 'linux-masquerade',
    changes: { esp: 'blocked' },
    forwards: [{ protocol: 'esp', to: ip('10.0.0.9') }],
    steps: [
      ['inside', 'esp 10.0.0.2 > 198.51.100.1', 'dropped'],
      ['outside', 'esp 198.51.100.1 > 203.0.113.1', 'dropped'],
    ],
  },
  {
    claim: 'forwarded ports lead anybody to the server, whose answers come from where they were asked; its own traffic keeps its port',
    preset: 'linux-masquerade',
    forwards: [server(500), server(4500), { protocol: 'tcp', port: 8080, to: { address: ip('10.0.0.9'), port: 80 } }, { protocol: 'esp', to: ip('10.0.0.9') }],
    steps: [
      ['outside', 'udp 198.51.100.1:1234 > 203.0.113.1:500', 'udp 198.51.100.1:1234 > 10.0.0.9:500'],
      ['inside', 'udp 10.0.0.9:500 > 198.51.100.1:1234', 'udp 203.0.113.1:500 > 198.51.100.1:1234'],
      ['outside', 'udp 198.51.100.2:1234 > 203.0.113.1:500', 'udp 198.51.100.2:1234 > 10.0.0.9:500'],
      ['inside', 'udp 10.0.0.9:4500 > 198.51.100.3:4500', 'udp 203.0.113.1:4500 > 198.51.100.3:4500'],
      ['outside', 'tcp:syn 198.51.100.1:5555 > 203.0.113.1:8080', 'tcp 198.51.100.1:5555 > 10.0.0.9:80'],
      ['inside', 'tcp:syn,ack 10.0.0.9:80 > 198.51.100.1:5555', 'tcp 203.0.113.1:8080 > 198.51.100.1:5555'],
      ['outside', 'esp 198.51.100.1 > 203.0.113.1', 'esp 198.51.100.1 > 10.0.0.9'],
      ['inside', 'esp 10.0.0.9 > 198.51.100.1', 'esp 203.0.113.1 > 198.51.100.1'],
      ['outside', 'udp 198.51.100.1:1234 > 203.0.113.1:501', 'dropped'],
    ],
  },
  {
    claim: 'a client that has the forwarded port for a remote keeps it: its flow comes before the forward',
    preset: 'linux-masquerade',
    forwards: [server(4500)],
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['outside', 'udp 198.51.100.2:4500 > 203.0.113.1:4500', 'udp 198.51.100.2:4500 > 10.0.0.9:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.2:4500', 'udp 203.0.113.1:{high 1024-65535} > 198.51.100.2:4500'],
    ],
  },
  {
    claim: 'pings are told apart by their identifiers; who asks from outside gets no answer from behind',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'ping 10.0.0.2 > 198.51.100.1 id 7', 'icmp 203.0.113.1 > 198.51.100.1 type 8 id 7'],
      ['inside', 'ping 10.0.0.3 > 198.51.100.1 id 7', 'icmp 203.0.113.1 > 198.51.100.1 type 8 id {second 0-65535}'],
      ['outside', 'pong 198.51.100.1 > 203.0.113.1 id {second}', 'icmp 198.51.100.1 > 10.0.0.3 type 0 id 7'],
      ['outside', 'pong 198.51.100.1 > 203.0.113.1 id 7', 'icmp 198.51.100.1 > 10.0.0.2 type 0 id 7'],
      ['outside', 'pong 198.51.100.2 > 203.0.113.1 id 7', 'dropped'],
      ['outside', 'ping 198.51.100.1 > 203.0.113.1 id 7', 'dropped'],
      ['inside', 'pong 10.0.0.2 > 198.51.100.2 id 9', 'dropped'],
    ],
  },
  {
    claim: 'an ICMP error finds the host whose packet it quotes, and quotes it as that host sent it',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'udp 203.0.113.1:{low 1-511} > 198.51.100.1:500'],
      ['outside', 'error 192.0.2.1 > 203.0.113.1 about udp 203.0.113.1:{low} > 198.51.100.1:500', 'error 192.0.2.1 > 10.0.0.3 about udp 10.0.0.3:500 > 198.51.100.1:500'],
      ['outside', 'error 192.0.2.1 > 203.0.113.1 about udp 203.0.113.1:500 > 198.51.100.9:500', 'dropped'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:{low}', 'udp 198.51.100.1:500 > 10.0.0.3:500'],
      ['inside', 'error 10.0.0.3 > 198.51.100.1 about udp 198.51.100.1:500 > 10.0.0.3:500', 'error 203.0.113.1 > 198.51.100.1 about udp 198.51.100.1:500 > 203.0.113.1:{low}'],
    ],
  },
  {
    claim: 'TCP is translated from its first packet on, and a connection that nobody opened is not closed',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'tcp:syn 10.0.0.2:4000 > 198.51.100.1:80', 'tcp 203.0.113.1:4000 > 198.51.100.1:80'],
      ['outside', 'tcp:syn,ack 198.51.100.1:80 > 203.0.113.1:4000', 'tcp 198.51.100.1:80 > 10.0.0.2:4000'],
      ['inside', 'tcp:ack 10.0.0.2:4000 > 198.51.100.1:80', 'tcp 203.0.113.1:4000 > 198.51.100.1:80'],
      ['inside', 'tcp:syn 10.0.0.3:4000 > 198.51.100.1:80', 'tcp 203.0.113.1:{high 1024-65535} > 198.51.100.1:80'],
      ['inside', 'tcp:rst 10.0.0.4:4001 > 198.51.100.1:80', 'dropped'],
      ['outside', 'tcp:syn 198.51.100.2:80 > 203.0.113.1:4000', 'dropped'],
    ],
  },
  {
    claim: 'a UDP checksum of zero stays zero, and a wrong one is not made right',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp:zero 10.0.0.2:4500 > 198.51.100.1:4500', 'udp:zero 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp:zero 198.51.100.1:4500 > 203.0.113.1:4500', 'udp:zero 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['inside', 'udp:wrong 10.0.0.2:4500 > 198.51.100.1:4500', 'udp:wrong 203.0.113.1:4500 > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'a box that throws fragments away throws away the first one, too',
    preset: 'fragments-dropped',
    steps: [
      ['inside', 'udp:fragment 10.0.0.2:4500 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'a fragment waits for the others',
    preset: 'linux-masquerade',
    steps: [['inside', 'udp:fragment 10.0.0.2:4500 > 198.51.100.1:4500', 'dropped']],
  },
  {
    claim: 'other sources than the inside prefixes, other protocols, and the box itself: nothing goes out',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 192.168.7.7:500 > 198.51.100.1:500', 'dropped'],
      ['inside', 'ah 10.0.0.2 > 198.51.100.1', 'dropped'],
      ['inside', 'udp 10.0.0.2:500 > 203.0.113.1:500', 'dropped'],
    ],
  },
  {
    claim: 'a full table takes nothing new, and what it knows goes on',
    preset: 'linux-masquerade',
    changes: { tableSize: 2 },
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.3:500', 'dropped'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['flush'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.3:500', 'udp 203.0.113.1:500 > 198.51.100.3:500'],
    ],
  },
  {
    claim: 'a flushed box lets no answer in, and maps anew',
    preset: 'linux-masquerade',
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['flush'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{high 1024-65535} > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'everybody is let in, at one port for every destination, which no second client is given',
    preset: 'full-cone',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['outside', 'udp 198.51.100.9:9 > 203.0.113.1:500', 'udp 198.51.100.9:9 > 10.0.0.2:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:{low 1-511} > 198.51.100.2:500'],
      ['outside', 'udp 198.51.100.9:9 > 203.0.113.1:{low}', 'udp 198.51.100.9:9 > 10.0.0.3:500'],
    ],
  },
  {
    claim: 'two hosts behind one box reach each other by its outside address, and each sees the other there',
    preset: 'full-cone',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4000 > 203.0.113.1:4500', 'udp 203.0.113.1:4000 > 10.0.0.2:4500'],
      ['inside', 'udp 10.0.0.2:4500 > 203.0.113.1:4000', 'udp 203.0.113.1:4500 > 10.0.0.3:4000'],
      ['inside', 'udp 10.0.0.3:4000 > 203.0.113.1:4501', 'dropped'],
    ],
  },
  {
    claim: 'another port of an address that was spoken to is let in, another address is not',
    preset: 'restricted',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['outside', 'udp 198.51.100.1:9 > 203.0.113.1:4500', 'udp 198.51.100.1:9 > 10.0.0.2:4500'],
      ['outside', 'udp 198.51.100.2:4500 > 203.0.113.1:4500', 'dropped'],
    ],
  },
  {
    claim: 'the very port that was spoken to is let in; an outside port is one client\'s, whatever servers they talk to',
    preset: 'port-restricted',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.2:4500', 'udp 203.0.113.1:{other 1024-65535} > 198.51.100.2:4500'],
      ['outside', 'udp 198.51.100.1:9 > 203.0.113.1:4500', 'dropped'],
      ['outside', 'udp 198.51.100.2:4500 > 203.0.113.1:{other}', 'udp 198.51.100.2:4500 > 10.0.0.3:4500'],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
    ],
  },
  {
    claim: 'another port for every destination, high ones for low ones too',
    preset: 'symmetric',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:{one 1024-65535} > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:{not one 1024-65535} > 198.51.100.2:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:{one} > 198.51.100.1:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:{one}', 'dropped'],
    ],
  },
  {
    claim: 'stealing passthrough: whoever comes last has port 500, towards every server',
    preset: 'passthrough-500-steal',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:500', 'dropped'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:500', 'udp 198.51.100.2:500 > 10.0.0.3:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:500', 'dropped'],
    ],
  },
  {
    claim: 'passthrough for one client: nobody else has port 500 or ESP, whatever server they talk to; 4500 is translated',
    preset: 'passthrough-single',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'dropped'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['inside', 'esp 10.0.0.2 > 198.51.100.1', 'esp 203.0.113.1 > 198.51.100.1'],
      ['inside', 'esp 10.0.0.3 > 198.51.100.2', 'dropped'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{high 1024-65535} > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'pf draws a high port for each flow, also for port 500',
    preset: 'openbsd-pf',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:{ike 50001-65535} > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:{not ike 50001-65535} > 198.51.100.2:500'],
      ['outside', 'udp 198.51.100.1:500 > 203.0.113.1:{ike}', 'udp 198.51.100.1:500 > 10.0.0.2:500'],
      ['outside', 'udp 198.51.100.2:500 > 203.0.113.1:{ike}', 'dropped'],
    ],
  },
  {
    claim: 'pf keeps source port 500 where pfSense tells it to, and no other; a second client to the same server waits',
    preset: 'pfsense',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.1:500', 'dropped'],
      ['inside', 'udp 10.0.0.3:500 > 198.51.100.2:500', 'udp 203.0.113.1:500 > 198.51.100.2:500'],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{first 50001-65535} > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:{not first 50001-65535} > 198.51.100.1:4500'],
    ],
  },
  {
    claim: 'pf with static-port keeps any port, or drops',
    preset: 'pf-static-port',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.1:4500', 'dropped'],
      ['inside', 'udp 10.0.0.3:4500 > 198.51.100.2:4500', 'udp 203.0.113.1:4500 > 198.51.100.2:4500'],
    ],
  },
  {
    claim: 'a connection that began before the box was there passes where flows are picked up in their midst, and nowhere else',
    preset: 'cisco-asa',
    beyondTheKernel: true,
    steps: [
      ['inside', 'tcp:ack 10.0.0.2:4000 > 198.51.100.1:80', 'dropped'],
      ['inside', 'tcp:syn 10.0.0.2:4000 > 198.51.100.1:80', 'tcp 203.0.113.1:4000 > 198.51.100.1:80'],
    ],
  },
  {
    claim: 'whoever knows the outside port is let in, and the port is a high one for 500, too',
    preset: 'juniper-persistent',
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.1:500', 'udp 203.0.113.1:{port 1024-63487} > 198.51.100.1:500'],
      ['outside', 'udp 198.51.100.2:9 > 203.0.113.1:{port}', 'udp 198.51.100.2:9 > 10.0.0.2:500'],
      ['inside', 'udp 10.0.0.2:500 > 198.51.100.2:500', 'udp 203.0.113.1:{port} > 198.51.100.2:500'],
    ],
  },
  {
    claim: 'raw ESP for one client at a time, whatever servers they talk to',
    preset: 'linux-masquerade',
    changes: { esp: 'one-client' },
    beyondTheKernel: true,
    steps: [
      ['inside', 'esp 10.0.0.2 > 198.51.100.1', 'esp 203.0.113.1 > 198.51.100.1'],
      ['inside', 'esp 10.0.0.2 > 198.51.100.2', 'esp 203.0.113.1 > 198.51.100.2'],
      ['inside', 'esp 10.0.0.3 > 198.51.100.3', 'dropped'],
      ['outside', 'esp 198.51.100.2 > 203.0.113.1', 'esp 198.51.100.2 > 10.0.0.2'],
    ],
  },
  {
    claim: 'what comes in from outside keeps nothing alive where only the inside may; half seconds count',
    preset: 'linux-masquerade',
    changes: { refresh: 'outbound', timeouts: { unreplied: milliseconds(2500), replied: milliseconds(2500) } },
    beyondTheKernel: true,
    steps: [
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 1.5],
      ['inside', 'udp 10.0.0.2:4500 > 198.51.100.1:4500', 'udp 203.0.113.1:4500 > 198.51.100.1:4500'],
      ['wait', 1.5],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'udp 198.51.100.1:4500 > 10.0.0.2:4500'],
      ['wait', 1.5],
      ['outside', 'udp 198.51.100.1:4500 > 203.0.113.1:4500', 'dropped'],
    ],
  },
];

/** The bytes of a packet told in the table's words. */
export function packetOf(text: string): Uint8Array {
  const error = /^error (\S+) > (\S+) about (.+)$/.exec(text);
  if (error) return icmp(error[1]!, error[2]!, { kind: 'unreachable', code: 1, quoted: packetOf(error[3]!) });
  const [, protocol = '', variant = '', from = '', to = '', identifier = '0'] = /^(\w+)(?::(\S+))? (\S+) > (\S+)(?: id (\d+))?$/.exec(text) ?? [];
  switch (protocol) {
    case 'udp': {
      const packet = udp(from, to, { checksum: variant === 'zero' ? 'zero' : 'computed', payload: new Uint8Array(8), moreFragments: variant === 'fragment' });
      if (variant === 'wrong') packet[packet.length - 1]! ^= 0x10;
      return packet;
    }
    case 'tcp':
      return tcp(from, to, variant.split(',') as TcpFlag[]);
    case 'esp':
      return esp(from, to);
    case 'ah':
      return encodeIpv4({ source: ip(from), destination: ip(to), protocol: 51, payload: new Uint8Array(24) });
    case 'ping':
    case 'pong':
      return echo(from, to, Number(identifier), protocol === 'ping' ? 'echo-request' : 'echo-reply');
    default:
      throw new TypeError(`not a packet: ${text}`);
  }
}

/** Names of ports that a run has met. */
export class Names {
  readonly #ports = new Map<string, number>();

  /** The text with `{name}` put in. */
  fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(this.#ports.get(name)));
  }

  /** The expected text as it must read for this packet: equal to it exactly where the packet is as expected. */
  meet(expected: string, seen: string): string {
    const pattern = /\{(not )?(\w+) (\d+)-(\d+)\}/.exec(expected);
    if (pattern === null) return this.fill(expected);
    const [whole, not, name = '', first, last] = pattern;
    const prefix = this.fill(expected.slice(0, pattern.index));
    const port = Number(/^\d+/.exec(seen.slice(prefix.length))?.[0]);
    if (!seen.startsWith(prefix) || !(port >= Number(first) && port <= Number(last)) || (not && port === this.#ports.get(name))) return expected;
    if (!not) this.#ports.set(name, port);
    return this.fill(prefix + String(port) + expected.slice(pattern.index + whole.length));
  }
}

