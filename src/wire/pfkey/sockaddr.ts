/** struct sockaddr_in and sockaddr_in6, 16 and 28 octets everywhere; the number of AF_INET6 and the first two octets are each system's own. */
import { addressBytes, addressFromBytes } from '../../core/address.ts';
import type { Endpoint } from '../../core/address.ts';
import type { StructReader, StructWriter } from './struct.ts';

export interface Sockaddr {
  read(body: StructReader): Endpoint;
  write(out: StructWriter, endpoint: Endpoint): void;
}

const inet = { family: 2, length: 16 } as const;
const inet6Length = 28;

/**
 * ```
 *                Linux, illumos   BSD
 * sockaddr_in    u16 family       u8 length | u8 family   then   be16 port | 4 octets address | 8 octets zero
 * sockaddr_in6   u16 family       u8 length | u8 family   then   be16 port | be32 flow info   | 16 octets address | u32 scope
 * ```
 * illumos has another 4 octets behind the scope (`__sin6_src_id`): 32 in all.
 */
export function sockaddrs({ inet6, lengthOctet, sourceId = false }: { readonly inet6: number; readonly lengthOctet: boolean; readonly sourceId?: boolean }): Sockaddr {
  const behindScope = sourceId ? 4 : 0;
  const readFamily = (body: StructReader): number => {
    if (!lengthOctet) return body.u16();
    const length = body.u8();
    const family = body.u8();
    const wanted = family === inet.family ? inet.length : family === inet6 ? inet6Length : length;
    return length === wanted ? family : body.refuse(`sockaddr of family ${family} with a length of ${length}`);
  };
  const writeFamily = (out: StructWriter, family: number, length: number): StructWriter => (lengthOctet ? out.u8(length).u8(family) : out.u16(family));
  return {
    read(body) {
      const family = readFamily(body);
      const port = body.net16();
      switch (family) {
        case inet.family: {
          const address = addressFromBytes(body.bytes(4));
          body.skip(8);
          return { address, port };
        }
        case inet6: {
          body.skip(4);
          const address = addressFromBytes(body.bytes(16));
          body.skip(4 + behindScope);
          return { address, port };
        }
        default:
          return body.refuse(`address family ${family}`);
      }
    },
    write(out, { address, port }) {
      const bytes = addressBytes(address);
      if (bytes.length === 4) writeFamily(out, inet.family, inet.length).net16(port).bytes(bytes).zeros(8);
      else writeFamily(out, inet6, inet6Length).net16(port).zeros(4).bytes(bytes).zeros(4 + behindScope);
    },
  };
}
