/** A NAT box on the simulator's own `NatBox` machine: the kernel routes, counts hops and answers for addresses, the machine translates. */
import type { DropEvent, Mapping, NatEvent, Side } from '../../../src/core/events.ts';
import { setU16, u16At } from '../../../src/core/bytes.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import type { Random } from '../../../src/core/random.ts';
import { start } from '../../../src/core/time.ts';
import type { Instant } from '../../../src/core/time.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import { natMachine } from '../../../src/nat/machine.ts';
import type { NatMachine } from '../../../src/nat/machine.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import { adjusted } from '../../../src/wire/checksum.ts';
import { ipVersion } from '../../../src/wire/ip.ts';
import { ipv4At } from '../../../src/wire/ipv4.ts';
import { ipv6At } from '../../../src/wire/ipv6.ts';
import { Detour } from './detour.ts';
import type { LabClock } from './lab-clock.ts';
import { changeAddress, kernelRoutes } from './links.ts';
import type { Interfaces } from './links.ts';
import type { PacketSocket } from './packet-socket.ts';
import type { Poller } from './poller.ts';
import { TunDevice } from './tun.ts';

/** The largest that a tunnel device may have, and an IPv4 packet: the links beyond are what decides about fragments. */
const deviceMtu = 65535;
/** What comes in while the lab is busy elsewhere for some tens of milliseconds. */
const queue = 4096;
const doors = { inside: 'nat-inside', outside: 'nat-outside' } as const;

export interface MachineBoxOptions {
  readonly plan: NatPlan;
  readonly interfaces: Interfaces;
  readonly poller: Poller;
  readonly clock: LabClock;
  readonly random: Random;
  readonly capture: Pick<PacketSocket, 'read'>;
  readonly report: (event: NatEvent | DropEvent) => void;
}

export class MachineBox {
  readonly #options: MachineBoxOptions;
  readonly #machine: NatMachine;
  readonly #devices: Readonly<Record<Side, TunDevice>>;
  readonly #detour: Detour;
  #addresses: readonly IpAddress[];
  #alarm: { readonly timer: NodeJS.Timeout; readonly at: Instant } | undefined;
  /** When the batch began that is at work. */
  #now = start;
  #closed = false;

  constructor(options: MachineBoxOptions) {
    const { plan, interfaces, poller, random } = options;
    this.#options = options;
    this.#machine = natMachine(plan.box, random.fork('box'));
    this.#addresses = plan.box.outsideAddresses;
    const device = (from: Side): TunDevice =>
      new TunDevice(interfaces, poller, { name: doors[from], mtu: deviceMtu, queue, batchBegins: () => this.#batchBegins() }, (packet) => this.#cross(from, packet));
    this.#devices = { inside: device('inside'), outside: device('outside') };
    this.#detour = new Detour(interfaces, plan, doors);
  }

  mappings(): readonly Mapping[] {
    this.#wake();
    return this.#machine.mappings(this.#options.clock.now());
  }

  control(control: NatControl): void {
    if (control.kind === 'change-address') this.#moveTo(control.address);
    this.#machine.handle(this.#options.clock.now(), { kind: 'control', control });
    this.#settle();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm?.timer);
    for (const device of Object.values(this.#devices)) device.close();
  }

  #batchBegins(): void {
    this.#options.capture.read(); // what the wire brought is in the trace before what it led to
    this.#now = this.#options.clock.now();
  }

  #cross(from: Side, packet: Uint8Array): void {
    this.#machine.handle(this.#now, { kind: 'packet', from, packet });
    this.#settle();
  }

  #wake(): void {
    if (this.#closed) return;
    this.#machine.wake(this.#options.clock.now());
    this.#settle();
  }

  #settle(): void {
    const { clock, report } = this.#options;
    for (let output = this.#machine.poll(); output !== undefined; output = this.#machine.poll()) {
      if (output.kind === 'event') report(output.event);
      else this.#devices[output.to].write(oneHopYounger(output.packet));
    }
    const next = this.#machine.nextWake();
    if (next === undefined || (this.#alarm !== undefined && this.#alarm.at <= next.at)) return; // a wake-up too early costs nothing
    clearTimeout(this.#alarm?.timer);
    const timer = setTimeout(() => {
      this.#alarm = undefined;
      this.#wake();
    }, clock.untilMs(next.at));
    this.#alarm = { timer, at: next.at };
  }

  #moveTo(address: IpAddress): void {
    const { plan, interfaces } = this.#options;
    const { ipv6 } = plan.box;
    if (ipv6?.kind === 'nptv6') return interfaces.addRoute({ to: { address, length: ipv6.outside.length }, through: doors.outside });
    const { prefixLength: length } = plan.interfaces.find(({ name }) => name === plan.outside)!;
    const routes = kernelRoutes(plan);
    const [old, ...others] = this.#addresses as readonly [IpAddress, ...IpAddress[]];
    changeAddress(interfaces, plan.outside, { address: old, length }, { address, length }, routes);
    this.#detour.release(old);
    this.#detour.claim(address);
    this.#addresses = [address, ...others];
  }
}

/** On its way through the box a packet is forwarded twice, to the device and from it, and crosses one router: the second hop is not counted. */
function oneHopYounger(packet: Uint8Array): Uint8Array {
  if (ipVersion(packet) === 6) {
    packet[ipv6At.hopLimit]!++;
    return packet;
  }
  const before = u16At(packet, ipv4At.ttl); // TTL and protocol make a word of the checksum
  packet[ipv4At.ttl]!++;
  setU16(packet, ipv4At.checksum, adjusted(u16At(packet, ipv4At.checksum), before, before + 0x100));
  return packet;
}
