/** A host on a real kernel: the same endpoint machine as in the simulator, joined to sockets and a TUN device of its namespace. */
import { isIpv4 } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import type { Instant } from '../../../src/core/time.ts';
import { createEndpoint } from '../../../src/host/endpoint.ts';
import type { EndpointCommand, EndpointInput, EndpointOutput } from '../../../src/host/ports.ts';
import type { Machine } from '../../../src/core/machine.ts';
import type { Random } from '../../../src/core/random.ts';
import type { Happening } from '../../../src/core/events.ts';
import { encodeIp } from '../../../src/wire/ip.ts';
import type { HostPlan } from '../../../src/sim/plan.ts';
import type { LabClock } from './lab-clock.ts';
import type { Interfaces } from './links.ts';
import type { PacketSocket } from './packet-socket.ts';
import type { Poller } from './poller.ts';
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_ICMP, IPPROTO_ICMPV6, RawSocket, type ReceivedPacket } from './raw-socket.ts';
import { TunDevice } from './tun.ts';
import { UdpSocket } from './udp-socket.ts';

/** IKE's own port and the one that it shares with ESP (RFC 7296 §2.23). */
const daemonPorts = [500, 4500] as const;

/** Leaves room for ESP, UDP and IP around an inner packet, so that nothing needs fragments. */
const tunnelMtu = 1400;
const tunnelName = 'ipsec0';

export interface HostOptions {
  readonly plan: HostPlan;
  readonly interfaces: Interfaces;
  readonly poller: Poller;
  readonly clock: LabClock;
  readonly random: Random;
  readonly capture: PacketSocket;
  readonly record: (at: Instant, happening: Happening) => void;
}

export class EndpointDriver {
  readonly #options: HostOptions;
  readonly #machine: Machine<EndpointInput, EndpointOutput>;
  readonly #sockets = new Map<number, UdpSocket>();
  readonly #esp: RawSocket;
  readonly #ah: RawSocket;
  /** Pings past the tunnel: the kernel gives a copy of what comes back. What it has no socket for, UDP and TCP, it refuses itself. */
  readonly #icmp: RawSocket;
  readonly #tunnel: TunDevice;
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HostOptions) {
    this.#options = options;
    const { plan, interfaces, poller, random } = options;
    const config = plan.endpoint!;
    const { address } = config.ike;
    const { namespace } = interfaces;
    this.#machine = createEndpoint(config, random);
    for (const port of daemonPorts)
      this.#sockets.set(port, new UdpSocket(namespace, poller, { address, port }, (datagram) => this.#tell({ kind: 'datagram', ...datagram })));
    const family = isIpv4(address) ? 4 : 6;
    const icmp = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    this.#esp = new RawSocket(namespace, poller, { protocol: IPPROTO_ESP, family }, ({ source, destination, payload }) => this.#tell({ kind: 'esp', source, destination, payload }));
    this.#ah = new RawSocket(namespace, poller, { protocol: IPPROTO_AH, family }, (packet) => this.#tell({ kind: 'ah', packet: wholePacket(IPPROTO_AH, packet) }));
    this.#icmp = new RawSocket(namespace, poller, { protocol: icmp, family }, (packet) => this.#tell({ kind: 'icmp', packet: wholePacket(icmp, packet) }));
    this.#tunnel = new TunDevice(interfaces, poller, { name: tunnelName, mtu: tunnelMtu }, (packet) => this.#tell({ kind: 'inner', packet }));
    for (const { to, via } of plan.routes) if (via === 'tunnel') interfaces.addRoute({ to, through: tunnelName });
    this.#listen();
  }

  command(command: EndpointCommand): void {
    this.#tell({ kind: 'command', command });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm);
    for (const socket of this.#sockets.values()) socket.close();
    this.#esp.close();
    this.#ah.close();
    this.#icmp.close();
    this.#tunnel.close();
  }

  #tell(input: EndpointInput): void {
    if (this.#closed) return;
    // What the wire brought is in the trace before what it led to.
    this.#options.capture.read();
    this.#machine.handle(this.#options.clock.now(), input);
    this.#listen();
  }

  #listen(): void {
    for (let output = this.#machine.poll(); output !== undefined; output = this.#machine.poll()) this.#carryOut(output);
    this.#options.capture.read();
    clearTimeout(this.#alarm);
    const next = this.#machine.nextWake();
    if (next !== undefined) this.#alarm = setTimeout(() => this.#wake(), this.#options.clock.untilMs(next.at));
  }

  #wake(): void {
    if (this.#closed) return;
    this.#machine.wake(this.#options.clock.now());
    this.#listen();
  }

  #carryOut(output: EndpointOutput): void {
    const { interfaces, clock, record } = this.#options;
    switch (output.kind) {
      case 'datagram':
        this.#sockets.get(output.local.port)?.send(output.peer, output.payload, { checksum: output.checksum });
        return;
      case 'esp':
        this.#esp.send(output);
        return;
      case 'ah':
        this.#ah.sendWhole(output.packet);
        return;
      case 'inner':
        this.#tunnel.write(output.packet);
        return;
      case 'bypass':
        this.#icmp.sendWhole(output.packet);
        return;
      case 'unclaimed':
        // The kernel's own sockets take what is for the host; nothing comes here as `local`.
        return;
      case 'virtual-address': {
        const assigned = { address: output.address, length: isIpv4(output.address) ? 32 : 128 };
        if (output.assigned) interfaces.addAddress(tunnelName, assigned);
        else interfaces.deleteAddress(tunnelName, assigned);
        return;
      }
      case 'event':
        record(clock.now(), { layer: output.layer, body: output.body } as Happening);
    }
  }
}

/** As it arrived. What the kernel has kept of an IPv6 header are fields that AH takes for zero. */
const wholePacket = (protocol: number, { header, source, destination, payload }: ReceivedPacket): Uint8Array =>
  header === undefined ? encodeIp({ source, destination, protocol, payload }) : concat(header, payload);
