/** What a UDP socket does once UDP_ENCAP is set on it (RFC 3948 §2.2, §3; as Linux does it). */
import type { Endpoint } from '../core/address.ts';
import type { Instant } from '../core/time.ts';
import { classifyNatt } from '../wire/natt.ts';
import { receiveEsp } from './inbound.ts';
import type { Kernel } from './kernel.ts';

export class UdpEncapsulation {
  readonly #kernel: Kernel;
  readonly #ports = new Set<number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** setsockopt(UDP_ENCAP, ESPINUDP) */
  enable(port: number): void {
    this.#ports.add(port);
  }

  receive(now: Instant, local: Endpoint, peer: Endpoint, payload: Uint8Array): void {
    switch (this.#ports.has(local.port) ? classifyNatt(payload) : 'ike') {
      case 'ike': // marker included: the socket's owner knows on which port it listens
        this.#kernel.emit({ kind: 'datagram-up', local, peer, payload });
        break;
      case 'esp':
        receiveEsp(this.#kernel, now, { source: peer.address, destination: local.address, udpPort: peer.port, packet: payload });
        break;
      case 'keepalive':
        this.#kernel.drop('natt-keepalive', 'swallowed', payload, peer);
        break;
      case 'too-short':
        this.#kernel.drop('natt-too-short', `${payload.length} octets are neither ESP nor IKE nor a keepalive`, payload, peer);
        break;
    }
  }
}
