/** What mininet is to build of a plan, in the driver's words. */
import { describePrefix } from '../../../src/core/address.ts';
import type { SegmentPlan, WorldPlan } from '../../../src/sim/plan.ts';
import { addressesOf, bridgeName } from '../linux/ground.ts';
import { rate } from '../linux/lab-clock.ts';
import { kernelRoutes } from '../linux/links.ts';
import type { Cable, Requests } from './driver.ts';

export type Wiring = Requests['wire'];

export function wiringOf(plan: WorldPlan, { netem }: { readonly netem: boolean }): Wiring {
  const bridges = bridgeNames(plan);
  const segments = new Map(plan.segments.map((segment) => [segment.name, segment]));
  const ports = new Map<string, number>();
  const nextPort = (bridge: string): string => {
    const port = (ports.get(bridge) ?? 0) + 1;
    ports.set(bridge, port);
    return `${bridge}-${port}`;
  };
  return {
    segments: plan.segments.map(({ name, mtu }) => ({ name: bridges.get(name)!, mtu })),
    cables: plan.nodes.flatMap((node) =>
      node.interfaces.map((its): Cable => {
        const segment = bridges.get(its.segment)!;
        const addresses = addressesOf(node, its).map(({ address, length }) => `${address}/${length}`);
        return { host: node.name, interface: its.name, addresses, segment, port: nextPort(segment), impairment: netem ? impairmentOf(segments.get(its.segment)!) : none };
      }),
    ),
    routes: plan.nodes.flatMap((node) => kernelRoutes(node).map(({ to, via }) => ({ host: node.name, to: describePrefix(to), via: via! }))),
  };
}

const none = { delay: 0, jitter: 0, loss: 0 } as const;

/** Every packet leaves one host and is impaired there; the lab's time passes faster than netem's. */
const impairmentOf = ({ impairment: { latency, jitter, loss } }: SegmentPlan): Cable['impairment'] => ({
  delay: Math.round((1000 * latency) / rate),
  jitter: Math.round((1000 * jitter) / rate),
  loss: Math.round(1_000_000 * loss),
});

/** A bridge is called as its segment, for whoever looks at the network from the prompt; where that is no name for an interface, or a node has it, by its number. */
export function bridgeNames(plan: WorldPlan): ReadonlyMap<string, string> {
  const taken = new Set(['lo', ...plan.nodes.map(({ name }) => name)]);
  return new Map(plan.segments.map(({ name }) => [name, [name, bridgeName(plan, name)].find((one) => isInterfaceName(one) && !taken.has(one)) ?? `${bridgeName(plan, name)}_`]));
}

/** Short enough for a port's number behind it. */
const isInterfaceName = (name: string): boolean => /^[a-z][\w]{0,9}$/i.test(name);
