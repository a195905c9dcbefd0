/** The networks of a mininet Topo: switches that are linked with each other are one, and so is a link between two hosts. */
import { Problem } from '../../problem.ts';
import type { TopoDescription, TopoLink } from './topo-description.ts';

export interface Network {
  readonly name: string;
  /** The switches, or the two hosts, that make it. */
  readonly places: readonly string[];
  readonly ports: readonly { readonly host: string; readonly port: number; readonly ip: string | null }[];
  /** As a topology file has it. */
  readonly impairment: { readonly latency?: string; readonly jitter?: string; readonly loss?: number };
}

export function networksOf(topo: TopoDescription, name: string): Network[] {
  const { hosts, switches, links } = topo;
  const wrong = (link: TopoLink, what: string): Problem => new Problem(`${name}: the link ${link.ends.map(({ node }) => node).join(' – ')} ${what}`);
  const isSwitch = (node: string): boolean => switches.includes(node);
  const between = (link: TopoLink): number => link.ends.filter(({ node }) => isSwitch(node)).length;

  const group = new Map(switches.map((one) => [one, new Set([one])]));
  for (const link of links) {
    if (between(link) !== 2) continue;
    if (Object.keys(link.options).length > 0) throw wrong(link, `has ${optionsOf(link)}, and between switches the lab's links have none: they are one network`);
    const [a, b] = link.ends.map(({ node }) => group.get(node)!) as [Set<string>, Set<string>];
    for (const one of b) group.set(one, a.add(one));
  }
  const firstIp = new Map(hosts.map(({ name: host, ip }) => [host, ip]));
  const firstPort = (host: string): number => Math.min(...links.flatMap(({ ends }) => ends.flatMap(({ node, port }) => (node === host ? [port] : []))));
  const portsOf = (its: readonly TopoLink[]): Network['ports'] =>
    its.flatMap(({ ends }) => ends.flatMap(({ node, port, ip }) => (isSwitch(node) ? [] : [{ host: node, port, ip: ip ?? (port === firstPort(node) ? firstIp.get(node)! : null) }])));

  const switched = [...new Set(group.values())].map((places): Network => {
    const its = links.filter((link) => between(link) === 1 && link.ends.some(({ node }) => places.has(node)));
    for (const [i, link] of its.entries()) {
      const host = link.ends.find(({ node }) => !isSwitch(node))!.node;
      if (its.findIndex(({ ends }) => ends.some(({ node }) => node === host)) !== i) throw wrong(link, `is ${host}'s second to one network, and the lab gives it one interface there`);
      if (JSON.stringify(link.options) !== JSON.stringify(its[0]!.options)) throw wrong(link, `has ${optionsOf(link)}, and ${its[0]!.ends.map(({ node }) => node).join(' – ')} ${optionsOf(its[0]!)}: on one network of the lab all links are alike`);
    }
    const [first] = places;
    // From host to host it is two links.
    return { name: first!, places: [...places], ports: portsOf(its), impairment: its[0] === undefined ? {} : impairmentOf(its[0], 2, wrong) };
  });
  const direct = links.filter((link) => between(link) === 0).map((link, i, all): Network => {
    const places = link.ends.map(({ node }) => node);
    const before = all.slice(0, i).filter(({ ends }) => ends.every(({ node }) => places.includes(node))).length;
    return { name: `${places.join('-')}${before === 0 ? '' : `-${before + 1}`}`, places, ports: portsOf([link]), impairment: impairmentOf(link, 1, wrong) };
  });
  return [...switched.filter(({ ports }) => ports.length > 0), ...direct];
}

const optionsOf = ({ options }: TopoLink): string => Object.entries(options).map(([key, value]) => `${key}=${value}`).join(', ') || 'no options';

const milliseconds = { us: 0.001, ms: 1, s: 1000 } as const;

/** What TCLink is told, over so many such links one after the other. */
function impairmentOf(link: TopoLink, times: number, wrong: (link: TopoLink, what: string) => Problem): Network['impairment'] {
  const time = (key: string, text: string | number): string => {
    const [, n, unit = 'us'] = /^(\d+(?:\.\d+)?)(us|ms|s)?$/.exec(String(text)) ?? [];
    if (n === undefined) throw wrong(link, `has ${key}=${text}, and not a time such as 5ms`);
    return `${Number((times * Number(n) * milliseconds[unit as keyof typeof milliseconds]).toFixed(6))} ms`;
  };
  const impairment: { latency?: string; jitter?: string; loss?: number } = {};
  for (const [key, value] of Object.entries(link.options)) {
    if (key === 'delay') impairment.latency = time(key, value);
    else if (key === 'jitter') impairment.jitter = time(key, value);
    else if (key === 'loss') {
      if (typeof value !== 'number' || value < 0 || value > 100) throw wrong(link, `has loss=${value}, and not a percentage`);
      impairment.loss = Number((1 - (1 - value / 100) ** times).toFixed(9));
    } else throw wrong(link, `has ${key}=${value}, which the lab's links have not: leave it out`);
  }
  return impairment;
}
