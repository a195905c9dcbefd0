/** The machine that a box's configuration asks for. */
import type { Mapping } from '../core/events.ts';
import type { Machine } from '../core/machine.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import type { NatBoxConfig, NatInput, NatOutput } from './behaviour.ts';
import { NatBox } from './box.ts';
import { Nat64 } from './nat64/nat64.ts';
import { PrefixTranslator } from './nptv6.ts';

/** Whatever translates; its table as people see it, oldest row first. */
export type NatMachine = Machine<NatInput, NatOutput> & { mappings(now: Instant): Mapping[] };

export function natMachine(config: NatBoxConfig, random: Random): NatMachine {
  switch (config.ipv6?.kind) {
    case undefined:
      return new NatBox(config, random);
    case 'nat64':
      return new Nat64(config, config.ipv6, random);
    case 'nptv6':
      return new PrefixTranslator(config.name, config.ipv6);
  }
}

/** Whether the box is to be given whole packets: a NAPT box that puts fragments together. The other two see to fragments themselves. */
export const wantsWhole = ({ behaviour, ipv6 }: NatBoxConfig): boolean => ipv6 === undefined && behaviour.fragments === 'reassemble';
