/**
 * Routing that takes what crosses a NAT box out of the kernel's hands: it goes to one of two tunnel devices, by the side that it came from, and what
 * is written to either is routed on as usual. The kernel keeps neighbours, routes, hops and the MTU.
 *
 *        10  from an inside interface, to an outside address   the hairpin table   to the device
 *        10  from the outside interface, whoever it is for     the inward table    to the device
 *        10  from the host itself, to an outside address       the inward table    ICMP errors about what the box sent
 *        20  anything                                          the local table     where it was, at 0, it would come before these
 *        30  from an inside interface                          the outward table
 *     32766  anything                                          the main table
 *
 * The outward table is the main one with the device in place of whatever leads outside: what inside networks send one another is none of the
 * box's business. Nothing goes in circles: no line names the devices as where a packet came from, so what is written to them meets local and main.
 *
 * IPv6 keeps the local table where it is, at 0, for it holds the groups by which neighbours find each other; nobody's outside address is in it. To a NAT64 prefix, and to the
 * outside prefix of a prefix translator, leads a route of the main table, so that the kernel's own ICMP errors go to the box, too. What inside networks send beyond a
 * prefix translator has an outward table as above.
 *
 * Who asks on the outside segment for an outside address asks, by these lines, for one that lies behind the inward device. The kernel answers for
 * such an address as a proxy only.
 */
import type { IpAddress } from '../../../src/core/address.ts';
import { inPrefix, parsePrefix, prefix } from '../../../src/core/address.ts';
import type { Prefix } from '../../../src/core/address.ts';
import type { Side } from '../../../src/core/events.ts';
import type { InterfacePlan, NatPlan } from '../../../src/sim/plan.ts';
import type { Interfaces, NamedRoute } from './links.ts';
import type { Request } from './netlink.ts';
import { addProxy, addRule, deleteProxy, deleteRule } from './rtnetlink.ts';
import type { PolicyRule } from './rtnetlink.ts';

/** The devices by the side that their packets come from. */
export type Doors = Readonly<Record<Side, string>>;

const outward = 100;
const inward = 101;
const hairpin = 102;

const everything = prefix('0.0.0.0/0');
const allOfIpv6 = prefix('::/0');

export class Detour {
  readonly #at: Interfaces;
  readonly #plan: NatPlan;

  /** The devices must be there. */
  constructor(at: Interfaces, plan: NatPlan, doors: Doors) {
    this.#at = at;
    this.#plan = plan;
    at.namespace.sysctls({
      'ipv4/conf/all/accept_local': 1, // what the box has translated comes from an address of the host's own
      [`ipv4/neigh/${plan.outside}/proxy_delay`]: 0,
      'ipv4/icmp_ratelimit': 0,
    });
    const rules = plan.box.ipv6?.kind === 'nptv6' ? [] : [...detourRules(plan).map(addRule), deleteRule({ priority: 0, table: 'local' })];
    at.commit([...[...detourRoutes(plan, doors), ...ipv6Routes(plan, doors)].map((route) => at.routeRequest(route)), ...rules, ...ipv6Rules(plan).map(addRule)]);
    for (const address of plan.box.outsideAddresses) this.claim(address);
  }

  /** The box has this address outside from now on. */
  claim(address: IpAddress): void {
    this.#at.commit([...rulesFor(this.#plan, address).map(addRule), this.#proxy(addProxy, address)]);
  }

  release(address: IpAddress): void {
    this.#at.commit([...rulesFor(this.#plan, address).map(deleteRule), this.#proxy(deleteProxy, address)]);
  }

  #proxy(request: typeof addProxy, address: IpAddress): Request {
    return request(this.#at.index(this.#plan.outside), address);
  }
}

/** The tables of the detour, route by route. */
export function detourRoutes({ interfaces, routes, outside }: NatPlan, doors: Doors): NamedRoute[] {
  const leading = (to: Prefix, by: InterfacePlan, via?: IpAddress): NamedRoute =>
    by.name === outside ? { to, through: doors.inside, table: outward } : { to, through: by.name, table: outward, ...(via !== undefined && { via }) };
  return [
    ...interfaces.map((own) => leading(ownPrefix(own), own)),
    ...routes.flatMap(({ to, via }) => {
      const by = interfaces.find((own) => via !== 'tunnel' && inPrefix(via, ownPrefix(own)));
      return by === undefined || via === 'tunnel' ? [] : [leading(to, by, via)];
    }),
    { to: everything, through: doors.outside, table: inward },
    { to: everything, through: doors.inside, table: hairpin },
  ];
}

/** The lines that hold whatever the outside addresses are. */
export const detourRules = ({ inside, outside }: NatPlan): PolicyRule[] => [
  { priority: 10, incoming: outside, table: inward },
  { priority: 20, table: 'local' },
  ...inside.map((incoming) => ({ priority: 30, incoming, table: outward })),
];

/** Into the box, for IPv6. */
export function ipv6Routes({ box: { ipv6 } }: NatPlan, doors: Doors): NamedRoute[] {
  switch (ipv6?.kind) {
    case undefined:
      return [];
    case 'nat64':
      return [{ to: ipv6.pref64, through: doors.inside }];
    case 'nptv6':
      return [
        { to: ipv6.outside, through: doors.outside },
        { to: allOfIpv6, through: doors.inside, table: outward },
      ];
  }
}

const ipv6Rules = ({ box: { ipv6 }, inside }: NatPlan): PolicyRule[] => (ipv6?.kind === 'nptv6' ? inside.map((incoming) => ({ priority: 30, incoming, table: outward, version: 6 })) : []);

const rulesFor = ({ inside }: NatPlan, to: IpAddress): PolicyRule[] => [
  ...inside.map((incoming) => ({ priority: 10, incoming, to, table: hairpin })),
  { priority: 10, incoming: 'lo', to, table: inward },
];

const ownPrefix = ({ address, prefixLength }: InterfacePlan): Prefix => parsePrefix(`${address}/${prefixLength}`)!;
