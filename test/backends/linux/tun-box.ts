/**
 * The `NatBox` machine in a router's namespace, as the lab runs it, between two devices that a test writes whole IP packets into and reads them from:
 * the counterpart of kernel-box.ts. Its interfaces are called inside and outside, its outside address is 203.0.113.1, the inside network 10.0.0.0/8.
 */
import { ip, prefix } from '../../../src/core/address.ts';
import type { DropEvent, NatEvent } from '../../../src/core/events.ts';
import { seeded } from '../../../src/core/random.ts';
import type { NatBoxConfig, NatControl } from '../../../src/nat/behaviour.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import { LabClock } from '../../../lab/backends/linux/lab-clock.ts';
import { MachineBox } from '../../../lab/backends/linux/machine-box.ts';
import { PacketSocket } from '../../../lab/backends/linux/packet-socket.ts';
import { TunDevice } from '../../../lab/backends/linux/tun.ts';
import { outside as outsideAddress } from '../../nat/lab.ts';
import { host } from './two-hosts.ts';
import { Poller } from '../../../lab/backends/linux/poller.ts';

/** The lab's time passes so much faster than the wall's. */
export const rate = 4;

export interface Passed {
  /** The interface. */
  readonly to: string;
  readonly packet: Uint8Array;
}

/** The plan of a box between 10.0.0.0/8 and the world: what the simulator builds of it is what a namespace is held to. */
export const planOf = (box: Omit<NatBoxConfig, 'name' | 'outsideAddresses' | 'insidePrefixes'> & Partial<NatBoxConfig>): NatPlan => ({
  kind: 'nat',
  name: 'box',
  interfaces: [
    { name: 'inside', segment: 'inside', address: ip('10.255.255.1'), prefixLength: 8 },
    { name: 'outside', segment: 'outside', address: ip(outsideAddress), prefixLength: 24 },
  ],
  routes: [{ to: prefix('0.0.0.0/0'), via: ip('203.0.113.254') }],
  inside: ['inside'],
  outside: 'outside',
  box: { name: 'box', outsideAddresses: [ip(outsideAddress)], insidePrefixes: [prefix('10.0.0.0/8')], ...box },
});

export interface TunBox extends AsyncDisposable {
  readonly namespace: ReturnType<typeof host>['namespace'];
  readonly events: readonly (NatEvent | DropEvent)[];
  readonly box: MachineBox;
  control(control: NatControl): void;
  /** A packet that comes in on the interface. */
  write(on: string, packet: Uint8Array): void;
  /** The next packet that comes out; undefined when none does within so many milliseconds of the wall's time. */
  next(patience: number): Promise<Passed | undefined>;
}

export function openTunBox(plan: NatPlan, mtus: Readonly<Record<string, number>> = {}): TunBox {
  const interfaces = host({ forwarding: true });
  const poller = new Poller();
  const passed: Passed[] = [];
  let arrived = (): void => undefined;
  const ends = new Map<string, TunDevice>();
  for (const { name, address, prefixLength } of plan.interfaces) {
    const end = new TunDevice(interfaces, poller, { name, mtu: mtus[name] ?? 1500 }, (packet) => {
      passed.push({ to: name, packet });
      arrived();
    });
    ends.set(name, end);
    interfaces.addAddress(name, { address, length: prefixLength });
  }
  for (const { to, via } of plan.routes) if (via !== 'tunnel') interfaces.addRoute({ to, via });
  const clock = new LabClock(rate);
  const capture = new PacketSocket(interfaces.namespace, poller, { interfaces: plan.interfaces.map(({ name }) => interfaces.index(name)), clock }, () => undefined);
  const events: (NatEvent | DropEvent)[] = [];
  const box = new MachineBox({ plan, interfaces, poller, clock, random: seeded(1), capture, report: (event) => void events.push(event) });
  return {
    namespace: interfaces.namespace,
    events,
    box,
    next: async (patience) => {
      if (passed.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, patience);
          arrived = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return passed.shift();
    },
    control: (control) => box.control(control),
    write: (on, packet) => ends.get(on)!.write(packet),
    [Symbol.asyncDispose]: async () => {
      box.close();
      for (const device of ends.values()) device.close();
      await capture.close();
      await poller.close();
      interfaces.close();
      interfaces.namespace.close();
    },
  };
}
