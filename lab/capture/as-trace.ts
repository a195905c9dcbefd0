/** A capture as a trace and a network: what the lab draws of its own runs it can draw of anybody's capture then. */
import type { Instant } from '../../src/core/time.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Frame } from '../../src/wire/pcap/frame.ts';
import type { Network, NetworkNode } from '../ladder/network.ts';
import type { TakenApart } from './packet.ts';

export interface Captured {
  readonly title: string | undefined;
  readonly trace: Trace;
  readonly network: Network;
}

interface Passing {
  readonly frame: Pick<Frame, 'at' | 'direction' | 'place'>;
  readonly ip: Uint8Array;
  readonly packet: TakenApart;
}

/** A section of a capture, packet by packet. */
export class CapturedSection {
  readonly #passed: Passing[] = [];

  get count(): number {
    return this.#passed.length;
  }

  add({ frame: { at, direction, place }, ip, packet }: Passing): void {
    this.#passed.push({ frame: { at, place, ...(direction !== undefined && { direction }) }, ip: ip.slice(), packet });
  }

  /**
   * Where interfaces have names and directions, as the lab writes them (`gateway eth0`), their nodes are who is in it; else those who speak are, by
   * their addresses, and every packet arrives.
   */
  captured(): Captured {
    const named = new Set(this.#passed.map(({ frame }) => nodeOf(frame)));
    const isNamed = named.size > 1 && !named.has(undefined);
    const trace = new TraceLog();
    const since = this.#passed[0]?.frame.at ?? 0n;
    for (const { frame, ip, packet } of this.#passed) {
      const at = (Number(frame.at - since) / 1e6) as Instant;
      const record = (node: string, port: string, direction: 'in' | 'out'): void => void trace.record(at, node, { layer: 'link', body: { kind: 'packet', interface: port, segment: wire, direction, bytes: ip } });
      if (isNamed) record(nodeOf(frame)!, frame.place.name!.split(' ')[1]!, frame.direction!);
      else {
        record(packet.from.address, wire, 'out');
        record(packet.to.address, wire, 'in');
      }
    }
    return { title: this.#passed[0]?.frame.place.sectionTitle, trace, network: networkOf(trace, isNamed) };
  }
}

/** Nobody knows what links there were: all of them have this name. */
const wire = 'wire';

const nodeOf = ({ place, direction }: Passing['frame']): string | undefined => (direction === undefined ? undefined : /^(\S+) \S+$/.exec(place.name ?? '')?.[1]);

/** Who speaks on two interfaces is a box. Of the others the busiest that did not begin is the gateway. */
function networkOf(trace: Trace, isNamed: boolean): Network {
  const packets = trace.of('packet');
  const names = [...new Set(packets.map(({ node }) => node))];
  const ports = (name: string): readonly string[] => [...new Set(packets.filter(({ node }) => node === name).map(({ body }) => body.interface))];
  const ends = names.filter((name) => ports(name).length === 1);
  const heard = (name: string): number => trace.of('packet', name).length;
  const gateway = ends.slice(1).toSorted((one, other) => heard(other) - heard(one))[0];
  const kindOf = (name: string): NetworkNode['kind'] => (name === gateway ? 'gateway' : ends.includes(name) ? 'client' : 'nat');
  const sides: Readonly<Record<NetworkNode['kind'], readonly string[]>> = { client: ['inside'], nat: ['inside', 'outside'], gateway: ['outside'], host: [], router: [] };
  return {
    name: 'capture',
    title: '',
    segments: [],
    nodes: names.map((name) => ({ name, kind: kindOf(name), interfaces: sides[kindOf(name)].map((segment) => ({ name: segment, segment, address: isNamed ? '' : name })) })),
  };
}
