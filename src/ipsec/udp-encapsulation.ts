/** What a UDP socket does once UDP_ENCAP is set on it (RFC 3948 §2.2, §3), in the way of the stack's system. */
import type { Endpoint } from '../core/address.ts';
import type { Instant } from '../core/time.ts';
import { nonIkeMarker, stripMarker, withMarker } from '../wire/natt.ts';
import type { SocketOption } from './encapsulation-rules.ts';
import { receiveEsp } from './inbound.ts';
import type { Kernel } from './kernel.ts';

export class UdpEncapsulation {
  readonly #kernel: Kernel;
  readonly #ports = new Map<number, SocketOption>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** setsockopt(UDP_ENCAP), or illumos' UDP_NAT_T_ENDPOINT */
  enable(port: number, option: SocketOption): void {
    this.#ports.set(port, option);
  }

  /** What the daemon sends: on a NAT-T endpoint of illumos the stack puts the zero SPI in front. */
  send(local: Endpoint, peer: Endpoint, payload: Uint8Array): void {
    const marks = this.#kernel.rules.stackMarks && this.#ports.has(local.port);
    this.#kernel.emit({ kind: 'datagram-down', local, peer, payload: marks ? withMarker(payload) : payload });
  }

  receive(now: Instant, local: Endpoint, peer: Endpoint, payload: Uint8Array): void {
    const { rules } = this.#kernel;
    const option = this.#ports.get(local.port);
    const sorted = option === undefined ? 'up' : rules.sort(payload, option);
    switch (sorted) {
      case 'up': {
        const marked = option !== undefined && rules.stackMarks;
        this.#kernel.emit({ kind: 'datagram-up', local, peer, payload: marked ? stripMarker(payload) : payload });
        break;
      }
      case 'esp':
      case 'esp-behind-marker': {
        const behindMarker = sorted === 'esp-behind-marker';
        const packet = behindMarker ? payload.subarray(nonIkeMarker.length) : payload;
        receiveEsp(this.#kernel, now, { source: peer.address, destination: local.address, arrival: { peerPort: peer.port, localPort: local.port, behindMarker }, packet });
        break;
      }
      case 'keepalive':
        this.#kernel.drop('natt-keepalive', 'swallowed', payload, peer);
        break;
      case 'too-short':
        this.#kernel.drop('natt-too-short', `${payload.length} octets are neither ESP nor IKE nor a keepalive`, payload, peer);
        break;
    }
  }
}
