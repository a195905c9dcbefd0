/** How a STUN message of the probe travels. The same words in UDP, TCP, ICMP and ESP ask the same questions of each. */
import type { Endpoint } from '../core/address.ts';
import type { StunMessage } from '../wire/stun.ts';
import type { Disguise } from './disguise.ts';

export type Carrier = 'udp' | 'tcp' | 'icmp' | 'esp';

/** A STUN message with its envelope. */
export interface Letter {
  readonly carrier: Carrier;
  /** The port is UDP's or TCP's; of ICMP the query identifier on the side that asks, 0 on the other; of ESP 0. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly message: StunMessage;
  /** UDP's: there, left out, or, of a letter that came, spoiled on its way. */
  readonly checksum: 'computed' | 'zero' | 'wrong';
  /** ESP's; 0 elsewhere. */
  readonly spi: number;
  /** On IKE's ports: what the message goes as, IKEv2 where nothing is said. */
  readonly disguise?: Disguise;
}
