/** The way of a packet through a planned world, as far as NAT boxes stand on it. */
import { inPrefix, prefix } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { InterfacePlan, NatPlan, NodePlan } from '../../src/sim/plan.ts';

export interface Way {
  /** The boxes that the packet leaves through, which change its source; the last one's address is what the far end sees. */
  readonly crossed: readonly NatPlan[];
  /** The box that the address belongs to, where it forwards to somebody behind it and so changes the destination. */
  readonly forwarder: NatPlan | undefined;
}

/** From a node to an address, hop by hop. */
export function wayTo(nodes: readonly NodePlan[], from: NodePlan, to: IpAddress): Way {
  const crossed: NatPlan[] = [];
  let at: NodePlan | undefined = from;
  // no way is longer than every node once
  for (let hops = 0; at !== undefined && hops < nodes.length; hops++) {
    const hop = nextHop(at, to);
    const next: NodePlan | undefined = nodes.find(({ interfaces }) => interfaces.some(({ address }) => address === hop));
    if (hop === to) return { crossed, forwarder: next?.kind === 'nat' ? next : undefined };
    if (next?.kind === 'nat') crossed.push(next);
    at = next;
  }
  return { crossed, forwarder: undefined };
}

function nextHop({ interfaces, routes }: NodePlan, to: IpAddress): IpAddress | undefined {
  if (interfaces.some((own) => inPrefix(to, networkOf(own)))) return to;
  const [best] = routes.filter(({ to: block, via }) => via !== 'tunnel' && inPrefix(to, block)).sort((a, b) => b.to.length - a.to.length);
  return best?.via === 'tunnel' ? undefined : best?.via;
}

const networkOf = ({ address, prefixLength }: InterfacePlan): ReturnType<typeof prefix> => prefix(`${address}/${prefixLength}`);
