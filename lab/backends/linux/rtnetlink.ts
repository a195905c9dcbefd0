/** Links, addresses and routes as rtnetlink requests (rtnetlink(7)): what `ip link`, `ip address` and `ip route` say to the kernel. */
import type { IpAddress, Prefix } from '../../../src/core/address.ts';
import { addressBytes, describePrefix, isIpv4 } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import type { NetlinkSocket, Request } from './netlink.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, attribute, attributes, nested, packed } from './netlink.ts';
import { AF_INET, AF_INET6 } from './syscalls.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_BR_FORWARD_DELAY = 1;
const IFLA_BR_STP_STATE = 5;
const IFLA_BR_MCAST_SNOOPING = 23;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 2;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;

const FRA_DST = 1;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FR_ACT_TO_TBL = 1;

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NTF_SELF = 2;
const NTF_PROXY = 8;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const AF_BRIDGE = 7;

const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LINK = 3;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_PORT = 15;
/** RFC 7348 §5 */
const vxlanPort = 4789;

const IFF_UP = 1;
const fresh = NLM_F_CREATE | NLM_F_EXCL;

/** An interface with an index that the caller chose: the kernel takes it, so that nobody has to ask which one it gave. */
export interface NewInterface {
  readonly name: string;
  readonly index: number;
  readonly mtu?: number;
  /** Six octets; the kernel draws one when it is not given. */
  readonly hardwareAddress?: Uint8Array;
  /** The bridge, by index, in the same namespace. */
  readonly master?: number;
}

/** An address on an interface, with the length of its subnet's prefix. */
export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly length: number;
}

export interface Route {
  readonly to: Prefix;
  readonly via?: IpAddress;
  /** The interface by index; needed where there is no `via`. */
  readonly index?: number;
  /** The source address that the host's own packets get. */
  readonly from?: IpAddress;
  /** The main one when not given. */
  readonly table?: number;
}

/** A line of the routing policy (ip-rule(8)): lower priorities come first, and a table that has no route leaves it to the next line. */
export interface PolicyRule {
  readonly priority: number;
  readonly table: number | 'local';
  /** Only what came in by the interface of this name; `lo` stands for the host's own packets. */
  readonly incoming?: string;
  readonly to?: IpAddress;
  /** Of IP; 4 when not given. */
  readonly version?: 4 | 6;
}

/** `struct ifinfomsg` */
const interfaceHeader = (index: number, flags = 0, change = 0): Uint8Array => packed([1, 0], [1, 0], [2, 0], [4, index], [4, flags], [4, change]);

const interfaceAttributes = ({ name, mtu, hardwareAddress, master }: NewInterface): Uint8Array =>
  concat(
    attribute(IFLA_IFNAME, name),
    ...(mtu === undefined ? [] : [attribute(IFLA_MTU, mtu)]),
    ...(hardwareAddress === undefined ? [] : [attribute(IFLA_ADDRESS, hardwareAddress)]),
    ...(master === undefined ? [] : [attribute(IFLA_MASTER, master)]),
  );

/** Both ends of a cable at once, the far one in the namespace of the descriptor. */
export const newVeth = (near: NewInterface, far: NewInterface, farNamespace: number): Request => ({
  type: RTM_NEWLINK,
  flags: fresh,
  doing: `making the link ${near.name} – ${far.name}`,
  body: concat(
    interfaceHeader(near.index),
    interfaceAttributes(near),
    nested(
      IFLA_LINKINFO,
      attribute(IFLA_INFO_KIND, 'veth'),
      nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, interfaceHeader(far.index), interfaceAttributes(far), attribute(IFLA_NET_NS_FD, farNamespace))),
    ),
  ),
});

/** A switch that forwards from the start and sends nothing of its own: no spanning tree, no multicast queries. */
export const newBridge = (bridge: NewInterface): Request => ({
  type: RTM_NEWLINK,
  flags: fresh,
  doing: `making the bridge ${bridge.name}`,
  body: concat(
    interfaceHeader(bridge.index),
    interfaceAttributes(bridge),
    nested(
      IFLA_LINKINFO,
      attribute(IFLA_INFO_KIND, 'bridge'),
      nested(
        IFLA_INFO_DATA,
        attribute(IFLA_BR_FORWARD_DELAY, 0),
        attribute(IFLA_BR_STP_STATE, 0),
        attribute(IFLA_BR_MCAST_SNOOPING, packed([1, 0])),
      ),
    ),
  ),
});

