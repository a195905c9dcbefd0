/** When a step is said once more, and for how long: a timer and a limit (RFC 2408 §5.1); their figures are the configuration's. */
import { scaled, type Duration } from '../../core/time.ts';
import type { RetransmissionConfig } from '../config.ts';

/** After so many retransmissions, the wait for the next one. */
export const waitAfter = ({ first, factor }: RetransmissionConfig, retransmissions: number): Duration => scaled(first, factor ** retransmissions);

/** From the first transmission until the peer is given up: as long as that a peer with the same figures may still ask. */
export const wholeWait = (config: RetransmissionConfig): Duration =>
  Array.from({ length: config.tries + 1 }, (_, retransmissions) => waitAfter(config, retransmissions)).reduce((sum, wait) => (sum + wait) as Duration);
