/** A NAT box on the kernel's own NAT: rules and timers from the behaviour, the table from conntrack. */
import { scaled } from '../../../src/core/time.ts';
import type { Duration } from '../../../src/core/time.ts';
import type { Mapping, NatEvent } from '../../../src/core/events.ts';
import type { NatBoxConfig, NatControl, NatTimeouts } from '../../../src/nat/behaviour.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import { CannotBeTried } from '../../problem.ts';
import { KernelNat } from './kernel-nat.ts';
import type { LabClock } from './lab-clock.ts';
import { changeAddress, kernelRoutes } from './links.ts';
import type { Interfaces } from './links.ts';
import { kernelNat } from './nftables.ts';
import type { Poller } from './poller.ts';

export interface KernelBoxOptions {
  readonly plan: NatPlan;
  readonly interfaces: Interfaces;
  readonly poller: Poller;
  readonly clock: LabClock;
  readonly report: (event: NatEvent) => void;
}

export class KernelBox {
  readonly #options: KernelBoxOptions;
  readonly #table: KernelNat;
  #outsideAddress: NatPlan['box']['outsideAddresses'][number];

  constructor(options: KernelBoxOptions) {
    const { plan, interfaces, poller, clock: { rate }, report } = options;
    this.#options = options;
    this.#outsideAddress = plan.box.outsideAddresses[0]!;
    this.#setRules();
    this.#table = new KernelNat(interfaces.namespace, poller, { box: plan.name, rate, report });
  }

  mappings(): readonly Mapping[] {
    return this.#table.mappings();
  }

  control(control: NatControl): void {
    const { plan, interfaces, report } = this.#options;
    switch (control.kind) {
      case 'flush':
        report({ kind: 'nat-control', control: 'flush', story: `${plan.name} is told to forget its table` });
        return this.#table.clear('flushed');
      case 'reboot':
        report({ kind: 'nat-control', control: 'reboot', story: `${plan.name} reboots and remembers nothing` });
        return this.#table.clear('reboot');
      case 'fill':
        throw new CannotBeTried(`${plan.name} runs on the kernel's own NAT, whose table is not filled on command; with --nat-engine machine it is`);
      case 'change-address': {
        report({ kind: 'nat-control', control: 'change-address', story: `${plan.name} has the outside address ${control.address} from now on; its mappings go with the old one` });
        const { prefixLength: length } = plan.interfaces.find(({ name }) => name === plan.outside)!;
        const routes = kernelRoutes(plan);
        // Masquerade forgets its entries by itself when their address goes: that, too, is told as what it is.
        return this.#table.clear('address-changed', () => {
          changeAddress(interfaces, plan.outside, { address: this.#outsideAddress, length }, { address: control.address, length }, routes);
          this.#outsideAddress = control.address;
          this.#setRules();
        });
      }
    }
  }

  close(): void {
    this.#table.close();
  }

  #setRules(): void {
    const { plan, interfaces: { namespace }, clock: { rate } } = this.#options;
    const kernel = kernelBox(plan, rate, this.#outsideAddress);
    if (!kernel.supported) throw new TypeError(`${plan.name} was not asked whether the kernel can be it`);
    namespace.run('nft', ['-f', '-'], kernel.ruleset);
    namespace.sysctls(Object.fromEntries(Object.entries(kernel.sysctls).map(([name, value]) => [name.replace(/^net\./, '').replaceAll('.', '/'), value])));
  }
}

/** What the kernel is told to be this box, its timers as much shorter as the lab's clock is faster. */
export const kernelBox = ({ box, inside, outside }: NatPlan, rate: number, outsideAddress = box.outsideAddresses[0]!): ReturnType<typeof kernelNat> =>
  kernelNat(faster(box, rate), { inside, outside, outsideAddress });

function faster(box: NatBoxConfig, rate: number): NatBoxConfig {
  const { repliedAfter, byRemotePort, ...rest } = box.behaviour.timeouts;
  const shorter = <Timers extends object>(timers: Timers): Timers =>
    Object.fromEntries(Object.entries(timers).map(([name, life]) => [name, scaled(life as Duration, 1 / rate)])) as Timers;
  // When a flow counts as replied is the kernel's own constant, which no clock of ours moves.
  const timeouts: NatTimeouts = { ...shorter(rest), repliedAfter, byRemotePort: shorter(byRemotePort) };
  return { ...box, behaviour: { ...box.behaviour, timeouts } };
}