/** A cable that runs through another network: Ethernet frames in UDP between the addresses of its ends (RFC 7348). Nobody is at the other end until `addFarEnd`. */
export const newVxlan = (vxlan: NewInterface, { number, through, local }: { readonly number: number; readonly through: number; readonly local: IpAddress }): Request => ({
  type: RTM_NEWLINK,
  flags: fresh,
  doing: `making the VXLAN ${vxlan.name}`,
  body: concat(
    interfaceHeader(vxlan.index),
    interfaceAttributes(vxlan),
    nested(
      IFLA_LINKINFO,
      attribute(IFLA_INFO_KIND, 'vxlan'),
      nested(
        IFLA_INFO_DATA,
        attribute(IFLA_VXLAN_ID, number),
        attribute(IFLA_VXLAN_LINK, through),
        attribute(IFLA_VXLAN_LOCAL, addressBytes(local)),
        attribute(IFLA_VXLAN_PORT, packed([1, vxlanPort >> 8], [1, vxlanPort & 0xff])),
      ),
    ),
  ),
});

/** One of those whom a VXLAN sends what is for everybody, or for nobody that it knows yet. */
export const addFarEnd = (vxlan: number, address: IpAddress): Request => ({
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_APPEND,
  doing: `having VXLAN ${vxlan} reach ${address}`,
  // struct ndmsg; the address of six zero octets stands for every address that is not known
  body: concat(packed([1, AF_BRIDGE], [1, 0], [2, 0], [4, vxlan], [2, NUD_NOARP | NUD_PERMANENT], [1, NTF_SELF], [1, 0]), attribute(NDA_LLADDR, new Uint8Array(6)), attribute(NDA_DST, addressBytes(address))),
});

/** Gives an interface, which must be down, another name. */
export const rename = (index: number, name: string): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  doing: `calling interface ${index} ${name}`,
  body: concat(interfaceHeader(index), attribute(IFLA_IFNAME, name)),
});

export const setUp = (index: number, up: boolean): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  doing: `setting interface ${index} ${up ? 'up' : 'down'}`,
  body: interfaceHeader(index, up ? IFF_UP : 0, IFF_UP),
});

export const setMtu = (index: number, mtu: number): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  doing: `giving interface ${index} an MTU of ${mtu}`,
  body: concat(interfaceHeader(index), attribute(IFLA_MTU, mtu)),
});

/** How many packets may wait for whoever reads a tunnel device. */
export const setQueue = (index: number, packets: number): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  doing: `giving interface ${index} a queue of ${packets} packets`,
  body: concat(interfaceHeader(index), attribute(IFLA_TXQLEN, packets)),
});

/** Plugs an interface into a bridge of the same namespace. */
export const setMaster = (index: number, master: number): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  doing: `plugging interface ${index} into bridge ${master}`,
  body: concat(interfaceHeader(index), attribute(IFLA_MASTER, master)),
});

/** Removes a link; of a veth both ends go. */
/** Of all interfaces that are there. */
export const linkIndexes = (socket: NetlinkSocket): number[] =>
  socket.dump({ type: RTM_GETLINK, flags: 0, doing: 'listing the interfaces', body: interfaceHeader(0) }).map(({ body }) => new DataView(body.buffer, body.byteOffset).getInt32(4, true));

export const deleteLink = (index: number): Request => ({ type: RTM_DELLINK, flags: 0, doing: `removing interface ${index}`, body: interfaceHeader(index) });

const familyOf = (address: IpAddress): number => (isIpv4(address) ? AF_INET : AF_INET6);

/** `struct ifaddrmsg` and the address, which is both the local one and the subnet's. */
const addressMessage = (index: number, { address, length }: InterfaceAddress): Uint8Array =>
  concat(
    packed([1, familyOf(address)], [1, length], [1, IFA_F_NODAD], [1, RT_SCOPE_UNIVERSE], [4, index]),
    attribute(IFA_LOCAL, addressBytes(address)),
    attribute(IFA_ADDRESS, addressBytes(address)),
    attribute(IFA_FLAGS, IFA_F_NODAD),
  );

export const addAddress = (index: number, address: InterfaceAddress): Request => ({
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  doing: `giving interface ${index} the address ${address.address}/${address.length}`,
  body: addressMessage(index, address),
});

export const deleteAddress = (index: number, address: InterfaceAddress): Request => ({
  type: RTM_DELADDR,
  flags: 0,
  doing: `taking the address ${address.address}/${address.length} from interface ${index}`,
  body: addressMessage(index, address),
});

