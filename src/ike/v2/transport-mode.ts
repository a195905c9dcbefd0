/** Transport mode: who asks for it, and whose addresses the traffic selectors have when a NAT stands between (RFC 7296 §1.3.1, §2.23.1). */
import type { IpAddress } from '../../core/address.ts';
import { notifyTypes, type Payload, type TrafficSelector } from '../../wire/ike/message.ts';
import type { OriginalAddresses } from '../child.ts';
import type { ChildMode } from '../config.ts';
import type { Selectors } from '../traffic-selectors.ts';
import { notify, notifyOf } from './payloads.ts';
import type { IkeSa } from './sa.ts';

export const wantedMode = ({ connection }: IkeSa): ChildMode => connection.child.mode ?? 'tunnel';

/** Said in the request by who would like transport mode, and in the answer by who agrees. */
export const modeNotify = (mode: ChildMode): Payload[] => (mode === 'transport' ? [notify(notifyTypes.USE_TRANSPORT_MODE)] : []);

export const askedMode = (payloads: readonly Payload[]): ChildMode => (notifyOf(payloads, notifyTypes.USE_TRANSPORT_MODE) === undefined ? 'tunnel' : 'transport');

/** What the responder answers: it may decline, and then the child SA is in tunnel mode. */
export const agreedMode = (sa: IkeSa, payloads: readonly Payload[]): ChildMode => (wantedMode(sa) === 'transport' ? askedMode(payloads) : 'tunnel');

/** The peer's selectors with the addresses that stand in packets at this end, and the ones that it wrote: they repair checksums. */
export interface Substituted {
  readonly selectors: Selectors;
  readonly originals: OriginalAddresses | undefined;
}

/**
 * RFC 7296 §2.23.1, the same for either role: whoever is behind a NAT is called in the selectors by an address that the other end of the SA does not see.
 * In tunnel mode selectors are about inner addresses, and stay.
 */
export function substituted({ nat, local, peer }: IkeSa, mode: ChildMode, offered: Selectors): Substituted {
  const [ours, theirs] = [soleAddress(offered.local), soleAddress(offered.remote)];
  if (mode === 'tunnel' || ours === undefined || theirs === undefined) return { selectors: offered, originals: undefined };
  return {
    selectors: {
      local: nat.localBehindNat ? offered.local.map(calling(local.address)) : offered.local,
      remote: nat.remoteBehindNat ? offered.remote.map(calling(peer.address)) : offered.remote,
    },
    originals: { own: ours, peer: theirs },
  };
}

const calling = (address: IpAddress) => (selector: TrafficSelector): TrafficSelector => ({ ...selector, startAddress: address, endAddress: address });

/** The one address that all of them are about; undefined when there are several. */
function soleAddress(selectors: readonly TrafficSelector[]): IpAddress | undefined {
  const address = selectors[0]?.startAddress;
  return selectors.every(({ startAddress, endAddress }) => startAddress === address && endAddress === address) ? address : undefined;
}
