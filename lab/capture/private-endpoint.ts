/** Whose hash of NAT detection it is, found by trying: a private network has few addresses (RFC 1918), and IKE few ports. */
import { ipv4FromNumber } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes } from '../../src/core/bytes.ts';
import type { Hash } from '../../src/crypto/types.ts';

/** 192.168, 10.0 and 172.16, 65,536 addresses each; all of 10.0.0.0/8 would take a minute. */
const networks = [0xc0a80000, 0x0a000000, 0xac100000] as const;
const ports = [500, 4500] as const;

/** The private address and port that the hash is of, by as many tries as take about a second. */
export function privateEndpoint(spiI: Uint8Array, spiR: Uint8Array, wanted: Uint8Array, negotiated: Hash): Endpoint | undefined {
  const tried = new Uint8Array(22);
  tried.set(spiI);
  tried.set(spiR, 8);
  const view = new DataView(tried.buffer);
  for (const network of networks) {
    for (const port of ports) {
      view.setUint16(20, port);
      for (let host = 0; host < 0x10000; host++) {
        view.setUint32(16, network + host);
        if (sameBytes(negotiated.digest(tried), wanted)) return { address: ipv4FromNumber(network + host), port };
      }
    }
  }
  return undefined;
}
