/** What a box does with a TCP SYN that nobody behind it waits for (RFC 5382 REQ-4). */
import { ipv4FromNumber } from '../core/address.ts';
import { u32At } from '../core/bytes.ts';
import { after, seconds, type Instant } from '../core/time.ts';
import { encodeIcmp, unreachableCodes } from '../wire/icmp.ts';
import { encodeIpv4, ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { encodeTcp, tcpAt, tcpFlags } from '../wire/tcp.ts';
import type { Flow } from './flow.ts';
import type { NumericEndpoint } from './table.ts';

/** So long an inside host has to send a SYN of its own, which makes the two a simultaneous open. */
const patience = seconds(6);
const most = 1024;

interface Held {
  readonly due: Instant;
  readonly flow: Flow;
  readonly packet: Uint8Array;
}

/** SYNs from outside that wait for one from inside. */
export class HeldSyns {
  readonly #held: Held[] = [];

  /** The oldest is forgotten where there are too many. */
  hold(now: Instant, flow: Flow, packet: Uint8Array): void {
    if (this.#held.length === most) this.#held.shift();
    this.#held.push({ due: after(now, patience), flow, packet: packet.slice() });
  }

  /** A SYN went out from this outside endpoint to that remote: the one that came in is not answered. */
  met(outside: NumericEndpoint, remote: NumericEndpoint): void {
    const at = this.#held.findIndex(({ flow }) => same(flow.destination, outside) && same(flow.source, remote));
    if (at >= 0) this.#held.splice(at, 1);
  }

  /** One that has waited for long enough: the error to answer it with. */
  due(now: Instant): Uint8Array | undefined {
    if (this.#held[0] === undefined || this.#held[0].due > now) return undefined;
    const { flow, packet } = this.#held.shift()!;
    return unreachable(flow.destination.address, packet, unreachableCodes.port);
  }

  nextAt(): Instant | undefined {
    return this.#held[0]?.due;
  }
}

const same = (a: NumericEndpoint, b: NumericEndpoint): boolean => a.address === b.address && a.port === b.port;

/** RFC 792: destination unreachable, from one of the box's own addresses to the sender of `packet`. */
export const unreachable = (from: number, packet: Uint8Array, code: number): Uint8Array =>
  encodeIpv4({ source: ipv4FromNumber(from), destination: ipv4FromNumber(u32At(packet, ipv4At.source)), protocol: protocols.icmp, payload: encodeIcmp({ kind: 'unreachable', code, quoted: packet }) });

/** RFC 9293 §3.10.7.1: what a closed port answers a SYN with. */
export function reset({ source, destination }: Flow, packet: Uint8Array): Uint8Array {
  const addresses = { source: ipv4FromNumber(destination.address), destination: ipv4FromNumber(source.address) };
  const acknowledgment = (u32At(packet, ipv4HeaderLengthOf(packet) + tcpAt.sequence) + 1) >>> 0;
  const segment = encodeTcp({ sourcePort: destination.port, destinationPort: source.port, flags: tcpFlags.rst | tcpFlags.ack, acknowledgment, window: 0 }, addresses);
  return encodeIpv4({ ...addresses, protocol: protocols.tcp, payload: segment });
}
