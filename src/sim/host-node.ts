import type { Happening } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import type { EndpointInput, EndpointOutput } from '../host/ports.ts';
import { carriesIcmp } from '../wire/echo.ts';
import { decodeIp, encodeIp, encodeUdpPacket } from '../wire/ip.ts';
import { encodeIpv4 } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { decodeUdp } from '../wire/udp.ts';
import { tunnel, type IpNode, type IpNodeOutput, type LocalPacket } from './ip-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';

/** What runs on a host: an IPsec endpoint, or the programs of a plain host. */
export type HostPrograms = Machine<EndpointInput, EndpointOutput>;

/**
 * A host: its IP layer with what runs on it. An endpoint stands where it stands on a real host: its UDP and ESP sockets are the IP layer's,
 * and inner packets go to it and come from it through the tunnel device.
 */
export class HostNode implements Machine<NodeInput, NodeOutput> {
  readonly #ip: IpNode;
  readonly #programs: HostPrograms;
  readonly #udpPorts: ReadonlySet<number>;
  readonly #takesIpsec: boolean;
  readonly #toPrograms = new Queue<EndpointInput>();
  readonly #outputs = new Queue<NodeOutput>();

  /** `udpPorts`: on which the programs listen. `takesIpsec`: whether protocols 50 and 51 are spoken here. */
  constructor(ip: IpNode, programs: HostPrograms, { udpPorts, takesIpsec }: { readonly udpPorts: readonly number[]; readonly takesIpsec: boolean }) {
    this.#ip = ip;
    this.#programs = programs;
    this.#udpPorts = new Set(udpPorts);
    this.#takesIpsec = takesIpsec;
  }

  handle(now: Instant, input: NodeInput): void {
    switch (input.kind) {
      case 'packet':
        this.#ip.handle(now, input);
        break;
      case 'command':
        this.#toPrograms.push(input);
        break;
      case 'control':
        throw new TypeError('a host has no address translation to control');
    }
    this.#settle(now);
  }

  wake(now: Instant): void {
    this.#ip.wake(now);
    this.#programs.wake(now);
    this.#settle(now);
  }

  poll(): NodeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const [a, b] = [this.#ip.nextWake(), this.#programs.nextWake()];
    return a === undefined || (b !== undefined && b.at < a.at) ? b : a;
  }

  #settle(now: Instant): void {
    for (;;) {
      const fromIp = this.#ip.poll();
      if (fromIp !== undefined) {
        this.#hearIp(now, fromIp);
        continue;
      }
      const fromPrograms = this.#programs.poll();
      if (fromPrograms !== undefined) {
        this.#hearPrograms(now, fromPrograms);
        continue;
      }
      const toPrograms = this.#toPrograms.shift();
      if (toPrograms === undefined) return;
      this.#programs.handle(now, toPrograms);
    }
  }

  #hearIp(now: Instant, output: IpNodeOutput): void {
    switch (output.kind) {
      case 'transmit':
        this.#outputs.push(output);
        return;
      case 'tunnel':
        this.#toPrograms.push({ kind: 'inner', packet: output.packet });
        return;
      case 'local':
        return this.#receive(now, output.local);
      case 'drop':
        return this.#tell({ layer: 'link', body: output.event });
      case 'crossing':
      case 'error':
        throw new TypeError(`a host's IP layer does not put out ${output.kind}`);
    }
  }

  #receive(now: Instant, local: LocalPacket): void {
    const { ip, packet } = local;
    if (carriesIcmp(ip)) {
      this.#toPrograms.push({ kind: 'icmp', packet });
    } else if (ip.protocol === protocols.udp) {
      const udp = decodeUdp(ip.payload, ip);
      if (!udp.ok) return this.#tell({ layer: 'link', body: { kind: 'drop', reason: udp.reason, detail: udp.detail, bytes: packet } });
      const { sourcePort, destinationPort, payload } = udp.value;
      if (!this.#udpPorts.has(destinationPort)) this.#toPrograms.push({ kind: 'local', packet });
      else this.#toPrograms.push({ kind: 'datagram', local: { address: ip.destination, port: destinationPort }, peer: { address: ip.source, port: sourcePort }, payload });
    } else if (ip.protocol === protocols.tcp) {
      this.#toPrograms.push({ kind: 'local', packet });
    } else if (ip.protocol === protocols.ah && this.#takesIpsec) {
      this.#toPrograms.push({ kind: 'ah', packet });
    } else if (ip.protocol === protocols.esp && this.#takesIpsec) {
      this.#toPrograms.push({ kind: 'esp', source: ip.source, destination: ip.destination, payload: ip.payload });
    } else {
      this.#ip.handle(now, { kind: 'unclaimed', local, missing: 'no-protocol' });
    }
  }

  #hearPrograms(now: Instant, output: EndpointOutput): void {
    switch (output.kind) {
      case 'datagram':
        return this.#send(now, encodeUdpPacket(output.local, output.peer, output.payload, output.checksum, this.#ip.nextIdentification()));
      case 'esp':
        return this.#send(now, this.#espPacket(output));
      case 'bypass':
      case 'ah':
        return this.#send(now, output.packet);
      case 'unclaimed':
        return this.#refuse(now, output.packet);
      case 'inner':
        return this.#ip.handle(now, { kind: 'packet', interface: tunnel, packet: output.packet });
      case 'virtual-address':
        if (output.assigned) this.#ip.assign(output.address, tunnel);
        else this.#ip.withdraw(output.address, tunnel);
        return;
      case 'event':
        this.#outputs.push(output);
        return;
    }
  }

  #refuse(now: Instant, packet: Uint8Array): void {
    const ip = decodeIp(packet);
    if (ip.ok) this.#ip.handle(now, { kind: 'unclaimed', local: { ip: ip.value, packet }, missing: 'no-port' });
  }

  #espPacket({ source, destination, payload }: Extract<EndpointOutput, { kind: 'esp' }>): Uint8Array {
    const fields = { source, destination, protocol: protocols.esp, payload };
    return source.includes(':') ? encodeIp(fields) : encodeIpv4({ ...fields, identification: this.#ip.nextIdentification() });
  }

  /** What an endpoint sends to its peers must not go into its own tunnel again. */
  #send(now: Instant, packet: Uint8Array): void {
    this.#ip.handle(now, { kind: 'send', packet, clear: true, errors: 'to-sender' });
  }

  #tell(happening: Happening): void {
    this.#outputs.push({ kind: 'event', ...happening });
  }
}
