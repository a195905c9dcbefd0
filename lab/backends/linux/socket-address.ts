/** `struct sockaddr_in` and `sockaddr_in6`: the family in the machine's order, port and address in the network's. */
import type { Endpoint } from '../../../src/core/address.ts';
import { addressBytes, addressFromBytes, isIpv4 } from '../../../src/core/address.ts';
import { AF_INET, AF_INET6 } from './syscalls.ts';

/** 16 or 28 octets. */
export function socketAddress({ address, port }: Endpoint): Uint8Array {
  const v4 = isIpv4(address);
  const bytes = new Uint8Array(v4 ? 16 : 28);
  bytes[0] = v4 ? AF_INET : AF_INET6;
  bytes[2] = port >>> 8;
  bytes[3] = port;
  bytes.set(addressBytes(address), v4 ? 4 : 8);
  return bytes;
}

export function readSocketAddress(bytes: Uint8Array): Endpoint {
  const v4 = bytes[0] === AF_INET;
  return { address: addressFromBytes(v4 ? bytes.subarray(4, 8) : bytes.subarray(8, 24)), port: (bytes[2]! << 8) | bytes[3]! };
}

/** Fits both. */
export const socketAddressSpace = 28;
