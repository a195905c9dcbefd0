/** A NAT box on a real kernel: on the kernel's own NAT where that behaves exactly as the box should, else on the `NatBox` machine. */
import type { DropEvent, Mapping, NatEvent } from '../../../src/core/events.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import type { NatEngine, NatEngineChoice } from '../backend.ts';
import { KernelBox, kernelBox } from './kernel-box.ts';
import { MachineBox } from './machine-box.ts';
import type { MachineBoxOptions } from './machine-box.ts';

/** What drives a box, whatever translates in it. */
export interface BoxDriver {
  mappings(): readonly Mapping[];
  control(control: NatControl): void;
  close(): void;
}

export interface BoxOptions extends MachineBoxOptions {
  readonly engine: NatEngine;
  readonly report: (event: NatEvent | DropEvent) => void;
}

export const runBox = ({ engine, ...options }: BoxOptions): BoxDriver => (engine === 'kernel' ? new KernelBox(options) : new MachineBox(options));

/** Which engine the box gets. */
export const engineOf = (plan: NatPlan, choice: NatEngineChoice, rate: number): NatEngine =>
  choice === 'auto' ? (kernelBox(plan, rate).supported ? 'kernel' : 'machine') : choice;
