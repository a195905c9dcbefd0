/** struct sockaddr_in and sockaddr_in6 as Linux lays them out: no length octet in front, 16 and 28 octets. */
import { addressBytes, addressFromBytes } from '../../core/address.ts';
import type { Endpoint } from '../../core/address.ts';
import type { StructReader, StructWriter } from './struct.ts';

const families = { AF_INET: 2, AF_INET6: 10 } as const;

/**
 * ```
 * sockaddr_in    u16 family | be16 port | 4 octets address | 8 octets zero
 * sockaddr_in6   u16 family | be16 port | be32 flow info   | 16 octets address | u32 scope
 * ```
 */
export function readSockaddr(body: StructReader): Endpoint {
  const family = body.u16();
  const port = body.net16();
  switch (family) {
    case families.AF_INET: {
      const address = addressFromBytes(body.bytes(4));
      body.skip(8);
      return { address, port };
    }
    case families.AF_INET6: {
      body.skip(4);
      const address = addressFromBytes(body.bytes(16));
      body.skip(4);
      return { address, port };
    }
    default:
      return body.refuse(`address family ${family}`);
  }
}

export function writeSockaddr(out: StructWriter, { address, port }: Endpoint): void {
  const bytes = addressBytes(address);
  if (bytes.length === 4) out.u16(families.AF_INET).net16(port).bytes(bytes).zeros(8);
  else out.u16(families.AF_INET6).net16(port).zeros(4).bytes(bytes).zeros(4);
}