/** `struct rtmsg` */
const routeMessage = ({ to, via, index, from, table = RT_TABLE_MAIN }: Route, scope: number): Uint8Array =>
  concat(
    packed([1, familyOf(to.address)], [1, to.length], [1, 0], [1, 0], [1, table], [1, RTPROT_STATIC], [1, scope], [1, RTN_UNICAST], [4, 0]),
    ...(to.length === 0 ? [] : [attribute(RTA_DST, addressBytes(to.address))]),
    ...(via === undefined ? [] : [attribute(RTA_GATEWAY, addressBytes(via))]),
    ...(index === undefined ? [] : [attribute(RTA_OIF, index)]),
    ...(from === undefined ? [] : [attribute(RTA_PREFSRC, addressBytes(from))]),
  );

/** Replaces the route to the same prefix, if there is one. */
export const addRoute = (route: Route): Request => ({
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  doing: `routing ${describePrefix(route.to)}${route.via === undefined ? '' : ` via ${route.via}`}`,
  body: routeMessage(route, route.via === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE),
});

export const deleteRoute = (route: Route): Request => ({
  type: RTM_DELROUTE,
  flags: 0,
  doing: `removing the route to ${describePrefix(route.to)}`,
  body: routeMessage(route, RT_SCOPE_NOWHERE),
});

/** `struct fib_rule_hdr` */
const ruleHeader = 12;
const ruleMessage = ({ priority, table, incoming, to, version = 4 }: PolicyRule): Uint8Array =>
  concat(
    packed([1, version === 4 ? AF_INET : AF_INET6], [1, to === undefined ? 0 : 8 * addressBytes(to).length], [1, 0], [1, 0], [1, table === 'local' ? RT_TABLE_LOCAL : table], [1, 0], [1, 0], [1, FR_ACT_TO_TBL], [4, 0]),
    attribute(FRA_PRIORITY, priority),
    ...(incoming === undefined ? [] : [attribute(FRA_IIFNAME, incoming)]),
    ...(to === undefined ? [] : [attribute(FRA_DST, addressBytes(to))]),
  );

const describeRule = ({ priority, table, incoming = 'anywhere', to }: PolicyRule): string => `the rule ${priority}, from ${incoming}${to === undefined ? '' : ` to ${to}`}: table ${table}`;

export const addRule = (rule: PolicyRule): Request => ({ type: RTM_NEWRULE, flags: fresh, doing: `making ${describeRule(rule)}`, body: ruleMessage(rule) });

export const deleteRule = (rule: PolicyRule): Request => ({ type: RTM_DELRULE, flags: 0, doing: `removing ${describeRule(rule)}`, body: ruleMessage(rule) });

/** A line of the routing policy, of either version of IP, as the kernel tells it and takes it back. */
export type ListedRule = Uint8Array;

/** The kernel leaves priority 0 out, and would take that for any. */
export const listRules = (socket: NetlinkSocket): ListedRule[] =>
  socket
    .dump({ type: RTM_GETRULE, flags: 0, doing: 'listing the routing policy', body: packed([4, 0], [4, 0], [4, 0]) })
    .map(({ body }) => (attributes(body.subarray(ruleHeader)).has(FRA_PRIORITY) ? body : concat(body, attribute(FRA_PRIORITY, 0))));

export const addListedRule = (rule: ListedRule): Request => ({ type: RTM_NEWRULE, flags: fresh, doing: 'putting a rule back', body: rule });

export const deleteListedRule = (rule: ListedRule): Request => ({ type: RTM_DELRULE, flags: 0, doing: 'removing a rule', body: rule });

/** `struct ndmsg` of a proxied address. */
const proxyMessage = (index: number, address: IpAddress): Uint8Array =>
  concat(packed([1, familyOf(address)], [1, 0], [2, 0], [4, index], [2, 0], [1, NTF_PROXY], [1, 0]), attribute(NDA_DST, addressBytes(address)));

/** The interface answers neighbours who ask for the address, as long as packets for it are routed through another interface. */
export const addProxy = (index: number, address: IpAddress): Request => ({
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  doing: `having interface ${index} answer for ${address}`,
  body: proxyMessage(index, address),
});

export const deleteProxy = (index: number, address: IpAddress): Request => ({
  type: RTM_DELNEIGH,
  flags: 0,
  doing: `having interface ${index} answer for ${address} no longer`,
  body: proxyMessage(index, address),
});
